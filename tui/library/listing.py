"""The images of a query for the library: the first ones at once, then how many, then all.

Each function is a job for a thread of the dataset; what they give is small or an array('q').
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.query import PREDICTION_SORTS, Query, Sort

if TYPE_CHECKING:
    from storage.repository import Repository

FIRST = 400
"""Images of the first page: more than a large screen shows."""


def first_ids(repo: Repository, query: Query) -> tuple[array[int], bool, int]:
    """The first images, whether they are all, and how many pixels wide they mostly are, 0 where
    there is none. Raises what a query that cannot be answered raises."""
    page = repo.images.page(query, limit=FIRST)
    widths = sorted(record.width for record in page.images)
    typical = widths[len(widths) // 2] if widths else 0
    return array("q", (record.id for record in page.images)), page.next is None, typical


def all_ids(repo: Repository, query: Query) -> array[int]:
    """Every image of the query, in its order."""
    return array("q", repo.images.ids(query))


def place_of(ids: Sequence[int], image: int, sort: Sort) -> int | None:
    """Where an image is in a list that was sorted so; None where it is not in it."""
    if sort == Sort():
        at = bisect_left(ids, image)
        return at if at < len(ids) and ids[at] == image else None
    try:
        return ids.index(image)
    except ValueError:
        return None


def begins_with(ids: array[int], first: array[int]) -> bool:
    """Whether a list begins with the images of another."""
    return ids[: len(first)] == first


def status_text(
    *,
    position: int,
    shown: int,
    total: int | None,
    selected: int,
    pending: int,
    stale: bool,
    awaits: bool = False,
    sort: str = "id",
) -> str:
    """The status line: the place in the list, what its order leaves out, what is selected (and
    that more will be, where the list is not all there), what is not stored yet, and whether the
    list may be another by now."""
    if not shown:
        parts = ["no images"]
    else:
        of = "…" if total is None else f"{total:,}"
        parts = [f"{position + 1:,} of {of}"]
    if sort in PREDICTION_SORTS:
        parts.append(f"by {sort}: only images with an answer")
    if selected or awaits:
        parts.append(f"{selected:,} selected{', more to come' if awaits else ''}")
    if pending:
        parts.append(f"storing {pending:,} {'edit' if pending == 1 else 'edits'}")
    if stale:
        parts.append("changed since: ctrl+r asks anew")
    return " · ".join(parts)
