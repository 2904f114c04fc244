"""One picture, as large as its room lets it be: half-blocks, with zoom and pan.

It decodes and reads nothing; a screen gives it what to show. `Detail` says that what is looked at
has more detail than the picture that was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.block_strips import block_strips
from tui.viewport import (
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
    from PIL.Image import Image


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

    # --- zoom and pan

    def zoom(self, by: int) -> None:
        """Nearer (1) or farther (-1)."""
        self._look(zoomed(self._view, self._stored_size, self._room, by))

    def fit(self) -> None:
        """The whole picture, as large as it goes."""
        self._look(View())

    def actual(self) -> None:
        """A drawn pixel for each of the picture."""
        self._look(actual(self._view, self._stored_size, self._room))

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
        self._strips = None
        self.refresh()

    def on_resize(self) -> None:
        self._redraw()

    def notify_style_update(self) -> None:
        """The theme's colours changed."""
        super().notify_style_update()
        self._strips = None

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._strips is None or len(self._strips) != self.size.height:
            self._strips = self._drawn()
        rows = self._strips[crop.y : crop.bottom]
        if crop.x == 0 and crop.width == self.size.width:
            return rows
        return [row.crop(crop.x, crop.right) for row in rows]

    def _drawn(self) -> list[Strip]:
        width, height = self.size
        ground = self.background_colors[1]
        empty = Style.from_color(None, ground.rich_color)
        if self._picture is None:
            return self._sentence(width, height, empty)
        seen = window(self._view, self._stored_size, self._room)
        pixels = drawn(self._picture, self._stored_size, seen)
        self._ask_for_detail(seen)
        rows = block_strips(pixels, ground.r << 16 | ground.g << 8 | ground.b)
        left, top = (width - seen.size[0]) // 2, (height - len(rows)) // 2
        blank = Strip.blank(width, empty)
        right = width - seen.size[0] - left
        margins = Segment(" " * left, empty), Segment(" " * right, empty)
        filled = [Strip([margins[0], *row, margins[1]], width) for row in rows]
        return [blank] * top + filled + [blank] * (height - top - len(rows))

    def _sentence(self, width: int, height: int, empty: Style) -> list[Strip]:
        blank = Strip.blank(width, empty)
        lines = Content(self._words).wrap(max(1, width - 4)) if self._words else []
        style = self.visual_style.rich_style
        told = [
            Strip([Segment(line.truncate(width).center(width).plain, style)], width)
            for line in lines[:height]
        ]
        top = (height - len(told)) // 2
        return [blank] * top + told + [blank] * (height - top - len(told))

    def _ask_for_detail(self, seen: Window) -> None:
        if self._is_whole or self._picture is None:
            return
        wanted = seen.box[2] - seen.box[0]
        there = wanted * self._picture.width / self._stored_size[0]
        if there < min(wanted, seen.size[0]):
            self._is_whole = True
            self.post_message(self.Detail())
