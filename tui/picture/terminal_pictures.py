"""Pictures in real pixels, for terminals that can: by Kitty's protocol, or as Sixel.

Nothing here asks the terminal anything: under the app the answer would come as key presses. Which
protocol it knows is told by its own environment variables, or by the user.
"""

from __future__ import annotations

import os
import sys
from base64 import standard_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tui.settings import Pictures

Protocol = Literal["kitty", "sixel"]

USUAL_CELL = (10, 20)
"""Pixels in a cell, across and down, where the terminal does not tell."""
_LARGEST_CELL = 100
_CHUNK = 4096
_PLACEHOLDER = "\U0010eeee"
_KITTY_ID = 83
"""One number for every picture: each takes the place of the one before in the terminal's memory.
Below 256, so that a terminal without true colour can be told it too."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture for a rectangle of cells. `lines` are the texts of its rows; `before` goes to the
    terminal ahead of the first of them, `after` behind the last, with the cursor at the
    picture's first cell. `ink` starts each line's text; none of these three moves the cursor."""

    lines: tuple[str, ...]
    before: str = ""
    after: str = ""
    ink: str = ""


@dataclass(frozen=True, slots=True)
class Canvas:
    """How this terminal draws pictures: the protocol, and a cell's width and height in pixels."""

    protocol: Protocol
    cell: tuple[int, int]

    def draw(self, pixels: NDArray[np.uint8]) -> Drawn | None:
        """For uint8 [H, W, 3] with sides that are whole numbers of cells; None where there are
        more cells than the protocol has numbers for. May be called from any thread."""
        columns, rows = pixels.shape[1] // self.cell[0], pixels.shape[0] // self.cell[1]
        if self.protocol == "sixel":
            return _as_sixel(pixels, columns, rows)
        return _by_kitty(pixels, columns, rows) if max(columns, rows) <= len(_marks()) else None


def protocol_of(
    setting: Pictures, environment: Mapping[str, str], *, no_colour: bool = False
) -> Protocol | None:
    """The protocol to use, None for half-blocks. 'auto' trusts the names that terminals give
    themselves, of which SSH carries TERM alone; it draws half-blocks under tmux and screen, which
    let no picture through, and without colours."""
    if setting == "blocks":
        return None
    if setting != "auto":
        return setting
    term = environment.get("TERM", "").lower()
    if no_colour or "TMUX" in environment or term.startswith(("screen", "tmux")):
        return None
    program = environment.get("TERM_PROGRAM", "").lower()
    if "kitty" in term or "ghostty" in term or program in ("kitty", "ghostty"):
        return "kitty"
    if term.startswith(("foot", "mlterm", "contour")) or program in ("wezterm", "iterm.app"):
        return "sixel"
    return None


def canvas_of(setting: Pictures, *, no_colour: bool) -> Canvas | None:
    """The canvas of the process's own terminal, None for half-blocks."""
    protocol = protocol_of(setting, os.environ, no_colour=no_colour)
    if protocol is None:
        return None
    cell = _cell_of_terminal()
    if cell is None and protocol == "sixel" and setting == "auto":
        # Of a wrong size it would cover what stands beside it.
        return None
    return Canvas(protocol, cell or USUAL_CELL)


def _cell_of_terminal() -> tuple[int, int] | None:
    """A cell's size in pixels, where the terminal's driver knows it; asks no terminal."""
    import struct
    from fcntl import ioctl
    from termios import TIOCGWINSZ

    try:
        answer = ioctl(sys.__stdout__ or 1, TIOCGWINSZ, bytes(8))
    except (OSError, ValueError):
        # No terminal there.
        return None
    rows, columns, width, height = struct.unpack("HHHH", answer)
    return cell_size(columns, rows, width, height)


def cell_size(columns: int, rows: int, width: int, height: int) -> tuple[int, int] | None:
    """A cell's size from the terminal's in cells and in pixels; None where that makes no sense."""
    if min(columns, rows, width, height) < 1:
        return None
    cell = width // columns, height // rows
    return cell if min(cell) >= 2 and max(cell) <= _LARGEST_CELL else None


def _by_kitty(pixels: NDArray[np.uint8], columns: int, rows: int) -> Drawn:
    from io import BytesIO

    from PIL import Image

    png = BytesIO()
    Image.fromarray(pixels).save(png, "PNG", compress_level=1)
    data = standard_b64encode(png.getvalue()).decode("ascii")
    parts = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    last = len(parts) - 1
    sent = [
        f"\x1b_G{f'a=t,f=100,i={_KITTY_ID},q=2,' if not at else ''}m={int(at < last)};{part}\x1b\\"
        for at, part in enumerate(parts)
    ]
    # A virtual placement: its cells are text, which scrolls, is cut and is covered as text is.
    sent.append(f"\x1b_Ga=p,U=1,i={_KITTY_ID},c={columns},r={rows},q=2\x1b\\")
    marks = _marks()
    lines = tuple(
        "".join(_PLACEHOLDER + marks[row] + marks[column] for column in range(columns))
        for row in range(rows)
    )
    return Drawn(lines, before="".join(sent), ink=f"\x1b[38;5;{_KITTY_ID}m")


@cache
def _marks() -> tuple[str, ...]:
    """The signs that number rows and columns of a picture, as Kitty's protocol lists them."""
    # textual-image asks the terminal what it can when this module is imported, unless there is
    # none: the answer would be taken from the keys.
    kept = sys.__stdout__
    vars(sys)["__stdout__"] = None
    try:
        from textual_image.renderable import tgp
    finally:
        vars(sys)["__stdout__"] = kept
    return tuple(map(chr, tgp._NUMBER_TO_DIACRITIC))


def _as_sixel(pixels: NDArray[np.uint8], columns: int, rows: int) -> Drawn:
    from PIL import Image
    from textual_image._sixel import image_to_sixels

    return Drawn((" " * columns,) * rows, after=image_to_sixels(Image.fromarray(pixels)))
