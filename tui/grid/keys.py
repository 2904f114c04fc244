"""What the keys and the mouse do in a grid, over the few things that a grid does."""

from __future__ import annotations

from array import array
from typing import Literal

from textual import events
from textual.actions import SkipAction
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from tui.grid.layout import ZOOMS, Layout, next_zoom
from tui.grid.selection import Selection


class GridKeys(ScrollView):
    """The actions of tui.actions.grid. A subclass tells of what they do."""

    cursor: reactive[int] = reactive(0, repaint=False)
    zoom: reactive[int] = reactive(ZOOMS[0], repaint=False, init=False)
    ids: array[int]
    places: Layout
    selection: Selection
    whole = True
    """Whether `ids` are all images, and not the first ones of a list that is still read."""
    ranging = False
    """Whether moving extends a range until the key is pressed again."""
    to_end: Literal["", "move", "extend"] = ""
    """How the cursor goes to the end once the list is whole, unless it goes elsewhere before."""

    # --- what a subclass does

    def move_to(self, position: int) -> None:
        """Put the cursor at a place, or as near as there are images."""
        raise NotImplementedError

    def open_current(self) -> None:
        """Ask for the image under the cursor to be shown by itself."""
        raise NotImplementedError

    def selection_changed(self) -> None:
        """Show and tell that the selection is another."""
        raise NotImplementedError

    # --- moving

    def go(self, position: int, *, extending: bool = False) -> None:
        """Move as a key does: extending a range that was begun, or ending it."""
        if not len(self.ids):
            return
        if extending and not self.selection.ranging:
            self.selection.begin_range(self.cursor)
        self.move_to(position)
        if extending or self.ranging:
            self.selection.extend_to(self.cursor)
            self.selection_changed()
        else:
            self.selection.end_range()

    def rows_on(self, rows: int) -> int:
        """The place so many rows down, in the same column if the last row reaches so far."""
        row, column = divmod(self.cursor, self.places.columns)
        last = self.places.rows(len(self.ids)) - 1
        place = max(0, min(row + rows, last)) * self.places.columns + column
        return min(place, len(self.ids) - 1)

    def action_left(self) -> None:
        """To the image before."""
        self.go(self.cursor - 1)

    def action_right(self) -> None:
        """To the next image."""
        self.go(self.cursor + 1)

    def action_up(self) -> None:
        """A row up."""
        self.go(self.rows_on(-1))

    def action_down(self) -> None:
        """A row down."""
        self.go(self.rows_on(1))

    def action_page_up(self) -> None:
        """A page up."""
        self.go(self.rows_on(-self.places.page_rows))

    def action_page_down(self) -> None:
        """A page down."""
        self.go(self.rows_on(self.places.page_rows))

    def action_first(self) -> None:
        """To the first image."""
        self.go(0)

    def action_last(self) -> None:
        """To the last image."""
        self._go_to_end(extending=False)

    # --- selecting

    def action_extend_left(self) -> None:
        """A range to the image before."""
        self.go(self.cursor - 1, extending=True)

    def action_extend_right(self) -> None:
        """A range to the next image."""
        self.go(self.cursor + 1, extending=True)

    def action_extend_up(self) -> None:
        """A range a row up."""
        self.go(self.rows_on(-1), extending=True)

    def action_extend_down(self) -> None:
        """A range a row down."""
        self.go(self.rows_on(1), extending=True)

    def action_extend_page_up(self) -> None:
        """A range a page up."""
        self.go(self.rows_on(-self.places.page_rows), extending=True)

    def action_extend_page_down(self) -> None:
        """A range a page down."""
        self.go(self.rows_on(self.places.page_rows), extending=True)

    def action_extend_first(self) -> None:
        """A range to the first image."""
        self.go(0, extending=True)

    def action_extend_last(self) -> None:
        """A range to the last image."""
        self._go_to_end(extending=True)

    def _go_to_end(self, *, extending: bool) -> None:
        self.go(len(self.ids) - 1, extending=extending)
        if len(self.ids) and not self.whole:
            self.to_end = "extend" if extending or self.ranging else "move"

    def action_select(self) -> None:
        """Select the image, or no longer, and go on."""
        if not len(self.ids):
            raise SkipAction()
        self.ranging = False
        self.selection.toggle(self.cursor)
        self.selection_changed()
        self.move_to(self.cursor + 1)

    def action_range(self) -> None:
        """Begin a range, or end it."""
        if not len(self.ids):
            raise SkipAction()
        self.ranging = not self.ranging
        if self.ranging:
            self.selection.begin_range(self.cursor)
        else:
            self.selection.end_range()
        self.selection_changed()

    def action_all(self) -> None:
        """Select every image."""
        self.ranging = False
        self.selection.all()
        self.selection_changed()

    def action_invert(self) -> None:
        """Select the others."""
        self.ranging = False
        self.selection.invert()
        self.selection_changed()

    def action_clear(self) -> None:
        """Select nothing. Where nothing is, the key is the screen's."""
        if not self.selection.count and not self.selection.awaits and not self.ranging:
            raise SkipAction()
        self.ranging = False
        self.to_end = ""
        self.selection.clear()
        self.selection_changed()

    # --- looking

    def action_open(self) -> None:
        """Show the image by itself."""
        if not len(self.ids):
            raise SkipAction()
        self.open_current()

    def action_zoom_in(self) -> None:
        """Show larger images."""
        self.zoom = next_zoom(self.zoom, 1)

    def action_zoom_out(self) -> None:
        """Show more images."""
        self.zoom = next_zoom(self.zoom, -1)

    # --- mouse

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; with ctrl select, with shift a range; with a double click open."""
        position = self.places.at(event.x, event.y + self.scroll_offset.y, len(self.ids))
        if position is None:
            return
        if event.ctrl:
            self.selection.toggle(position)
            self.move_to(position)
            self.selection_changed()
        else:
            self.go(position, extending=event.shift)
            if event.chain == 2:
                self.open_current()
