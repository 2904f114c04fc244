"""How rows of thumbnails are to be painted, as values: what is known before any picture is there.

Nothing of numpy is in it, so that a grid can be drawn before numpy is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.color import ColorSystem

if TYPE_CHECKING:
    from rich.console import Console

    from tui.grid.strips import CellStrip
    from tui.plain.halfblocks import Colour

DEFAULT = -1
"""The terminal's own colour; others are 0xRRGGBB."""

_DEPTHS: dict[ColorSystem | None, Colour] = {
    None: "truecolor",
    ColorSystem.TRUECOLOR: "truecolor",
    ColorSystem.EIGHT_BIT: "256",
    ColorSystem.STANDARD: "16",
    ColorSystem.WINDOWS: "16",
}

Tone = Literal["colour", "grey", "letters"]


@dataclass(frozen=True, slots=True)
class Paint:
    """How pictures are painted: on which background, a colour of tui.grid.cells; with what in
    the place of a picture that is not there (`waiting`) or cannot be shown (`broken`); in which
    tone, for how many colours."""

    background: int
    waiting: int
    broken: int
    tone: Tone
    depth: Colour


@dataclass(frozen=True, slots=True)
class Marker:
    """What stands beside a small thumbnail: a letter for each of its lines, in a colour."""

    letters: str
    colour: int


@dataclass(frozen=True, slots=True)
class PaintedRow:
    """The strips of a row's pictures, from the top, the bytes they take, and whether every
    picture is there."""

    strips: tuple[CellStrip, ...]
    cost: int
    whole: bool


class Box(NamedTuple):
    """The room for a thumbnail, in pixels."""

    width: int
    height: int


def depth_of(console: Console) -> Colour:
    """How many colours the console's terminal has, as Textual's own strips take it."""
    return _DEPTHS[console._color_system]
