"""What was refused, each with its reason: a heading and a list, hidden while there is nothing."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.files.paths import tail_of
from tui.frame.section import pixshelf
from tui.plain.text import plural, printable
from tui.widgets.rows import RowList

Refused = tuple[str, str]
"""What was refused, and why."""


class Refusals(Vertical):
    """A list of (source, reason)."""

    DEFAULT_CSS = """
    Refusals { height: auto; max-height: 50%; }
    Refusals #refused { height: 1; background: $surface; color: $text-muted; padding: 0 1; }
    Refusals RowList { height: auto; min-height: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: list[Refused] = []

    def compose(self) -> ComposeResult:
        yield Static(id="refused")
        yield RowList(self._draw, id="refusals")

    def on_mount(self) -> None:
        self.display = False

    @property
    def rows(self) -> RowList:
        """The list itself."""
        return self.query_one(RowList)

    def show(self, items: Sequence[Refused], *, count: int | None = None) -> None:
        """Show these; `count` is how many were refused in all, where not all are kept."""
        self._items = list(items)
        self.display = bool(items)
        refused = len(items) if count is None else count
        first = f", the first {len(items):,} are listed" if refused > len(items) else ""
        self.query_one("#refused", Static).update(
            Content(f"refused: {refused:,}{first} · c copies the list")
        )
        self.rows.styles.height = min(10, max(1, len(items)))
        self.rows.show(len(items))

    def _draw(self, at: int, width: int) -> list[Content]:
        source, reason = self._items[at]
        room = max(10, width // 2)
        name = tail_of(printable(source), room)
        return [Content.assemble(name, "  ", (printable(reason), "$text-muted"))]

    def copy(self) -> None:
        """Copy every source with its reason, a tab between them, and say so."""
        if not self._items:
            self.notify("nothing was refused")
            return
        lines = [f"{printable(source)}\t{printable(reason)}" for source, reason in self._items]
        pixshelf(self).copy_to_clipboard("\n".join(lines))
        self.notify(f"copied {plural(len(lines), 'line')}")
