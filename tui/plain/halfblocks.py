"""Pictures as text for any terminal: two pixels in a cell, the upper as the foreground of '▀'.

Pure functions from arrays to lines. Nothing here asks a terminal anything or writes to one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Colour = Literal["truecolor", "256", "16", "none"]

_Writer = Callable[[int, int], str]
"""From a colour's number and 38 (foreground) or 48 (background) to the code's parameters."""

RESET = "\x1b[0m"
_RAMP = np.array(list(" .:-=+*#%@"))
_DEFAULT = -1
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_DIRECT_TERMINALS = ("direct", "kitty", "ghostty", "alacritty", "foot", "wezterm", "contour")


def colour_depth(environment: Mapping[str, str], *, is_terminal: bool) -> Colour:
    """How many colours to use, by the usual variables. 'none' off a terminal, for TERM=dumb, and
    where NO_COLOR is set to anything but nothing (no-color.org)."""
    term = environment.get("TERM", "").lower()
    if environment.get("NO_COLOR") or not is_terminal or term in {"dumb", "unknown"}:
        return "none"
    direct = environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}
    # COLORTERM does not travel over SSH, TERM does.
    if direct or "WT_SESSION" in environment or any(name in term for name in _DIRECT_TERMINALS):
        return "truecolor"
    if "256" in term:
        return "256"
    return "16" if term else "none"


def render(
    picture: NDArray[np.uint8], columns: int, rows: int | None = None, *, colour: Colour
) -> list[str]:
    """The picture, uint8 [H, W] or [H, W, 3], in at most `columns` by `rows` cells, one string a
    row; `rows` of None sets no limit downwards.

    Proportions are kept. A small picture grows by whole numbers, so that its pixels stay square
    and alike; a large one is averaged down. With colours every line ends in a reset; with
    'none' it is printable ASCII, denser where brighter. Raises ValueError for another shape or
    dtype, and for less than one column or row.
    """
    is_grey = picture.ndim == 2
    is_colour = picture.ndim == 3 and picture.shape[2] == 3
    if picture.dtype != np.uint8 or 0 in picture.shape or not (is_grey or is_colour):
        raise ValueError(
            f"picture: expected uint8 [H, W] or [H, W, 3], received {picture.dtype} "
            f"{list(picture.shape)}"
        )
    if columns < 1 or (rows is not None and rows < 1):
        raise ValueError(f"columns and rows must be 1 or more, received {columns} and {rows}")
    sized = _fitted(picture, columns, None if rows is None else 2 * rows)
    if colour == "none":
        return _as_ramp(sized)
    codes = _codes(sized if is_colour else np.repeat(sized[:, :, None], 3, axis=2), colour)
    if len(codes) % 2:
        codes = np.vstack([codes, np.full((1, codes.shape[1]), _DEFAULT)])
    write = _WRITERS[colour]
    return [
        _line(upper, lower, write) for upper, lower in zip(codes[::2], codes[1::2], strict=True)
    ]


def side_by_side(
    blocks: Sequence[tuple[Sequence[str], str]], width: int, *, gap: int = 2
) -> list[str]:
    """Lay blocks, each (lines, caption), beside each other in at most `width` columns, and under
    each other where they do not fit, an empty line between. A caption stands below its block,
    may have several lines, and is cut where it is wider than `width`."""
    cells = [_with_caption(lines, caption, width) for lines, caption in blocks]
    out: list[str] = []
    row: list[tuple[list[str], int]] = []
    used = 0
    for lines, wide in cells:
        if row and used + gap + wide > width:
            out += [*_joined(row, gap), ""]
            row, used = [], 0
        used += wide + (gap if row else 0)
        row.append((lines, wide))
    return out + list(_joined(row, gap))


def cell_width(text: str) -> int:
    """How many columns a text takes: none for colour codes and combining marks, two for wide
    letters."""
    return sum(_letter_width(letter) for letter in _SGR.sub("", text))


def _letter_width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _with_caption(lines: Sequence[str], caption: str, width: int) -> tuple[list[str], int]:
    captions = [_cut(_printable(line), width) for line in caption.split("\n")] if caption else []
    wide = max(map(cell_width, [*lines, *captions]), default=0)
    return [*lines, *captions], wide


def _printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _cut(text: str, width: int) -> str:
    if cell_width(text) <= width:
        return text
    kept, used = "", 0
    for letter in text:
        used += _letter_width(letter)
        if used > width - 1:
            break
        kept += letter
    return kept + "…"


def _joined(row: Sequence[tuple[list[str], int]], gap: int) -> Iterator[str]:
    for parts in zip_longest(*(lines for lines, _ in row), fillvalue=""):
        padded = (
            part + " " * (wide - cell_width(part))
            for part, (_, wide) in zip(parts, row, strict=True)
        )
        yield (" " * gap).join(padded).rstrip(" ")


def _fitted(picture: NDArray[np.uint8], wide: int, high: int | None) -> NDArray[np.uint8]:
    """The picture scaled to at most `wide` x `high` pixels."""
    height, width = picture.shape[:2]
    scale = wide / width if high is None else min(wide / width, high / height)
    if scale >= 1:
        factor = int(scale)
        return picture.repeat(factor, axis=0).repeat(factor, axis=1)
    goal = (max(1, round(height * scale)), max(1, round(width * scale)))
    # A plain mean over blocks first: what is left is small, and its exact mean cheap.
    step = max(1, int(0.5 / scale))
    down, across = (_edges(side, step) for side in (height, width))
    small = _block_means(picture, down, across) if step > 1 else picture
    rows, columns = shares(down, goal[0]), shares(across, goal[1])
    means = np.einsum("ij,jk...,lk->il...", rows, small.astype(np.float32), columns, optimize=True)
    fitted: NDArray[np.uint8] = means.round().clip(0, 255).astype(np.uint8)
    return fitted


def _edges(side: int, step: int) -> NDArray[np.int64]:
    """Where blocks of `step` pixels begin and end; the last may be smaller."""
    return np.append(np.arange(0, side, step), side)


def _block_means(
    picture: NDArray[np.uint8], down: NDArray[np.int64], across: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The mean of each block between the edges."""
    sums = np.add.reduceat(picture, down[:-1], axis=0, dtype=np.uint32)
    sums = np.add.reduceat(sums, across[:-1], axis=1)
    counts = np.outer(np.diff(down), np.diff(across))
    if picture.ndim == 3:
        counts = counts[:, :, None]
    means: NDArray[np.uint8] = ((sums + counts // 2) // counts).astype(np.uint8)
    return means


def shares(edges: NDArray[np.int64], want: int) -> NDArray[np.float32]:
    """How much of each block between `edges` lies in each of `want` equal parts of the whole:
    float32 [want, blocks], rows sum to 1."""
    parts = np.linspace(0, edges[-1], want + 1)[:, None]
    overlap = np.minimum(parts[1:], edges[1:]) - np.maximum(parts[:-1], edges[:-1])
    overlap = overlap.clip(min=0)
    rows: NDArray[np.float32] = (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)
    return rows


def _as_ramp(picture: NDArray[np.uint8]) -> list[str]:
    grey = picture.astype(np.float32)
    if grey.ndim == 3:
        grey = grey @ np.array([0.299, 0.587, 0.114], np.float32)
    if len(grey) % 2:
        grey = np.vstack([grey, grey[-1:]])
    cells = (grey[::2] + grey[1::2]) / 2
    places = (cells * (len(_RAMP) / 256)).astype(np.intp)
    return ["".join(row) for row in _RAMP[places]]


def _codes(picture: NDArray[np.uint8], colour: Colour) -> NDArray[np.int64]:
    """Each pixel's colour as one number: 0xRRGGBB, or its place in the palette."""
    channels = picture.astype(np.int64)
    if colour == "truecolor":
        return channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
    flat, back = np.unique(channels.reshape(-1, 3), axis=0, return_inverse=True)
    known = palette(colour)
    nearest = np.empty(len(flat), np.int64)
    for start in range(0, len(flat), 4096):
        gaps = flat[start : start + 4096, None, :] - known[None]
        nearest[start : start + 4096] = (gaps * gaps).sum(axis=2).argmin(axis=1)
    if colour == "256":
        nearest += 16
    return nearest[back.reshape(-1)].reshape(picture.shape[:2])


@cache
def palette(colour: Colour) -> NDArray[np.int64]:
    """The colours by number, [N, 3]: the first 16 as xterm has them for '16', or the fixed 16 to
    255 for '256' (the first 16 of which every user's theme changes)."""
    if colour == "16":
        dark = [(r, g, b) for b in (0, 205) for g in (0, 205) for r in (0, 205)]
        dark[4], dark[7] = (0, 0, 238), (229, 229, 229)
        bright = [(r, g, b) for b in (0, 255) for g in (0, 255) for r in (0, 255)]
        bright[0], bright[4] = (127, 127, 127), (92, 92, 255)
        return np.array(dark + bright, np.int64)
    steps = (0, 95, 135, 175, 215, 255)
    cube = [(r, g, b) for r in steps for g in steps for b in steps]
    greys = [(8 + 10 * at,) * 3 for at in range(24)]
    return np.array(cube + greys, np.int64)


def _truecolor(code: int, ground: int) -> str:
    return f"{ground};2;{code >> 16};{code >> 8 & 255};{code & 255}"


def _of_256(code: int, ground: int) -> str:
    return f"{ground};5;{code}"


def _of_16(code: int, ground: int) -> str:
    # 30-37 and 40-47, the bright ones 90-97 and 100-107.
    return str(ground - 8 + code if code < 8 else ground + 52 + code - 8)


_WRITERS: dict[Colour, _Writer] = {"truecolor": _truecolor, "256": _of_256, "16": _of_16}


def _line(upper: NDArray[np.int64], lower: NDArray[np.int64], write: _Writer) -> str:
    """One row of cells; a colour is written only where it changes, and a cell of one colour is a
    space on its background, which saves the foreground."""
    changes = np.flatnonzero((np.diff(upper) != 0) | (np.diff(lower) != 0)) + 1
    starts = [0, *changes.tolist()]
    ends = [*starts[1:], len(upper)]
    foreground = background = _DEFAULT
    parts: list[str] = []
    for start, end in zip(starts, ends, strict=True):
        top, bottom = int(upper[start]), int(lower[start])
        wanted: list[str] = []
        if top not in (bottom, foreground):
            wanted.append(write(top, 38))
            foreground = top
        if bottom != background:
            wanted.append(write(bottom, 48) if bottom != _DEFAULT else "49")
            background = bottom
        if wanted:
            parts.append(f"\x1b[{';'.join(wanted)}m")
        parts.append((" " if top == bottom else "▀") * (end - start))
    return "".join(parts) + RESET
