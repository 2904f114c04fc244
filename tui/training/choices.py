"""A choice of a few words that stand side by side, for forms: left and right change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class Choices(Widget, can_focus=True):
    """One of `choices`, all of them shown in a line, the chosen one reversed."""

    DEFAULT_CSS = """
    Choices { height: 1; width: 1fr; color: $text-muted; }
    Choices:focus { color: $foreground; background-tint: $foreground 5%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Choice before", show=False),
        Binding("right,l,space", "move(1)", "Next choice", show=False),
        Binding("home", "move(-99)", "First choice", show=False),
        Binding("end", "move(99)", "Last choice", show=False),
    ]

    value: reactive[str] = reactive("", init=False)

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, choices: Choices, value: str) -> None:
            super().__init__()
            self.choices, self.value = choices, value

        @property
        def control(self) -> Choices:
            return self.choices

    def __init__(self, choices: Sequence[str], value: str, *, widget_id: str | None = None) -> None:
        """`value` is one of `choices`."""
        super().__init__(id=widget_id)
        self._choices = tuple(choices)
        self.set_reactive(Choices.value, value)

    def watch_value(self) -> None:
        self.post_message(self.Changed(self, self.value))

    def render(self) -> Content:
        chosen = "reverse bold" if self.has_focus else "reverse"
        words = [
            Content.styled(word, chosen if word == self.value else "") for word in self._choices
        ]
        return Content(" ").join(words)

    def action_move(self, by: int) -> None:
        """Choose another word: the next one, round the end, or the first or last."""
        at = self._choices.index(self.value) + by
        if abs(by) == 1:
            at %= len(self._choices)
        self.value = self._choices[min(len(self._choices) - 1, max(0, at))]

    def on_click(self, event: events.Click) -> None:
        left = 0
        for word in self._choices:
            right = left + cell_len(word)
            if left <= event.x < right:
                self.value = word
            left = right + 1
