"""The grid of images: a widget that shows thumbnails, moves a cursor and selects.

It never waits: pictures and records come from a thread of its own and are drawn when they are
there. Labels, cursor and selection stand beside the pixels; to change them draws no picture anew.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from statistics import median_low
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from tui.actions import bindings_of
from tui.frame.section import pixshelf
from tui.grid.contents import Contents
from tui.grid.drawing import GridDrawing
from tui.grid.layout import DEFAULT_ZOOM, ZOOMS, Layout, fitting_zoom
from tui.grid.paint import Box
from tui.grid.reader import Read, Reader, Wish
from tui.grid.selection import Selection

if TYPE_CHECKING:
    from storage.records import ImageRecord
    from tui.frame.changes import Change


class ImageGrid(GridDrawing, can_focus=True):
    """Thumbnails of a list of images, in its order."""

    BINDINGS: ClassVar = bindings_of("grid")
    COMPONENT_CLASSES: ClassVar = {
        *("grid--cursor", "grid--away", "grid--selected", "grid--label", "grid--muted"),
        *("grid--wrong", "grid--tag", "grid--waiting", "grid--broken"),
    }
    DEFAULT_CSS = """
    ImageGrid {
        overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        background: $background; color: $foreground;
    }
    ImageGrid > .grid--cursor { color: $accent; text-style: bold reverse; }
    ImageGrid > .grid--away { color: $foreground 60%; text-style: reverse; }
    ImageGrid > .grid--selected { background: $primary 40%; text-style: bold; }
    ImageGrid > .grid--label { color: $foreground; }
    ImageGrid > .grid--muted { color: $foreground 60%; }
    ImageGrid > .grid--wrong { color: $text-error; text-style: bold; }
    ImageGrid > .grid--tag { color: $accent; }
    ImageGrid > .grid--waiting { background: $surface; }
    ImageGrid > .grid--broken { background: $panel; }
    """

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

    class CursorRead(Message):
        """What is known of the image under the cursor was read."""

        def __init__(self, grid: ImageGrid) -> None:
            super().__init__()
            self.grid = grid

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

    class Arrived(Message, bubble=False):
        """Something was read, or could not be."""

        def __init__(self, read: Read | Exception) -> None:
            super().__init__()
            self.read = read

    def __init__(
        self,
        *,
        zoom: int | None = None,
        model: str | None = None,
        id: str | None = None,  # noqa: A002 - every widget calls it so
        classes: str | None = None,
    ) -> None:
        """`zoom` is the width of a thumbnail in cells, None for what suits the images; `model`
        names whose predictions the captions show, None for those of the newest that has some."""
        super().__init__(id=id, classes=classes)
        self.contents = Contents()
        self.ids = array("q")
        self.whole = True
        self.selection = Selection(self.ids)
        self._zoom_is_chosen = zoom is not None
        self._pixels: int | None = None
        self.set_reactive(ImageGrid.zoom, zoom or DEFAULT_ZOOM)
        self.set_reactive(ImageGrid.model, model)
        self.places = Layout.of(80, 24, self.zoom)
        self._reader: Reader | None = None
        self._failed = False
        self._top = 0
        self._way = 1

    def on_mount(self) -> None:
        """Begin to read, and to hear of changes."""
        app = pixshelf(self)
        self._reader = Reader(app.dataset.open, self._tell, app.dataset.identity)
        app.changes.subscribe(self, self.apply)
        self._ask()

    def _tell(self, read: Read | Exception) -> None:
        self.post_message(self.Arrived(read))

    def on_unmount(self) -> None:
        """End the reading."""
        if self._reader is not None:
            self._reader.close()

    # --- what is shown

    def show(
        self, ids: Sequence[int], *, at: int = 0, whole: bool = True, same: bool = False
    ) -> None:
        """Show these images with the cursor at the place `at`. Without `whole` the rest is still
        being listed. An array('q') is taken as it is, not copied. Images that were selected and
        are in the new list stay selected; where it is the `same` query as before, those that were
        to be selected once they are listed are too, and the cursor goes to the end if it was to."""
        to_end = self.to_end if same else ""
        self.ids = ids if isinstance(ids, array) and ids.typecode == "q" else array("q", ids)
        self.whole = whole
        had = self.selection
        self.selection = had.onto(self.ids, whole=whole, same=same)
        self.ranging = False
        self.to_end = to_end and "move"
        if to_end:
            at = len(self.ids) - 1
        self.set_reactive(ImageGrid.cursor, self._within(at))
        self._arrange()
        self.draw_scrolled()
        self.post_message(self.CursorMoved(self, self.cursor, self.current()))
        if had.count or had.awaits:
            self.post_message(self.SelectionChanged(self, self.selection.count))
        if whole:
            self.to_end = ""

    def extend(self, ids: Sequence[int]) -> None:
        """The whole list is there now; it begins with the same images. What was asked of all of
        it is done now."""
        self.ids = ids if isinstance(ids, array) and ids.typecode == "q" else array("q", ids)
        self.whole = True
        counted = self.selection.count
        self.selection.extend(self.ids)
        self._arrange()
        self.draw_all()
        if self.selection.count != counted:
            self.selection_changed()
        if self.to_end:
            extending = self.to_end == "extend" and self.selection.ranging
            self.go(len(self.ids) - 1, extending=extending)

    @property
    def awaits(self) -> bool:
        """Whether what is selected, or where the cursor goes, hangs on images not listed yet."""
        return bool(self.to_end) or self.selection.awaits

    def current(self) -> int | None:
        """The image under the cursor; None where there are no images."""
        return self.ids[self.cursor] if self.cursor < len(self.ids) else None

    def record(self, image: int) -> ImageRecord | None:
        """What is known of an image, if it is at hand."""
        return self.contents.record(image)

    # --- selecting

    def selected(self) -> Sequence[int]:
        """The selected images, in the order of the list, as far as that is there."""
        return self.selection.images()

    def targets(self) -> Sequence[int]:
        """What an action is about: the selection, or else the image under the cursor."""
        current = self.current()
        return self.selected() or (() if current is None else (current,))

    def select(self, images: Iterable[int]) -> None:
        """Select these images and no others."""
        self.selection.set(images)
        self.selection_changed()

    def clear_selection(self) -> None:
        """Select no image."""
        self.ranging = False
        self.selection.clear()
        self.selection_changed()

    def selection_changed(self) -> None:
        """Show and tell that the selection is another."""
        self.draw_words()
        self.post_message(self.SelectionChanged(self, self.selection.count))

    # --- moving

    def move_to(self, position: int) -> None:
        """Put the cursor at a place, or as near as there are images."""
        self.to_end = ""
        self.cursor = self._within(position)
        self._reveal()

    def advance(self) -> None:
        """Go one image on."""
        self.move_to(self.cursor + 1)

    def open_current(self) -> None:
        """Ask for the image under the cursor to be shown by itself."""
        current = self.current()
        if current is not None:
            self.post_message(self.Opened(self, current, self.cursor))

    def watch_cursor(self, old: int, new: int) -> None:
        """Show and tell of the new place."""
        self.draw_words(old, new)
        self.post_message(self.CursorMoved(self, new, self.current()))

    def validate_zoom(self, zoom: int) -> int:
        """The nearest of the zooms there are."""
        return min(ZOOMS, key=lambda each: abs(each - zoom))

    def watch_zoom(self) -> None:
        """Draw at the new size, which stays from now on."""
        self._zoom_is_chosen = True
        self._arrange()
        self.draw_scrolled()

    def suit(self, pixels: int) -> None:
        """The images are mostly so many pixels wide: let that choose the zoom, unless one was
        chosen already."""
        if pixels != self._pixels:
            self._pixels = pixels
            if not self._zoom_is_chosen:
                self._arrange()
                self.draw_scrolled()

    def watch_model(self) -> None:
        """Show another model's answers."""
        self.contents.outdate(None)
        self._ask()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Read what has come into view."""
        # Not the base class's: its scrollbar moves, and is painted, before there is a new frame.
        if round(old_value) != round(new_value):
            self._ask()
            self.draw_scrolled()

    def _within(self, position: int) -> int:
        return max(0, min(position, len(self.ids) - 1))

    def _reveal(self) -> None:
        top = self.places.scrolled_to(self.cursor, self.scroll_offset.y)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)

    # --- changes

    def apply(self, change: Change) -> None:
        """Show what a change says."""
        edit = change.edit
        if change.what == "edit" and edit is not None:
            self.contents.begin(edit)
            self.draw_words()
            return
        if edit is not None:
            self.contents.end(edit)
        elif change.what == "refresh":
            self.contents.outdate(None)
            self.contents.forget_pictures()
            self.forget_rows()
            self.draw_scrolled()
        else:
            self.contents.outdate(change.images)
        self._ask()

    def on_image_grid_arrived(self, message: Arrived) -> None:
        """Draw what was read."""
        read = message.read
        if isinstance(read, Exception):
            # Nobody looks at a grid behind another screen; it is read anew when it is seen again.
            if not self._failed and self.screen.is_current:
                pixshelf(self).show_error(read)
            self._failed = True
            return
        self._failed = False
        if not self.contents.take(read):
            return
        widths = [record.width for record in read.records.values() if record is not None]
        if self._pixels is None and widths:
            self.suit(median_low(widths))
        self.draw_arrived(read.pictures, read.records)
        if self.current() in read.records:
            self.post_message(self.CursorRead(self))
        if read.wish.epoch != self.contents.epoch:
            self._ask()

    def _ask(self) -> None:
        """Wish for what is seen and not there, and for the page after it in the direction of the
        last move."""
        if self._reader is None or not self.size.width:
            return
        top = self.scroll_offset.y
        seen = self.places.shown(top, len(self.ids))
        if top != self._top:
            self._top, self._way = top, 1 if top > self._top else -1
        ahead = self.places.shown(max(0, top + self._way * self.places.height), len(self.ids))
        contents = self.contents
        first = self.ids[seen.start : seen.stop]
        after = [self.ids[at] for at in ahead if at not in seen]
        self._reader.want(
            Wish(
                contents.box,
                contents.without_picture(first),
                contents.without_record(first),
                contents.without_picture(after),
                contents.without_record(after),
                self.model,
                contents.epoch,
            )
        )

    # --- room

    def on_resize(self, event: events.Resize) -> None:
        """Put the images into the new room."""
        self._arrange()
        self.draw_all()

    def _arrange(self) -> None:
        size = self.scrollable_content_region.size
        if not self._zoom_is_chosen and self._pixels is not None:
            zoom = fitting_zoom(self._pixels, size.width, size.height)
            self.set_reactive(ImageGrid.zoom, zoom)
        self.places = places = Layout.of(size.width, size.height, self.zoom)
        self.contents.resize(Box(places.wide, 2 * places.high))
        self.forget_rows()
        self.virtual_size = Size(size.width, places.rows(len(self.ids)) * places.row_height)
        self._reveal()
        self._ask()
