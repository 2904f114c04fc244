"""The median width and height of a dataset file's images, by which `is:odd-size` and
`is:odd-aspect` judge.
"""

from __future__ import annotations

from storage.looks import by_median


def _median(side: str) -> str:
    shown = "FROM image AS one WHERE one.id NOT IN (SELECT image_id FROM trash)"
    # Answered once for a statement, in a large file from an index on the side.
    return (
        f"(SELECT one.{side} {shown} ORDER BY one.{side} "
        f"LIMIT 1 OFFSET (SELECT (count(*) - 1) / 2 {shown}))"
    )


BY_MEDIAN = by_median(_median("width"), _median("height"))
"""Conditions by look; {i} stands for the image's row."""
