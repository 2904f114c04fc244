"""What stands in the place of images where there are none: why, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from tui.actions import every_action
from tui.frame.section import pixshelf
from tui.plain.text import printable


class Nothing(Widget):
    """A heading, and lines of (key, what it does). A key may be named by the id of its action; a
    line whose action has no key is left out."""

    DEFAULT_CSS = """
    Nothing { width: 1fr; height: 1fr; padding: 1 2; background: $background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.heading = ""
        self._lines: Sequence[tuple[str, str]] = ()

    def tell(self, heading: str, lines: Sequence[tuple[str, str]]) -> None:
        """Show other words."""
        self.heading, self._lines = heading, lines
        self.refresh()

    def render(self) -> Content:
        parts: list[Content] = [Content.styled(printable(self.heading), "bold"), Content("")]
        actions = every_action()
        for name, words in self._lines:
            key = pixshelf(self).key_of(name) if name in actions else name
            if name in actions and not key:
                continue
            mark = Content.styled(f"{key:<6}", "bold $text-accent")
            parts.append(mark + Content(printable(words)))
        return Content("\n").join(parts)
