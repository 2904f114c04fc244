"""The confusion matrix as a widget: a cell under the cursor, heads that stay, any number of labels.

Only what is seen is drawn. Read without colour too: the cursor stands in brackets, right answers
in bold, nothing as a dot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.actions import bindings_of
from tui.evaluation.matrix import (
    CORNERS,
    FOOT,
    MODES,
    TAIL,
    Layout,
    Matrix,
    Mode,
    layout,
    short_count,
    short_percent,
)
from tui.plain.shades import shade
from tui.plain.text import printable, shorten, width

_NONE = "-"


class ConfusionMatrix(ScrollView, can_focus=True):
    """Shows a Matrix; `cursor` is the (row, column) of a cell."""

    DEFAULT_CSS = """
    ConfusionMatrix {
        height: 1fr; background: $background; scrollbar-size: 1 1;
        & > .matrix--head { color: $foreground 75%; }
        & > .matrix--here { color: $text-accent; text-style: bold; }
        & > .matrix--zero { color: $foreground 35%; }
        & > .matrix--cursor { background: $accent; color: $background; text-style: bold; }
        &:light > .matrix--cursor { color: white; }
    }
    """
    COMPONENT_CLASSES: ClassVar = {
        "matrix--head",
        "matrix--here",
        "matrix--zero",
        "matrix--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("matrix")

    cursor: reactive[tuple[int, int]] = reactive((0, 0), init=False)
    mode: reactive[Mode] = reactive("counts", init=False)

    class Moved(Message):
        """Another cell is under the cursor, or the same one of another matrix."""

        def __init__(self, matrix: ConfusionMatrix, row: int, column: int) -> None:
            super().__init__()
            self.matrix, self.row, self.column = matrix, row, column

    class Opened(Message):
        """A cell was opened, by enter or a double click."""

        def __init__(self, matrix: ConfusionMatrix, row: int, column: int) -> None:
            super().__init__()
            self.matrix, self.row, self.column = matrix, row, column

    def __init__(self) -> None:
        super().__init__()
        self._matrix: Matrix | None = None
        self._layout = Layout(1, 3, (1, 1))
        self._parts: dict[str, Style] = {}

    @property
    def matrix(self) -> Matrix | None:
        """What is shown."""
        return self._matrix

    def show(self, matrix: Matrix) -> None:
        """Show a matrix. The cursor stays where it is if the labels are the same, else it goes to
        the most confused pair."""
        known = self._matrix is not None and self._matrix.labels == matrix.labels
        self._matrix = matrix
        self._lay_out()
        at = self.cursor if known else (matrix.confused or ((0, 0),))[0]
        if at != self.cursor:
            self.cursor = at
        else:
            self.post_message(self.Moved(self, *at))
            self._scroll_to_cursor()

    def _lay_out(self) -> None:
        if self._matrix is not None:
            self._layout = layout(self._matrix, self.mode, self.size.width)
            across = self._layout.across(self._matrix.size)
            self.virtual_size = Size(across, 1 + self._matrix.size + len(FOOT))
            self.refresh()

    def on_resize(self) -> None:
        self._lay_out()
        self._scroll_to_cursor()

    # --- drawing

    def render_line(self, y: int) -> Strip:
        matrix, across = self._matrix, self.size.width
        base = self.rich_style
        at = y - 1 + self.scroll_offset.y
        if matrix is None or at >= matrix.size + len(FOOT):
            return Strip.blank(across, base)
        head, cells = self._row(matrix, -1 if y == 0 else at, base)
        room = max(0, across - head.cell_length)
        first = self._layout.column_at(self.scroll_offset.x)
        start = self.scroll_offset.x - first * self._layout.cell
        body = cells.crop(start, start + room).extend_cell_length(room, base)
        return Strip.join([head, body])

    def _row(self, matrix: Matrix, row: int, base: Style) -> tuple[Strip, Strip]:
        """The head of a row, and its cells from the first that is seen; row -1 is the heads."""
        layout, row_here = self._layout, self.cursor[0]
        name = (
            CORNERS[self.mode]
            if row < 0
            else printable(matrix.labels[row])
            if row < matrix.size
            else FOOT[row - matrix.size]
        )
        kind = "matrix--here" if row == row_here else "matrix--head"
        style = base + self._part(kind)
        # A mark as well, so that the row is found without colours.
        text = _left(name, layout.head - 1) + (">" if row == row_here else " ")
        cells = self._cells(matrix, row, base)
        return Strip([Segment(text, style)], layout.head), Strip(cells)

    def _cells(self, matrix: Matrix, row: int, base: Style) -> Iterator[Segment]:
        first = self._layout.column_at(self.scroll_offset.x)
        last = min(matrix.size, first + self.size.width // self._layout.cell + 2)
        for column in range(first, last):
            yield self._cell(matrix, row, column, base)
        if last == matrix.size:
            yield from self._tail(matrix, row, base)

    def _cell(self, matrix: Matrix, row: int, column: int, base: Style) -> Segment:
        wide = self._layout.cell - 2
        if row < 0:
            kind = "matrix--here" if column == self.cursor[1] else "matrix--head"
            text = _right(printable(matrix.labels[column]), wide)
            return Segment(f" {text} ", base + self._part(kind))
        if row >= matrix.size:
            shown = (
                short_count(matrix.columns[column], wide)
                if row == matrix.size
                else _percent(matrix.precision(column), wide)
            )
            return Segment(f" {_right(shown, wide)} ", base + self._part("matrix--head"))
        text = _right(matrix.text(row, column, self.mode, wide), wide)
        if (row, column) == self.cursor:
            return Segment(f"[{text}]", base + self._part("matrix--cursor"))
        found = shade(matrix.share(row, column, self.mode), dark=self.app.current_theme.dark)
        if found is None:
            return Segment(f" {text} ", base + self._part("matrix--zero"))
        style = Style(color=found.ink, bgcolor=found.paper, bold=row == column)
        return Segment(f" {text} ", base + style)

    def _tail(self, matrix: Matrix, row: int, base: Style) -> Iterator[Segment]:
        texts = ("", "")
        if row < 0:
            texts = TAIL
        elif row < matrix.size:
            texts = (f"{matrix.rows[row]:,}", _percent(matrix.recall(row), 5))
        cells = [_right(*each) for each in zip(texts, self._layout.tail, strict=True) if each[1]]
        yield Segment("".join(cells), base + self._part("matrix--head"))

    def _part(self, name: str) -> Style:
        """The style of a part; kept, since a screen of cells asks for it hundreds of times."""
        if name not in self._parts:
            self._parts[name] = self.get_component_rich_style(name, partial=True)
        return self._parts[name]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._parts.clear()

    # --- moving

    def watch_cursor(self, before: tuple[int, int], now: tuple[int, int]) -> None:
        for row in (before[0], now[0]):
            self.refresh_line(1 + row)
        # The heads of the columns show where the cursor is too; they do not scroll.
        self.refresh(Region(0, 0, self.size.width, 1))
        self._scroll_to_cursor()
        self.post_message(self.Moved(self, *now))

    def watch_mode(self) -> None:
        self._lay_out()
        self._scroll_to_cursor()

    def _scroll_to_cursor(self) -> None:
        """Bring the cell beside and below the heads; with the last one, what stands after it."""
        matrix = self._matrix
        room = self.scrollable_content_region.size
        if matrix is None or not room:
            return
        row, column = self.cursor
        cell, (across, down) = self._layout.cell, (room.width - self._layout.head, room.height - 1)
        tail = sum(self._layout.tail) if column == matrix.size - 1 else 0
        foot = len(FOOT) if row == matrix.size - 1 else 0
        x = _into(self.scroll_offset.x, column * cell, cell + tail, across)
        y = _into(self.scroll_offset.y, row, 1 + foot, down)
        self.scroll_to(x, y, animate=False, force=True)

    def move_to(self, row: int, column: int) -> None:
        """Put the cursor on a cell, or on the nearest one that there is."""
        if self._matrix is not None:
            last = self._matrix.size - 1
            self.cursor = (max(0, min(last, row)), max(0, min(last, column)))

    def _move(self, down: int, right: int) -> None:
        self.move_to(self.cursor[0] + down, self.cursor[1] + right)

    def action_left(self) -> None:
        self._move(0, -1)

    def action_right(self) -> None:
        self._move(0, 1)

    def action_up(self) -> None:
        self._move(-1, 0)

    def action_down(self) -> None:
        self._move(1, 0)

    def action_page_up(self) -> None:
        self._move(-max(1, self.size.height - 2), 0)

    def action_page_down(self) -> None:
        self._move(max(1, self.size.height - 2), 0)

    def action_row_start(self) -> None:
        self.move_to(self.cursor[0], 0)

    def action_row_end(self) -> None:
        self.move_to(self.cursor[0], self._matrix.size if self._matrix else 0)

    def action_first(self) -> None:
        self.move_to(0, 0)

    def action_last(self) -> None:
        if self._matrix is not None:
            self.move_to(self._matrix.size, self._matrix.size)

    def action_diagonal(self) -> None:
        self.move_to(self.cursor[0], self.cursor[0])

    def action_next_pair(self) -> None:
        self._to_pair(1)

    def action_previous_pair(self) -> None:
        self._to_pair(-1)

    def _to_pair(self, by: int) -> None:
        found = self._matrix.next_pair(*self.cursor, by) if self._matrix else None
        if found is None:
            self.notify("nothing was confused here")
        else:
            self.move_to(*found)

    def action_mode(self) -> None:
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]

    def action_open(self) -> None:
        if self._matrix is not None:
            self.post_message(self.Opened(self, *self.cursor))

    def on_click(self, event: events.Click) -> None:
        matrix, place = self._matrix, event.get_content_offset(self)
        if matrix is None or place is None or place.y < 1 or place.x < self._layout.head:
            return
        row = place.y - 1 + self.scroll_offset.y
        column = self._layout.column_at(place.x - self._layout.head + self.scroll_offset.x)
        if row < matrix.size and column < matrix.size:
            self.move_to(row, column)
            if event.chain == 2:
                self.action_open()


def _into(scroll: int, start: int, length: int, room: int) -> int:
    """The least scrolling that shows what is `length` long from `start`, its start if not all."""
    if start < scroll:
        return start
    return max(scroll, min(start, start + length - room))


def _right(text: str, cells: int) -> str:
    text = shorten(text, cells)
    return " " * (cells - width(text)) + text


def _left(text: str, cells: int) -> str:
    text = shorten(text, cells)
    return text + " " * (cells - width(text))


def _percent(share: float | None, cells: int) -> str:
    return _NONE if share is None else short_percent(share, 1 if cells > 3 else 0)
