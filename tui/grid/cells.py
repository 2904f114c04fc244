"""Rows of terminal cells as arrays, and as the text that a terminal takes for them.

A cell is one letter of one column with two colours. Colours are 0xRRGGBB, or DEFAULT for the
terminal's own; letters are code points below 0x10000. Whole pages are turned into text at once.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tui.grid.paint import DEFAULT
from tui.plain.halfblocks import RESET, Colour, palette

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF = 0x2580
"""'▀': the upper pixel is the foreground, the lower one the background."""
LOWER = 0x2584
SPACE = 0x20

_RAMP = np.array([ord(letter) for letter in " .:-=+*#%@"], np.uint16)


class Cells(NamedTuple):
    """Cells as arrays of one shape, [columns] or [lines, columns]: `front` and `back` are int32
    colours, `letters` uint16 code points of letters one column wide."""

    front: NDArray[np.int32]
    back: NDArray[np.int32]
    letters: NDArray[np.uint16]

    def cut(self, start: int, end: int) -> Cells:
        """The columns from `start` up to `end`, not copied."""
        return Cells(
            self.front[..., start:end], self.back[..., start:end], self.letters[..., start:end]
        )

    def line(self, at: int) -> Cells:
        """One line, not copied."""
        return Cells(self.front[at], self.back[at], self.letters[at])


def halves(pixels: NDArray[np.int32]) -> Cells:
    """Two rows of pixels, [2 N, columns], in each of N lines of cells. Where both are alike the
    cell is a space, which says less; over the terminal's own background it is a lower half."""
    front, back = pixels[::2], pixels[1::2]
    letters = np.where(front == back, SPACE, HALF).astype(np.uint16)
    bare = (front == DEFAULT) & (back != DEFAULT)
    if not bare.any():
        return Cells(front, back, letters)
    letters[bare] = LOWER
    return Cells(np.where(bare, back, front), np.where(bare, DEFAULT, back), letters)


def shaded(cells: Cells) -> Cells:
    """Half blocks as letters without colours, denser where brighter; other letters stay."""
    over, under = cells.letters == HALF, cells.letters == LOWER
    upper = np.where(over, cells.front, cells.back)
    lower = np.where(under, cells.front, cells.back)
    light = (luminance(upper) + luminance(lower)) / 2
    letters = _RAMP[(light * (len(_RAMP) / 256)).astype(np.intp)]
    letters = np.where(over | under | (cells.letters == SPACE), letters, cells.letters)
    none = np.full(cells.front.shape, DEFAULT, np.int32)
    return Cells(none, none, letters)


def greyed(cells: Cells) -> Cells:
    """The same with every colour as the grey that is as bright."""
    return Cells(_grey(cells.front), _grey(cells.back), cells.letters)


