"""A model's answers for files, as rows with a small picture and bars.

`Answers` keeps them in the order asked for; the rest are pure functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from textual.color import Color
from textual.content import Content
from textual.style import Style

from tui.files.paths import tail_of
from tui.plain.text import printable, shorten
from tui.plain.text import width as width_of
from tui.widgets.bars import bar, bars, figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml.predicting import Answer

HEIGHTS = (1, 5, 9, 17)
"""The lines that a row may have. More than one leave one empty below the picture, which has twice
as many pixels on a side as lines."""

SIDE = 32
TOP = 10
MOST = 10_000
"""So many answers are kept."""

Order = Literal["given", "least", "most"]
ORDER_WORDS: dict[Order, str] = {
    "given": "as they came",
    "least": "least confident first",
    "most": "most confident first",
}
_NEXT: dict[Order, Order] = {"given": "least", "least": "most", "most": "given"}


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, as it is kept: where the file lies, the most probable labels, and what the model
    was shown, uint8 [h, w, 3] with no side over 32 pixels."""

    source: str
    top: tuple[tuple[str, float], ...]
    pixels: NDArray[np.uint8] = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        return self.top[0][0]

    @property
    def confidence(self) -> float:
        return self.top[0][1]


class Answers:
    """The answers so far, the order in which they are shown, and which are marked."""

    def __init__(self) -> None:
        self._seen: list[Seen] = []
        self._shown: list[int] = []
        self.order: Order = "given"
        self.marked: set[str] = set()
        self.images: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, more: Sequence[Seen]) -> None:
        """Take more answers in, 10,000 in all at most."""
        self._seen += more[: MOST - len(self._seen)]
        self._sort()

    def turn(self) -> None:
        """Go on to the next order."""
        self.order = _NEXT[self.order]
        self._sort()

    def _sort(self) -> None:
        self._shown = list(range(len(self._seen)))
        if self.order != "given":
            self._shown.sort(key=lambda at: self._seen[at].confidence, reverse=self.order == "most")

    def at(self, place: int) -> Seen:
        """The answer at a place of the order."""
        return self._seen[self._shown[place]]

    def chosen(self) -> list[Seen]:
        """The marked ones, or all where none is, in the order shown."""
        every = [self.at(place) for place in range(len(self._shown))]
        return [each for each in every if each.source in self.marked] or every

    def unsure(self, below: float) -> int:
        """How many have less confidence."""
        return sum(each.confidence < below for each in self._seen)


def seen_of(answer: Answer) -> Seen:
    """An answer, its pixels brought to a small size."""
    import numpy as np

    from tui.grid.fitting import fit
    from tui.grid.paint import Box

    height, width = answer.pixels.shape[:2]
    pixels = np.broadcast_to(answer.pixels, (height, width, 3))
    if max(height, width) > SIDE:
        codes = fit(pixels[None], Box(SIDE, SIDE))[0]
        pixels = np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], axis=2)
    return Seen(answer.source, answer.top, np.ascontiguousarray(pixels, np.uint8))


def picture_lines(pixels: NDArray[np.uint8], rows: int) -> list[Content]:
    """The picture in so many lines of half-blocks, twice as wide as high, in the middle."""
    from tui.grid.fitting import fit
    from tui.grid.paint import Box

    codes = fit(pixels[None], Box(2 * rows, 2 * rows))[0]
    above = (2 * rows - codes.shape[0]) // 2
    left = (2 * rows - codes.shape[1]) // 2
    right = 2 * rows - codes.shape[1] - left
    lines = []
    for row in range(rows):
        upper, lower = 2 * row - above, 2 * row + 1 - above
        pairs = [
            (_code(codes, upper, column), _code(codes, lower, column))
            for column in range(codes.shape[1])
        ]
        cells = [_cell(*pair, len(list(run))) for pair, run in groupby(pairs)]
        lines.append(Content("").join([Content(" " * left), *cells, Content(" " * right)]))
    return lines


def _code(codes: NDArray[np.int32], row: int, column: int) -> int | None:
    return int(codes[row, column]) if 0 <= row < len(codes) else None


def _cell(top: int | None, bottom: int | None, count: int) -> Content:
    """So many cells of the same two colours."""
    if top is None and bottom is None:
        return Content(" " * count)
    if top is None:
        return Content.styled("▄" * count, Style(foreground=_colour(bottom)))
    if bottom is None:
        return Content.styled("▀" * count, Style(foreground=_colour(top)))
    style = Style(foreground=_colour(top), background=_colour(bottom))
    return Content.styled("▀" * count, style)


def _colour(code: int | None) -> Color | None:
    return None if code is None else Color(code >> 16 & 255, code >> 8 & 255, code & 255)


def row_lines(
    seen: Seen, width: int, height: int, *, below: float, marked: bool, image: int | None
) -> list[Content]:
    """An answer as a row of `height` lines: the picture, the file with what is known of it, bars.
    An answer with a confidence less than `below` is called unsure."""
    unsure = seen.confidence < below
    if height == 1:
        return [_one_line(seen, width, unsure=unsure, marked=marked, image=image)]
    high = height - 1
    pictures = picture_lines(seen.pixels, high)
    room = width - 2 * high - 2
    if room < 12:
        return pictures
    top = bars(seen.top[: high - 1], min(room, 60)).split("\n")
    head = _signs(unsure=unsure, marked=marked, image=image)
    name = tail_of(printable(seen.source), max(1, room - head.cell_length))
    texts = [head + Content.styled(name, "$text-muted"), *top]
    texts += [Content("")] * (high - len(texts))
    return [
        Content("").join([picture, Content("  "), text]).truncate(width)
        for picture, text in zip(pictures, texts, strict=True)
    ]


def _one_line(seen: Seen, width: int, *, unsure: bool, marked: bool, image: int | None) -> Content:
    column = max(6, min(20, width // 4))
    label = shorten(printable(seen.label), column)
    head = _signs(unsure=unsure, marked=marked, image=image)
    parts = [
        Content.styled(label + " " * (column - width_of(label)), "bold"),
        Content(figure(seen.confidence).rjust(7) + " "),
        Content.styled(bar(seen.confidence, 10), "$primary on $panel"),
        Content(" "),
        head,
    ]
    left = width - sum(part.cell_length for part in parts)
    name = Content.styled(tail_of(printable(seen.source), max(1, left)), "$text-muted")
    return Content("").join([*parts, name]).truncate(width)


def _signs(*, unsure: bool, marked: bool, image: int | None) -> Content:
    return Content.assemble(
        ("● " if marked else "", "$accent bold"),
        (f"+{image} " if image is not None else "", "$success"),
        ("unsure? " if unsure else "", "$warning italic"),
    )
