"""The labels of an evaluation as a table that can be ordered by every column."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from tui.evaluation.evaluations import COLUMNS, Column, LabelRow, Shown, label_rows
from tui.plain.shades import shade
from tui.plain.text import plural, printable, shorten, width
from tui.widgets.rows import RowList

_WIDTHS = {"precision": 11, "recall": 9, "f1": 9, "images": 10, "mistakes": 10}
_SHARES = ("precision", "recall", "f1")
_HEADS = {"f1": "F1"}
_LEAST, _MOST = 8, 40
_LAST = 18
_TAKEN_FOR = 12


class LabelHeads(Widget):
    """The heads of the columns; the one that orders has an arrow. A click orders by it."""

    DEFAULT_CSS = "LabelHeads { height: 1; color: $text-muted; background: $background; }"

    def __init__(self, table: LabelTable) -> None:
        super().__init__()
        self._table = table

    def render(self) -> Content:
        parts = []
        for column in COLUMNS:
            text = _HEADS.get(column, column)
            if column == self._table.column:
                text += " ▲" if self._table.reverse else " ▼"
            name = column == "label"
            cells = label_width(self.size.width) if name else _WIDTHS[column]
            if column in _SHARES:
                # The figures have a space after them, for their shade.
                parts.append(text.rjust(cells - 1) + " ")
            else:
                parts.append(text.ljust(cells) if name else text.rjust(cells))
        return Content(" " + "".join(parts) + "   taken for")

    def on_click(self, event: events.Click) -> None:
        end = 1
        for column in COLUMNS:
            end += label_width(self.size.width) if column == "label" else _WIDTHS[column]
            if event.x < end:
                self._table.order(column)
                return


class LabelTable(Vertical):
    """Rows for the labels, under heads. Opening and moving are told by its RowList."""

    def __init__(self) -> None:
        super().__init__(id="labels")
        self.column: Column = "f1"
        self.reverse = False
        self._shown: Shown | None = None
        self._rows: list[LabelRow] = []

    def compose(self) -> ComposeResult:
        yield LabelHeads(self)
        yield RowList(self._draw)

    @property
    def rows(self) -> Sequence[LabelRow]:
        """What is shown, in its order."""
        return self._rows

    def current(self) -> LabelRow | None:
        """The label under the cursor."""
        at = self.query_one(RowList).current()
        return None if at is None else self._rows[at]

    def show(self, shown: Shown) -> None:
        """Show the labels of an evaluation, ordered as before."""
        self._shown = shown
        self._fill()

    def order(self, column: Column, *, reverse: bool | None = None) -> None:
        """Order by a column; by the same one again, the other way round."""
        if reverse is None:
            reverse = not self.reverse if column == self.column else False
        self.column, self.reverse = column, reverse
        self._fill()

    def recolour(self) -> None:
        """Draw the rows in the colours of the theme that is now."""
        self.query_one(RowList).redraw()

    def _fill(self) -> None:
        if self._shown is not None:
            self._rows = label_rows(self._shown, self.column, reverse=self.reverse)
            self.query_one(RowList).show(len(self._rows))
            self.query_one(LabelHeads).refresh()

    def _draw(self, at: int, across: int) -> list[Content]:
        row = self._rows[at]
        room = label_width(across + 1)
        name = shorten(printable(row.label), room - 1)
        parts: list[Content] = [Content(name + " " * (room - width(name)))]
        if not row.score.support:
            return [Content("").join([*parts, Content.styled("   no image here", "$text-muted")])]
        parts += [
            self._share(value, _WIDTHS[column])
            for column, value in zip(
                _SHARES, (row.score.precision, row.score.recall, row.score.f1), strict=True
            )
        ]
        parts.append(Content(f"{row.score.support:>{_WIDTHS['images']},}"))
        parts.append(Content(f"{row.mistakes:>{_WIDTHS['mistakes']},}"))
        if row.taken_for is not None:
            parts.append(Content("   " + shorten(printable(row.taken_for), _LAST)))
        return [Content("").join(parts)]

    def _share(self, value: float, cells: int) -> Content:
        """A share, on the shade of what is wanting."""
        text = f"{100 * value:.1f} %"
        found = shade(1 - value, dark=self.app.current_theme.dark)
        style = "" if found is None else f"{found.ink} on {found.paper}"
        return Content(" " * (cells - len(text) - 2)) + Content.styled(f" {text} ", style)


def label_width(across: int) -> int:
    """The cells of the column of labels in a table so many wide."""
    return max(_LEAST, min(_MOST, across - 1 - sum(_WIDTHS.values()) - 3 - _TAKEN_FOR))


def totals(shown: Shown) -> str:
    """What stands below the table."""
    wrong = sum(shown.matrix.rows) - sum(
        shown.matrix.counts[at][at] for at in range(shown.matrix.size)
    )
    return f"{plural(shown.matrix.size, 'label')}, {plural(wrong, 'mistake')}"
