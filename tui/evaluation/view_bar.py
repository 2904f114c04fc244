"""One line with the names of a screen's views, each with its key, the open one standing out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class ViewBar(Widget):
    """The views are numbered from 1, which are their keys; `at` is the open one, from 0."""

    DEFAULT_CSS = "ViewBar { height: 1; width: 100%; background: $surface; color: $text-muted; }"

    at: reactive[int] = reactive(0)
    names: reactive[tuple[str, ...]] = reactive(())

    class Chosen(Message):
        """A view was chosen with the mouse."""

        def __init__(self, bar: ViewBar, at: int) -> None:
            super().__init__()
            self.bar, self.at = bar, at

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.set_reactive(ViewBar.names, tuple(names))

    def _words(self) -> list[str]:
        return [f" {at} {name} " for at, name in enumerate(self.names, 1)]

    def render(self) -> Content:
        return Content("").join(
            Content.styled(word, "reverse bold" if at == self.at else "")
            for at, word in enumerate(self._words())
        )

    def on_click(self, event: events.Click) -> None:
        start = 0
        for at, word in enumerate(self._words()):
            end = start + cell_len(word)
            if start <= event.x < end:
                self.post_message(self.Chosen(self, at))
            start = end
