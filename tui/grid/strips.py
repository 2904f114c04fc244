"""A line of cells as Textual wants it: text for the terminal at once, segments only on demand.

Most lines of pictures are never seen but by the terminal. What a strip is otherwise asked for
(segments for a filter, a screen behind a dialog, a picture of the screen) is made when asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.cache import FIFOCache
from textual.strip import Strip

from tui.grid.cells import SPACE, Cells, ansi_lines
from tui.grid.paint import DEFAULT, depth_of

_LAZY = frozenset(
    {
        *("_divide_cache", "_crop_cache", "_style_cache", "_filter_cache"),
        *("_line_length_cache", "_crop_extend_cache", "_offsets_cache"),
    }
)


class CellStrip(Strip):
    """A strip of cells, each one column wide. `ansi` is its text for a terminal of the console's
    colours, where that is there already.

    The base class fills its slots when a strip is made. Here they are left empty, and filled by
    `__getattr__` when one is asked for, but for the segments, which are made each time.
    """

    __slots__ = ("_cells",)

    def __init__(self, cells: Cells, ansi: str | None = None) -> None:
        self._cells = cells
        self._cell_length = self._cell_count = len(cells.letters)
        self._render_cache = ansi
        self._link_ids = set()

    def __getattr__(self, name: str) -> Any:
        if name == "_segments":
            return segments_of(self._cells)
        if name in _LAZY:
            made: FIFOCache[Any, Any] = FIFOCache(4)
            setattr(self, name, made)
            return made
        raise AttributeError(name)

    def __bool__(self) -> bool:
        return bool(self._cell_length)

    @property
    def text(self) -> str:
        """The letters."""
        return "".join(map(chr, self._cells.letters.tolist()))

    def render(self, console: Console) -> str:
        """The text for the terminal."""
        if self._render_cache is None:
            front, back, letters = self._cells
            whole = Cells(front[None], back[None], letters[None])
            self._render_cache = ansi_lines(whole, depth_of(console))[0]
        return self._render_cache

    def crop(self, start: int, end: int | None = None) -> Strip:
        """The cells from `start` up to `end`."""
        length = len(self._cells.letters)
        start, end = max(0, start), length if end is None else min(length, end)
        if (start, end) == (0, length):
            return self
        return CellStrip(self._cells.cut(start, max(start, end)))

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The parts that end at the given columns."""
        length = len(self._cells.letters)
        ends = [cut for cut in cuts if cut <= length]
        if ends == [length]:
            return [self]
        return [self.crop(*span) for span in zip([0, *ends], ends, strict=False)]


def segments_of(cells: Cells) -> list[Segment]:
    """The cells of one line as styled segments, those alike joined."""
    front, back, letters = cells
    if not len(letters):
        return []
    shown = np.where(letters == SPACE, DEFAULT, front)
    alike = (shown[1:] == shown[:-1]) & (back[1:] == back[:-1])
    starts = [0, *(np.flatnonzero(~alike) + 1).tolist()]
    ends = [*starts[1:], len(letters)]
    text = "".join(map(chr, letters.tolist()))
    fronts, backs = shown[starts].tolist(), back[starts].tolist()
    return [
        Segment(text[start:end], _style(*colours))
        for start, end, *colours in zip(starts, ends, fronts, backs, strict=True)
    ]


@lru_cache(4096)
def _style(front: int, back: int) -> Style:
    return Style(color=_colour(front), bgcolor=_colour(back))


def _colour(code: int) -> Color | None:
    return None if code == DEFAULT else Color.from_rgb(code >> 16, code >> 8 & 255, code & 255)
