"""How the looks that `is:` asks for are judged in SQL, by the thresholds of storage/problems.py.

Measured looks are conditions on `measure`. Size and aspect are judged against the median width and
height of all images that are not in the trash; {i} stands for the image's row.
"""

from __future__ import annotations

from typing import Any

from storage import problems

MEASURED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "dark": ("high < ?", (problems.DARK_BELOW,)),
    "bright": ("low > ?", (problems.BRIGHT_ABOVE,)),
    "blank": ("contrast < ?", (problems.BLANK_BELOW,)),
    "one-colour": ("spread <= ?", (problems.ONE_COLOUR_SPREAD,)),
    "blurry": (
        "sharpness < ? AND contrast >= ?",
        (problems.BLURRY_BELOW, problems.BLANK_BELOW),
    ),
    "animated": ("animated = 1", ()),
}


def _median(side: str) -> str:
    shown = "FROM image AS one WHERE one.id NOT IN (SELECT image_id FROM trash)"
    # Answered once for a statement, in a large file from an index on the side.
    return (
        f"(SELECT one.{side} {shown} ORDER BY one.{side} "
        f"LIMIT 1 OFFSET (SELECT (count(*) - 1) / 2 {shown}))"
    )


_WIDE, _HIGH = _median("width"), _median("height")

BY_MEDIAN: dict[str, tuple[str, tuple[Any, ...]]] = {
    "odd-aspect": (
        f"{{i}}.width * {_HIGH} > ? * {{i}}.height * {_WIDE} "
        f"OR {{i}}.height * {_WIDE} > ? * {{i}}.width * {_HIGH}",
        (problems.ODD_ASPECT,) * 2,
    ),
    "odd-size": (
        f"{{i}}.width > ? * {_WIDE} OR {{i}}.width * ? < {_WIDE} "
        f"OR {{i}}.height > ? * {_HIGH} OR {{i}}.height * ? < {_HIGH}",
        (problems.ODD_SIZE,) * 4,
    ),
}
