"""How the looks that `is:` asks for are judged in SQL, by the thresholds of storage/problems.py.

Every text is a condition for any backend, with `?` for each value to bind.
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
"""Conditions on the columns of `measure`."""


def by_median(wide: str, high: str) -> dict[str, tuple[str, tuple[Any, ...]]]:
    """Conditions on the image's row, {i}, with `wide` and `high` as SQL for the median width and
    height of all images that are not in the trash."""
    return {
        "odd-aspect": (
            f"{{i}}.width * {high} > ? * {{i}}.height * {wide} "
            f"OR {{i}}.height * {wide} > ? * {{i}}.width * {high}",
            (problems.ODD_ASPECT,) * 2,
        ),
        "odd-size": (
            f"{{i}}.width > ? * {wide} OR {{i}}.width * ? < {wide} "
            f"OR {{i}}.height > ? * {high} OR {{i}}.height * ? < {high}",
            (problems.ODD_SIZE,) * 4,
        ),
    }
