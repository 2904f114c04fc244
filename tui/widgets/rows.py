"""A list of rows of equal height, drawn only where it is seen, however many there are.

What a row shows comes from a function that is called for visible rows alone. A mark at the left
says which row is current, so that it is seen without colours too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

Draw = Callable[[int, int], Sequence[Content]]
"""From a row's place and the width in cells to its lines, fewer than the height or as many."""

NEAR_END = 50
"""So many rows before the last, more are asked for."""

_MARK, _NO_MARK = "▌", " "


class RowList(ScrollView, can_focus=True):
    """Rows with a cursor. `count` rows of `height` lines each; `draw` gives what is in them."""

    DEFAULT_CSS = """
    RowList { height: 1fr; background: $background; overflow-x: hidden; }
    RowList { scrollbar-size-vertical: 1; }
    RowList > .rows--current { background: $panel; }
    RowList:focus > .rows--current { background: $primary 35%; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar = {"rows--current"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "end(False)", "First", show=False),
        Binding("end", "end(True)", "Last", show=False),
    ]

    cursor: reactive[int] = reactive(0, init=False)

    class Moved(Message):
        """The cursor is on another row, or another row is under the cursor."""

        def __init__(self, rows: RowList, at: int) -> None:
            super().__init__()
            self.rows, self.at = rows, at

        @property
        def control(self) -> RowList:
            return self.rows

    class Chosen(Message):
        """A row was opened by a double click. Enter is the screen's."""

        def __init__(self, rows: RowList, at: int) -> None:
            super().__init__()
            self.rows, self.at = rows, at

        @property
        def control(self) -> RowList:
            return self.rows

    class NearEnd(Message):
        """The cursor or the view comes near the last row: more may be loaded."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList:
            return self.rows

    def __init__(self, draw: Draw, *, height: int = 1, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._draw = draw
        self._height = height
        self._count = 0
        self._drawn: dict[tuple[int, int], list[Content]] = {}

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    def current(self) -> int | None:
        """The row under the cursor; None where there is none."""
        return self.cursor if self._count else None

    def show(self, count: int, *, at: int | None = None, height: int | None = None) -> None:
        """There are `count` rows now, of `height` lines; what they show may have changed. The
        cursor stays where it is, or goes to `at`."""
        if height is not None:
            self._height = height
        self._count = count
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, count * self._height)
        wanted = max(0, min(count - 1, self.cursor if at is None else at))
        if wanted != self.cursor:
            self.cursor = wanted
        else:
            self.post_message(self.Moved(self, self.cursor))
            self._scroll_to_cursor()
        self.refresh()

    def grow(self, count: int) -> None:
        """More rows are there below; the others are as they were."""
        was = self._count
        self._count = count
        self.virtual_size = Size(self.size.width, count * self._height)
        self.refresh()
        if not was and count:
            self.post_message(self.Moved(self, self.cursor))

    def redraw(self) -> None:
        """What the rows show has changed; their number has not."""
        self._drawn.clear()
        self.refresh()

    def on_resize(self) -> None:
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, self._count * self._height)
        self._scroll_to_cursor()

    # --- drawing

    def render_line(self, y: int) -> Strip:
        at, line = divmod(y + self.scroll_offset.y, self._height)
        width = self.scrollable_content_region.width
        style = self.visual_style
        if at >= self._count:
            return Strip.blank(width, style.rich_style)
        is_current = at == self.cursor
        if is_current:
            style = self.get_visual_style("rows--current")
        lines = self._lines(at, width - 1)
        content = lines[line] if line < len(lines) else Content("")
        marked = Content(_MARK if is_current else _NO_MARK) + content
        segments = marked.render_segments(style)
        return Strip(segments).adjust_cell_length(width, style.rich_style)

    def _lines(self, at: int, width: int) -> list[Content]:
        found = self._drawn.get((at, width))
        if found is None:
            if len(self._drawn) > 500:
                self._drawn.clear()
            found = self._drawn[at, width] = list(self._draw(at, max(1, width)))
        return found

    # --- moving

    def watch_cursor(self, before: int, now: int) -> None:
        for at in (before, now):
            self._refresh_row(at)
        self._scroll_to_cursor()
        self.post_message(self.Moved(self, now))
        self._tell_if_near_end(now)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._tell_if_near_end((round(new_value) + self.size.height) // self._height)

    def _tell_if_near_end(self, at: int) -> None:
        if self._count and at >= self._count - NEAR_END:
            self.post_message(self.NearEnd(self))

    def _refresh_row(self, at: int) -> None:
        top = at * self._height - self.scroll_offset.y
        self.refresh(Region(0, top, self.size.width, self._height))

    def _scroll_to_cursor(self) -> None:
        row = Region(0, self.cursor * self._height, 1, self._height)
        self.scroll_to_region(row, animate=False, force=True)

    def move_to(self, at: int) -> None:
        """Put the cursor on a row."""
        if self._count:
            self.cursor = max(0, min(self._count - 1, at))

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self.move_to(self.cursor + by * max(1, self.size.height // self._height - 1))

    def action_end(self, last: bool) -> None:
        self.move_to(self._count - 1 if last else 0)

    def on_click(self, event: events.Click) -> None:
        at = (event.y + self.scroll_offset.y) // self._height
        if at < self._count:
            self.move_to(at)
            if event.chain == 2:
                self.post_message(self.Chosen(self, at))
