"""One picture, as large as its room lets it be, with zoom and pan: half-blocks at once, and real
pixels when the keys rest, where the terminal can.

It decodes and reads nothing; a screen gives it what to show. `Detail` says that what is looked at
has more detail than the picture that was given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rich.segment import ControlType, Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.filter import ANSIToTruecolor, DimFilter, LineFilter, Monochrome, NoColor
from textual.geometry import Offset, Region
from textual.geometry import Size as WidgetSize
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.frame.background import begin
from tui.picture.terminal_pictures import Canvas, Drawn
from tui.picture.viewport import (
    Size,
    View,
    Window,
    actual,
    drawn,
    is_zoomed,
    panned,
    scale_of,
    window,
    zoomed,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from rich.console import Console
    from textual.color import Color

REST = 0.15
"""Seconds that the keys rest before real pixels are drawn."""
_PLAIN = Style()

Tone = Literal["colour", "grey", "letters"]


class Picture(Widget):
    """Shows a picture, or a sentence in its place."""

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"

    class Detail(Message):
        """The picture is looked at more closely than it was decoded for."""

    class Moved(Message):
        """The zoom or the place changed."""

    def __init__(self) -> None:
        super().__init__()
        self._picture: Image | None = None
        self._stored_size: Size = (1, 1)
        self._is_whole = True
        self._words = ""
        self._view = View()
        self._strips: list[Strip] | None = None
        self._fine: list[Strip] | None = None
        self._fine_after = ""
        self._canvas: Canvas | None = None

    # --- what is shown

    def show(self, picture: Image, size: Size, *, whole: bool = True, keep: bool = False) -> None:
        """Show an RGB picture of something that is `size` pixels large. `whole` says that there
        is no more detail to be had; `keep` leaves zoom and place as they are."""
        if not keep:
            self._view = View()
        self._picture, self._stored_size, self._is_whole, self._words = picture, size, whole, ""
        self._redraw()

    def say(self, words: str) -> None:
        """Show a sentence, and no picture."""
        self._picture, self._words, self._view = None, words, View()
        self._redraw()

    def use(self, canvas: Canvas | None) -> None:
        """Draw real pixels on this; None for half-blocks alone."""
        self._canvas = canvas
        self._redraw()

    @property
    def canvas(self) -> Canvas | None:
        """What real pixels are drawn on."""
        return self._canvas

    @property
    def words(self) -> str:
        """The sentence that is shown in the picture's place, or nothing."""
        return self._words

    @property
    def picture(self) -> Image | None:
        """What is shown."""
        return self._picture

    @property
    def view(self) -> View:
        """How it is looked at."""
        return self._view

    @property
    def scale(self) -> float:
        """Drawn pixels, half a cell each, for one of the picture."""
        return scale_of(self._view, self._stored_size, self._room)

    @property
    def zoomed_in(self) -> bool:
        """Whether a part of the picture is out of sight."""
        return self._picture is not None and is_zoomed(self._view, self._stored_size, self._room)

    @property
    def _room(self) -> Size:
        return max(1, self.size.width), max(2, 2 * self.size.height)

    @property
    def _dots(self) -> int:
        """How many dots of the screen a drawn pixel is wide."""
        return 1 if self._canvas is None else self._canvas.cell[0]

    # --- zoom and pan

    def zoom(self, by: int) -> None:
        """Nearer (1) or farther (-1)."""
        self._look(zoomed(self._view, self._stored_size, self._room, by))

    def fit(self) -> None:
        """The whole picture, as large as it goes."""
        self._look(View())

    def actual(self) -> None:
        """A dot on the screen for each pixel of the picture."""
        self._look(actual(self._view, self._stored_size, self._room, dots=self._dots))

    def pan(self, across: int, down: int) -> None:
        """A step to the right and down."""
        self._look(panned(self._view, self._stored_size, self._room, across, down))

    def _look(self, view: View) -> None:
        if self._picture is None or view == self._view:
            return
        self._view = view
        self._redraw()
        self.post_message(self.Moved())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.zoom(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.zoom(-1)

    # --- drawing

    def _redraw(self) -> None:
        self._strips = self._fine = None
        self.refresh()
        if self._canvas is not None and self._picture is not None and self.is_mounted:
            begin(self, self._refined(self._canvas), group="fine", exclusive=True)

    async def _refined(self, canvas: Canvas) -> None:
        """Draw real pixels in the place of the half-blocks, once the keys rest."""
        await asyncio.sleep(REST)
        picture, stored, room = self._picture, self._stored_size, self._room
        if picture is None:
            return
        seen, ground = window(self._view, stored, room), self.background_colors[1]
        made = await asyncio.to_thread(_painted, canvas, picture, stored, seen, ground.rgb)
        if made is None:
            return
        left, top = self._corner(seen.size)
        empty = Style.from_color(None, ground.rich_color)
        self._fine = _framed(made, seen.size[0], self.size, (left, top), empty)
        corner = self.content_region.offset + Offset(left, top)
        self._fine_after = (
            f"\x1b7\x1b[{corner.y + 1};{corner.x + 1}H{made.after}\x1b8" if made.after else ""
        )
        self.refresh()

    @property
    def is_fine(self) -> bool:
        """Whether real pixels are shown now. A screen behind another shows half-blocks, which can
        be dimmed and covered."""
        return self._fine is not None and self.screen.is_active

    def _corner(self, size: Size) -> Size:
        """Where the drawn picture begins, in cells."""
        return (self.size.width - size[0]) // 2, (self.size.height - -(-size[1] // 2)) // 2

    def on_resize(self) -> None:
        self._redraw()

    def notify_style_update(self) -> None:
        """The theme's colours changed."""
        super().notify_style_update()
        self._strips = None

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._fine is not None and self.is_fine:
            return self._fine_lines(self._fine, crop)
        if self._strips is None or len(self._strips) != self.size.height:
            self._strips = self._drawn()
        rows = self._strips[crop.y : crop.bottom]
        if crop.x == 0 and crop.width == self.size.width:
            return rows
        return [row.crop(crop.x, crop.right) for row in rows]

    def _fine_lines(self, fine: list[Strip], crop: Region) -> list[Strip]:
        rows = [row.crop(crop.x, crop.right) for row in fine[crop.y : crop.bottom]]
        if rows and self._fine_after:
            rows[-1] = Strip([*rows[-1], _control(self._fine_after)], rows[-1].cell_length)
        return rows

    def _drawn(self) -> list[Strip]:
        width, height = self.size
        if not width or not height:
            return []
        ground = self.background_colors[1]
        empty = Style.from_color(None, ground.rich_color)
        if self._picture is None:
            return self._sentence(width, height, empty)
        seen = window(self._view, self._stored_size, self._room)
        self._ask_for_detail(seen)
        pixels = drawn(self._picture, self._stored_size, seen)
        left, top = self._corner(seen.size)
        tone, others = _toned(self.app.get_line_filters())
        console = self.app.console
        strips = in_the_middle(pixels, self.size, (left, top), ground, console, tone=tone)
        return _filtered(strips, others, ground)

    def _sentence(self, width: int, height: int, empty: Style) -> list[Strip]:
        blank = Strip.blank(width, empty)
        lines = Content(self._words).wrap(max(1, width - 4)) if self._words else []
        style = self.visual_style.rich_style
        told = [
            Strip([Segment(line.truncate(width).center(width).plain, style)], width)
            for line in lines[:height]
        ]
        top = (height - len(told)) // 2
        strips = [blank] * top + told + [blank] * (height - top - len(told))
        return _filtered(strips, self.app.get_line_filters(), self.background_colors[1])

    def _ask_for_detail(self, seen: Window) -> None:
        if self._is_whole or self._picture is None:
            return
        wanted = seen.box[2] - seen.box[0]
        there = wanted * self._picture.width / self._stored_size[0]
        if there < min(wanted, self._dots * seen.size[0]):
            self._is_whole = True
            self.post_message(self.Detail())


def _painted(
    canvas: Canvas, picture: Image, size: Size, seen: Window, ground: tuple[int, int, int]
) -> Drawn | None:
    """The window in real pixels; below an odd last row stands the ground."""
    import numpy as np

    wide, high = canvas.cell
    pixels = drawn(
        picture, size, seen, goal=(seen.size[0] * wide, max(1, seen.size[1] * high // 2))
    )
    rows = -(-seen.size[1] // 2)
    full = np.empty((rows * high, pixels.shape[1], 3), np.uint8)
    full[:] = ground
    full[: len(pixels)] = pixels
    return canvas.draw(full)


def _framed(made: Drawn, columns: int, room: WidgetSize, at: Size, empty: Style) -> list[Strip]:
    """The rows of a drawing in the middle of the room."""
    left, top = at
    right = room.width - columns - left
    blank = Strip.blank(room.width, empty)
    rows = []
    for row, line in enumerate(made.lines):
        before = made.before if not row else ""
        parts = [Segment(" " * left, empty), _control(before + made.ink), Segment(line, _PLAIN)]
        parts += [_control("\x1b[0m"), Segment(" " * right, empty)]
        rows.append(Strip(parts, room.width))
    return [blank] * top + rows + [blank] * (room.height - top - len(rows))


def in_the_middle(
    pixels: NDArray[np.uint8],
    room: WidgetSize,
    at: Size,
    ground: Color,
    console: Console,
    *,
    tone: Tone = "colour",
) -> list[Strip]:
    """Pixels, uint8 [H, W, 3], as half-blocks from the cell `at` on, the ground around them: a
    strip for each line of the room. Without colours they are letters, denser where brighter."""
    import numpy as np

    from tui.grid.cells import ansi_lines, colours_of, greyed, halves, shaded
    from tui.grid.paint import depth_of
    from tui.grid.strips import CellStrip

    red, green, blue = ground.rgb
    codes = np.full((2 * room.height, room.width), red << 16 | green << 8 | blue, np.int32)
    left, top = at
    codes[2 * top : 2 * top + len(pixels), left : left + pixels.shape[1]] = colours_of(pixels)
    cells = halves(codes)
    if tone != "colour":
        cells = greyed(cells) if tone == "grey" else shaded(cells)
    texts = ansi_lines(cells, "none" if tone == "letters" else depth_of(console))
    return [CellStrip(cells.line(row), text) for row, text in enumerate(texts)]


def _toned(filters: Sequence[LineFilter]) -> tuple[Tone, list[LineFilter]]:
    """What the app's filters mean for a picture, which is drawn so at once, and those that are
    not of Textual and see each strip."""
    tone: Tone = "colour"
    others = []
    for each in filters:
        if isinstance(each, NoColor):
            tone = "letters"
        elif isinstance(each, Monochrome):
            tone = "grey"
        elif not isinstance(each, ANSIToTruecolor | DimFilter):
            others.append(each)
    return tone, others


def _filtered(strips: list[Strip], filters: Sequence[LineFilter], ground: Color) -> list[Strip]:
    for each in filters:
        strips = [strip.apply_filter(each, ground) for strip in strips]
    return strips


def _control(text: str) -> Segment:
    # A control that moves nothing keeps what is sent to the terminal out of every measuring.
    return Segment(text, _PLAIN, [(ControlType.CURSOR_FORWARD, 0)])
