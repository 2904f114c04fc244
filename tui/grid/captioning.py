"""The line of words below a row of thumbnails, as a strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.grid.captions import Role, caption
from tui.grid.layout import Layout

if TYPE_CHECKING:
    from storage.records import ImageRecord

Look = Role | Literal["base", "cursor", "selected"]
Looks = Mapping[Look, Style]
"""The styles for words, and for the whole caption under the cursor or of a selected image."""


class Place(NamedTuple):
    """One image of a row: what is known of it, and how it stands."""

    record: ImageRecord | None
    cursor: bool
    selected: bool


def caption_strip(layout: Layout, places: Sequence[Place], looks: Looks) -> Strip:
    """The captions of one row, each under its picture, `layout.width` columns in all. A mark
    before a caption says that the image is selected or under the cursor, without colour too."""
    segments: list[Segment] = []
    base = looks["base"]
    for place in places:
        segments += _one(place, layout.pitch - 1, looks)
        segments.append(Segment(" ", base))
    left = layout.width - len(places) * layout.pitch
    if left > 0:
        segments.append(Segment(" " * left, base))
    return Strip(segments, layout.width)


def _one(place: Place, columns: int, looks: Looks) -> list[Segment]:
    mark = "✓" if place.selected else "▸" if place.cursor else " "
    whole = looks["cursor"] if place.cursor else looks["selected"] if place.selected else None
    base = looks["base"] if whole is None else whole
    segments = [Segment(mark, base)]
    room = columns - 1 - place.cursor
    used = 0
    pieces = caption(place.record, room) if place.record is not None else []
    for text, role in pieces:
        segments.append(Segment(text, looks[role] if whole is None else base))
        used += cell_len(text)
    segments.append(Segment(" " * (room - used) + "◂" * place.cursor, base))
    return segments
