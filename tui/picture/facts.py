"""The facts of one image in a column that scrolls."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.picture.image_facts import ImageFacts, told

_ROOMY = 30
"""Lines from which there is room for more of each model's answer."""


class FactsPanel(VerticalScroll, can_focus=False):
    """Shows ImageFacts, anew for each width."""

    DEFAULT_CSS = """
    FactsPanel {
        width: 35%; min-width: 28; max-width: 64; height: 1fr;
        padding: 0 1; background: $surface; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    FactsPanel Static { height: auto; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._facts: ImageFacts | None = None
        self._text = Content("")

    def compose(self) -> ComposeResult:
        yield Static("")

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text.plain

    def show(self, facts: ImageFacts | None) -> None:
        """Show these, or nothing."""
        self._facts = facts
        self._tell()

    def on_resize(self) -> None:
        self._tell()

    def _tell(self) -> None:
        width = max(1, self.scrollable_content_region.width)
        facts = self._facts
        roomy = self.size.height >= _ROOMY
        self._text = Content("") if facts is None else told(facts, width, roomy=roomy)
        self.query_one(Static).update(self._text)