def _grey(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    # The weights and the rounding of textual.color.Color.monochrome.
    grey = np.rint(luminance(codes)).astype(np.int32) * 0x010101
    return np.where(codes == DEFAULT, DEFAULT, grey).astype(np.int32)


def luminance(codes: NDArray[np.int32]) -> NDArray[np.float64]:
    """How bright colours are, 0 to 255; DEFAULT counts as black."""
    known = np.where(codes < 0, 0, codes)
    bright: NDArray[np.float64] = (
        (known >> 16) * 0.2126 + (known >> 8 & 255) * 0.7152 + (known & 255) * 0.0722
    )
    return bright


def colours_of(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Pixels, uint8 [..., 3], or [..., 1] for grey, as colours."""
    wide = pixels.astype(np.int32)
    if wide.shape[-1] == 1:
        return wide[..., 0] * 0x010101
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def ansi_lines(cells: Cells, colour: Colour) -> list[str]:
    """Each line of the cells, [lines, columns], as text with escape codes. A colour is written
    where it changes; a line ends in a reset if it has colours."""
    lines, columns = cells.letters.shape
    if not columns:
        return [""] * lines
    if colour == "none":
        return ["".join(map(chr, line)) for line in cells.letters.tolist()]
    front, back = (_numbered(codes, colour) for codes in (cells.front, cells.back))
    new_front = _changes(front, cells.letters != SPACE)
    new_back = np.ones(back.shape, bool)
    new_back[:, 1:] = back[:, 1:] != back[:, :-1]
    new_back[:, 0] = back[:, 0] != DEFAULT
    text, keep = _blank(lines * columns, colour)
    wide = (text.shape[1] - 7) // 2
    flat_front, flat_back = new_front.reshape(-1), new_back.reshape(-1)
    keep[:, 0:2] = (flat_front | flat_back)[:, None]
    _write(text[:, 2 : 2 + wide], keep[:, 2 : 2 + wide], front.reshape(-1), flat_front, 38, colour)
    keep[:, 2 + wide] = flat_front & flat_back
    at = 3 + wide
    _write(
        text[:, at : at + wide], keep[:, at : at + wide], back.reshape(-1), flat_back, 48, colour
    )
    keep[:, -4] = keep[:, 0]
    _write_letters(text[:, -3:], keep[:, -3:], cells.letters.reshape(-1))
    data = text.reshape(-1)[keep.reshape(-1)].tobytes()
    ends = np.cumsum(np.count_nonzero(keep.reshape(lines, -1), axis=1)).tolist()
    return [data[a:b].decode() + RESET for a, b in zip([0, *ends], ends, strict=False)]


def _changes(front: NDArray[np.int32], seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a foreground has to be written: where it is seen and not that of the cell in which
    one was seen before."""
    columns = np.arange(front.shape[1])
    last = np.maximum.accumulate(np.where(seen, columns, -1), axis=1)
    before = np.full(front.shape, -1)
    before[:, 1:] = last[:, :-1]
    known = np.take_along_axis(front, before.clip(0), axis=1)
    known[before < 0] = DEFAULT
    changed: NDArray[np.bool_] = seen & (front != known)
    return changed


def _blank(count: int, colour: Colour) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Room for the longest text of each cell, uint8 [count, bytes], and which bytes are meant."""
    ground = {"truecolor": b"38;2;000;000;00039", "256": b"38;5;00039", "16": b"00039"}[colour]
    template = b"\x1b[" + ground + b";" + ground.replace(b"3", b"4", 1)[:-2] + b"49" + b"m   "
    text = np.empty((count, len(template)), np.uint8)
    text[:] = np.frombuffer(template, np.uint8)
    return text, np.zeros(text.shape, bool)


def _write(
    text: NDArray[np.uint8],
    keep: NDArray[np.bool_],
    codes: NDArray[np.int32],
    new: NDArray[np.bool_],
    ground: int,
    colour: Colour,
) -> None:
    """Write the parameters of the colours that are `new`, or mark the last two bytes for the
    terminal's own."""
    keep[:, -2:] = (new & (codes == DEFAULT))[:, None]
    shown = np.flatnonzero(new & (codes != DEFAULT))
    values = codes[shown]
    digits, used = _digits()
    if colour == "16":
        base = np.where(values < 8, ground - 8, ground + 44)
        places: list[tuple[int, NDArray[np.int32]]] = [(0, values + base)]
    elif colour == "256":
        keep[shown, :5] = True
        places = [(5, values)]
    else:
        keep[shown, :5] = True
        keep[shown, 8] = keep[shown, 12] = True
        places = [(5, values >> 16), (9, values >> 8 & 255), (13, values & 255)]
    for at, numbers in places:
        text[shown, at : at + 3] = digits[numbers]
        keep[shown, at : at + 3] = used[numbers]


def _write_letters(
    text: NDArray[np.uint8], keep: NDArray[np.bool_], letters: NDArray[np.uint16]
) -> None:
    """The letters in UTF-8, from the left."""
    keep[:, 0] = True
    text[:, 0] = letters & 0x7F
    long = np.flatnonzero(letters >= 0x80)
    points = letters[long]
    three = points >= 0x800
    keep[long, 1] = True
    keep[long, 2] = three
    text[long, 0] = np.where(three, 0xE0 | points >> 12, 0xC0 | points >> 6)
    text[long, 1] = 0x80 | np.where(three, points >> 6, points) & 0x3F
    text[long, 2] = 0x80 | points & 0x3F


@cache
def _digits() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The numbers 0 to 255 as three digits each, and which of these are written."""
    text = np.frombuffer(b"".join(b"%03d" % number for number in range(256)), np.uint8)
    numbers = np.arange(256)
    used = np.stack([numbers >= 100, numbers >= 10, numbers >= 0], axis=1)
    return text.reshape(256, 3), used


def _numbered(codes: NDArray[np.int32], colour: Colour) -> NDArray[np.int32]:
    """The colours by their places in the palette; truecolor as it is."""
    if colour == "truecolor":
        return codes
    greys, cube = _nearest(colour)
    red, green, blue = codes >> 16 & 255, codes >> 8 & 255, codes & 255
    grey = (red == green) & (green == blue)
    place = (red >> 3) << 10 | (green >> 3) << 5 | blue >> 3
    found = np.where(grey, greys[blue], cube[place])
    return np.where(codes == DEFAULT, DEFAULT, found).astype(np.int32)


@cache
def _nearest(colour: Colour) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The nearest place in the palette to every grey, and to the middle of every cell of a cube
    of 32 steps a side."""
    colours = palette(colour).astype(np.float32)
    steps = np.arange(32, dtype=np.float32) * 8 + 3.5
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    greys = np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, axis=1)
    first = 16 if colour == "256" else 0

    def places(wanted: NDArray[np.float32]) -> NDArray[np.int32]:
        gaps = (colours**2).sum(axis=1) - 2 * wanted @ colours.T
        nearest: NDArray[np.int32] = (gaps.argmin(axis=1) + first).astype(np.int32)
        return nearest

    return places(greys), places(cube)
