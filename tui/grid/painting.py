"""A row of thumbnails as strips: pictures put into their places and made text in one go.

Nothing of the cursor, the selection or a caption is in it, but for the markers of small
thumbnails, so that it stays as it is while these change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tui.grid.captions import CROSS
from tui.grid.cells import Cells, ansi_lines, greyed, halves, shaded
from tui.grid.layout import Layout
from tui.grid.paint import DEFAULT, Marker, Paint, PaintedRow, Tone
from tui.grid.strips import CellStrip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.int32] | None


def paint_row(
    layout: Layout,
    pictures: Sequence[tuple[bool, Picture]],
    markers: Sequence[Marker],
    paint: Paint,
) -> PaintedRow:
    """Paint the pictures of one row, each (whether it is there, the picture), where a picture of
    None cannot be shown. `markers` is empty, or has one for each."""
    pixels = np.full((2 * layout.high, layout.width), paint.background, np.int32)
    for column, (there, picture) in enumerate(pictures):
        left = column * layout.pitch + 1
        if there and picture is not None:
            high, wide = picture.shape
            top, left = (2 * layout.high - high) // 2, left + (layout.wide - wide) // 2
            pixels[top : top + high, left : left + wide] = picture
        else:
            fill = paint.broken if there else paint.waiting
            pixels[:, left : left + layout.wide] = fill
    cells = halves(pixels)
    if paint.tone != "colour":
        cells = greyed(cells) if paint.tone == "grey" else shaded(cells)
    _cross_out(layout, cells, pictures)
    for column, marker in enumerate(markers):
        _mark(cells, column * layout.pitch, marker, paint.tone)
    texts = ansi_lines(cells, "none" if paint.tone == "letters" else paint.depth)
    strips = tuple(CellStrip(cells.line(at), text) for at, text in enumerate(texts))
    cost = sum(each.nbytes for each in cells) + sum(map(len, texts)) + 1_000 * len(texts)
    return PaintedRow(strips, cost, all(there for there, _ in pictures))


def _cross_out(layout: Layout, cells: Cells, pictures: Sequence[tuple[bool, Picture]]) -> None:
    """A cross in the middle of each picture that cannot be shown: known without colour too."""
    for column, (there, picture) in enumerate(pictures):
        if there and picture is None:
            at = column * layout.pitch + 1 + layout.wide // 2
            cells.letters[layout.high // 2, at] = ord(CROSS)
            cells.front[layout.high // 2, at] = DEFAULT


def _mark(cells: Cells, column: int, marker: Marker, tone: Tone) -> None:
    for line, letter in enumerate(marker.letters[: len(cells.letters)]):
        cells.letters[line, column] = ord(letter)
        cells.front[line, column] = DEFAULT if tone == "letters" else marker.colour
