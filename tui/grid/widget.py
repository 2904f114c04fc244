"""The grid of images: a widget that shows thumbnails, moves a cursor and selects.

It never waits: pictures and records come from a thread of its own and are drawn when they are
there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual import events
from textual.actions import SkipAction
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.actions import bindings_of
from tui.grid.layout import DEFAULT_ZOOM, ZOOMS, Layout, next_zoom
from tui.grid.selection import Selection

if TYPE_CHECKING:
    from storage.records import ImageRecord
    from tui.changes import Change


class ImageGrid(ScrollView, can_focus=True):
    """Thumbnails of a list of images, in its order."""

    BINDINGS: ClassVar = bindings_of("grid")
    DEFAULT_CSS = """
    ImageGrid {
        overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        background: $background; color: $foreground;
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    zoom: reactive[int] = reactive(DEFAULT_ZOOM, repaint=False, init=False)
    model: reactive[str | None] = reactive(None, repaint=False, init=False)

    class CursorMoved(Message):
        """The cursor stands at another image, or there is another list."""

        def __init__(self, grid: ImageGrid, position: int, image: int | None) -> None:
            super().__init__()
            self.grid, self.position, self.image = grid, position, image

        @property
        def control(self) -> ImageGrid:
            """The grid."""
            return self.grid

    class SelectionChanged(Message):
        """`count` images are selected now."""

        def __init__(self, grid: ImageGrid, count: int) -> None:
            super().__init__()
            self.grid, self.count = grid, count

        @property
        def control(self) -> ImageGrid:
            """The grid."""
            return self.grid

    class Opened(Message):
        """An image is to be shown by itself."""

        def __init__(self, grid: ImageGrid, image: int, position: int) -> None:
            super().__init__()
            self.grid, self.image, self.position = grid, image, position

        @property
        def control(self) -> ImageGrid:
            """The grid."""
            return self.grid

    def __init__(
        self,
        *,
        zoom: int | None = None,
        model: str | None = None,
        id: str | None = None,  # noqa: A002 - every widget calls it so
        classes: str | None = None,
    ) -> None:
        """`zoom` is the width of a thumbnail in cells; `model` names whose predictions the
        captions show, None for those of the newest that has some."""
        super().__init__(id=id, classes=classes)
        self.ids: array[int] = array("q")
        self._total = 0
        self._selection = Selection(self.ids)
        self._layout_now = Layout.of(80, 24, zoom or DEFAULT_ZOOM)
        self._records: dict[int, ImageRecord] = {}
        self.set_reactive(ImageGrid.zoom, zoom or DEFAULT_ZOOM)
        self.set_reactive(ImageGrid.model, model)

    # --- what is shown

    def show(self, ids: Sequence[int], *, at: int = 0, total: int | None = None) -> None:
        """Show these images with the cursor at the place `at`. `total` is how many there will be,
        while the rest is still being listed. An array('q') is taken as it is, not copied."""
        kept = self._selection.images()
        self.ids = ids if isinstance(ids, array) and ids.typecode == "q" else array("q", ids)
        self._total = max(len(self.ids), total or 0)
        self._selection = Selection(self.ids)
        if kept:
            self._selection.set(kept)
        self._arrange()
        self.set_reactive(ImageGrid.cursor, self._within(at))
        self._reveal()
        self.refresh()
        self.post_message(self.CursorMoved(self, self.cursor, self.current()))
        if kept:
            self.post_message(self.SelectionChanged(self, self._selection.count))

    def extend(self, ids: Sequence[int]) -> None:
        """The whole list is there now; it begins with the same images."""
        self.ids = ids if isinstance(ids, array) and ids.typecode == "q" else array("q", ids)
        self._total = len(self.ids)
        self._selection.extend(self.ids)
        self._arrange()
        self.refresh()

    def current(self) -> int | None:
        """The image under the cursor; None where there are no images."""
        return self.ids[self.cursor] if self.cursor < len(self.ids) else None

    def record(self, image: int) -> ImageRecord | None:
        """What is known of an image, if it is at hand."""
        return self._records.get(image)

    # --- selecting

    def selected(self) -> tuple[int, ...]:
        """The selected images, in the order of the list."""
        return self._selection.images()

    def targets(self) -> tuple[int, ...]:
        """What an action is about: the selection, or else the image under the cursor."""
        current = self.current()
        return self.selected() or (() if current is None else (current,))

    def select(self, images: Iterable[int]) -> None:
        """Select these images and no others."""
        self._selection.set(images)
        self._selected()

    def select_all(self) -> None:
        """Select every image of the list."""
        self._selection.all()
        self._selected()

    def clear_selection(self) -> None:
        """Select no image."""
        self._selection.clear()
        self._selected()

    def _selected(self) -> None:
        self.refresh()
        self.post_message(self.SelectionChanged(self, self._selection.count))

    # --- moving

    def move_to(self, position: int) -> None:
        """Put the cursor at a place, or as near as there are images."""
        self.cursor = self._within(position)
        self._reveal()

    def advance(self) -> None:
        """Go one image on."""
        self.move_to(self.cursor + 1)

    def _within(self, position: int) -> int:
        return max(0, min(position, len(self.ids) - 1))

    def watch_cursor(self) -> None:
        """Tell of the new place."""
        self.refresh()
        self.post_message(self.CursorMoved(self, self.cursor, self.current()))

    def _reveal(self) -> None:
        top = self._layout_now.scrolled_to(self.cursor, self.scroll_offset.y)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)

    def _go(self, position: int, *, extending: bool = False) -> None:
        if not len(self.ids):
            return
        if extending and not self._selection.ranging:
            self._selection.begin_range(self.cursor)
        self.move_to(position)
        if extending or self._ranging:
            self._selection.extend_to(self.cursor)
            self._selected()
        else:
            self._selection.end_range()

    _ranging = False

    # --- changes

    def apply(self, change: Change) -> None:
        """Show what a change says."""

    def reread(self) -> None:
        """Read what is shown anew."""

    # --- drawing

    def _arrange(self) -> None:
        size = self.scrollable_content_region.size
        self._layout_now = Layout.of(size.width, size.height, self.zoom)
        layout = self._layout_now
        self.virtual_size = Size(layout.width, layout.rows(self._total) * layout.row_height)

    def on_resize(self, event: events.Resize) -> None:
        """Put the images into the new room."""
        self._arrange()
        self._reveal()

    def watch_zoom(self) -> None:
        """Draw at the new size."""
        self._arrange()
        self._reveal()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line for those who ask for one."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of the part that is seen."""
        layout = self._layout_now
        style = self.rich_style
        lines = []
        for y in crop.line_range:
            row, line = divmod(self.scroll_offset.y + y, layout.row_height)
            text = ""
            if line == 0:
                first = row * layout.columns
                for position in range(first, min(len(self.ids), first + layout.columns)):
                    mark = ">" if position == self.cursor else " "
                    mark += "*" if position in self._selection else " "
                    text += f"{mark}{self.ids[position]}".ljust(layout.pitch)[: layout.pitch]
            strip = Strip([Segment(text.ljust(crop.right), style)])
            lines.append(strip.crop(crop.x, crop.right))
        return lines

    # --- actions

    def action_left(self) -> None:
        self._go(self.cursor - 1)

    def action_right(self) -> None:
        self._go(self.cursor + 1)

    def action_up(self) -> None:
        self._go(self._rows_on(-1))

    def action_down(self) -> None:
        self._go(self._rows_on(1))

    def action_page_up(self) -> None:
        self._go(self._rows_on(-self._layout_now.page_rows))

    def action_page_down(self) -> None:
        self._go(self._rows_on(self._layout_now.page_rows))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self.ids) - 1)

    def action_extend_left(self) -> None:
        self._go(self.cursor - 1, extending=True)

    def action_extend_right(self) -> None:
        self._go(self.cursor + 1, extending=True)

    def action_extend_up(self) -> None:
        self._go(self._rows_on(-1), extending=True)

    def action_extend_down(self) -> None:
        self._go(self._rows_on(1), extending=True)

    def action_extend_page_up(self) -> None:
        self._go(self._rows_on(-self._layout_now.page_rows), extending=True)

    def action_extend_page_down(self) -> None:
        self._go(self._rows_on(self._layout_now.page_rows), extending=True)

    def action_extend_first(self) -> None:
        self._go(0, extending=True)

    def action_extend_last(self) -> None:
        self._go(len(self.ids) - 1, extending=True)

    def _rows_on(self, rows: int) -> int:
        """The place so many rows down, in the same column where the grid has one there."""
        layout = self._layout_now
        row, column = divmod(self.cursor, layout.columns)
        last = layout.rows(len(self.ids)) - 1
        return self._within(max(0, min(row + rows, last)) * layout.columns + column)

    def action_open(self) -> None:
        current = self.current()
        if current is None:
            raise SkipAction()
        self.post_message(self.Opened(self, current, self.cursor))

    def action_zoom_in(self) -> None:
        self.zoom = next_zoom(self.zoom, 1)

    def action_zoom_out(self) -> None:
        self.zoom = next_zoom(self.zoom, -1)

    def validate_zoom(self, zoom: int) -> int:
        """The nearest of the zooms there are."""
        return min(ZOOMS, key=lambda each: abs(each - zoom))

    def action_select(self) -> None:
        if not len(self.ids):
            raise SkipAction()
        self._ranging = False
        self._selection.toggle(self.cursor)
        self._selected()
        self.advance()

    def action_range(self) -> None:
        if not len(self.ids):
            raise SkipAction()
        self._ranging = not self._ranging
        if self._ranging:
            self._selection.begin_range(self.cursor)
        else:
            self._selection.end_range()
        self._selected()

    def action_all(self) -> None:
        self._ranging = False
        self.select_all()

    def action_invert(self) -> None:
        self._ranging = False
        self._selection.invert()
        self._selected()

    def action_clear(self) -> None:
        if not self._selection.count and not self._ranging:
            raise SkipAction()
        self._ranging = False
        self.clear_selection()

    # --- mouse

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; select with ctrl and shift; open with a double click."""
        position = self._layout_now.at(event.x, event.y + self.scroll_offset.y, len(self.ids))
        if position is None:
            return
        if event.shift:
            self._go(position, extending=True)
        elif event.ctrl:
            self._selection.toggle(position)
            self.move_to(position)
            self._selected()
        else:
            self._go(position)
            if event.chain == 2:
                self.action_open()
