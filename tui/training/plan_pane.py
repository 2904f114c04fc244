"""The plan of a training beside its form, to be scrolled where it is long."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from storage.errors import PixshelfError
from tui.plain.text import printable
from tui.training.plan import plan_content
from tui.training.plan_facts import PlanFacts


class PlanPane(VerticalScroll):
    """`facts` is the newest plan, `stale` while a newer one is to come, `trouble` why there is
    none. `show` draws them."""

    DEFAULT_CSS = """
    PlanPane { padding: 0 1; border-left: solid $panel; }
    PlanPane { scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    PlanPane:focus { border-left: solid $primary; }
    PlanPane Static { height: auto; }
    """

    facts: PlanFacts | None = None
    stale = True
    trouble: PixshelfError | None = None

    def compose(self) -> ComposeResult:
        yield Static("planning")

    def show(self) -> None:
        """Draw what is known now."""
        plan = self.query_one(Static)
        if self.trouble is not None:
            hint = f"\n\n{printable(self.trouble.hint)}" if self.trouble.hint else ""
            plan.update(Content.assemble(printable(self.trouble.message), (hint, "dim")))
        elif self.facts is not None:
            cells = max(20, self.scrollable_content_region.width)
            plan.update(plan_content(self.facts, cells, stale=self.stale))

    def on_resize(self) -> None:
        self.show()
