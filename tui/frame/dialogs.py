"""The small questions and messages that any screen may need, as modal screens.

Each is pushed with `push_screen`, which calls back with the answer, or from a worker with
`push_screen_wait`. What they are given may hold anything; it is shown as printable text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.frame.modal import Dialog, ListDialog
from tui.frame.text_line import TextLine
from tui.keys.options import Options
from tui.plain.text import printable, printable_lines

_CANCEL = Binding("escape", "cancel", "Cancel")


class Message(Dialog[None]):
    """Something that has to be read: an error with its hint, or a notice."""

    BINDINGS: ClassVar = [Binding("escape,enter,space,q", "close", "Close")]

    def __init__(self, title: str, text: str, *, hint: str | None = None) -> None:
        super().__init__()
        self._words = (title, text, hint)

    def compose(self) -> ComposeResult:
        title, text, hint = self._words
        with Vertical(classes="dialog") as box:
            box.border_title = _title(title)
            yield Static(_text(text))
            if hint:
                yield Static(_text(hint), classes="hint")
            with Horizontal(classes="buttons"):
                yield Button("Close", variant="primary")

    def on_button_pressed(self) -> None:
        self.action_close()

    def action_close(self) -> None:
        self.dismiss(None)


class Question(Dialog[str | None]):
    """A choice between a few buttons; gives the chosen one's words, None for Escape."""

    BINDINGS: ClassVar = [
        _CANCEL,
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right,l", "app.focus_next", show=False),
    ]

    def __init__(self, text: str, answers: Sequence[str], *, hint: str | None = None) -> None:
        """The first of `answers` is the one that has the focus. A key that begins one answer
        alone chooses it."""
        super().__init__()
        self._text, self._answers, self._hint = text, tuple(answers), hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_text(self._text), id="question")
            if self._hint:
                yield Static(_text(self._hint), classes="hint")
            with Horizontal(classes="buttons"):
                for at, answer in enumerate(self._answers):
                    yield Button(
                        _title(answer), id=f"answer-{at}", variant="default" if at else "primary"
                    )

    def say(self, text: str) -> None:
        """Ask in other words."""
        self._text = text
        self._show()

    def on_mount(self) -> None:
        self._show()  # it may have been put in other words meanwhile

    def _show(self) -> None:
        for line in self.query("#question").results(Static):
            line.update(_text(self._text))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(self._answers[int((event.button.id or "answer-0").removeprefix("answer-"))])

    def on_key(self, event: events.Key) -> None:
        """The letter that begins one answer alone chooses it, and means nothing else."""
        letter = (event.character or "").casefold()
        found = [answer for answer in self._answers if letter and answer[0].casefold() == letter]
        if len(found) == 1:
            event.stop()
            self.dismiss(found[0])

    def action_cancel(self) -> None:
        self.dismiss(None)


class Prompt(Dialog[str | None]):
    """A line of text; None for Escape. `check` gives what is wrong with a text, '' for nothing."""

    BINDINGS: ClassVar = [_CANCEL]

    def __init__(
        self,
        title: str,
        *,
        value: str = "",
        placeholder: str = "",
        check: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__()
        self._heading, self._value, self._placeholder = title, value, placeholder
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = _title(self._heading)
            yield TextLine(self._value, placeholder=self._placeholder)
            yield Static("", classes="error")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        wrong = self._check(event.value) if self._check else ""
        if wrong:
            self.query_one(".error", Static).update(_text(wrong))
        else:
            self.dismiss(event.value)

    def action_cancel(self) -> None:
        self.dismiss(None)


class Choice(ListDialog[str | None]):
    """One of many by typing a part of its name; None for Escape. With `new`, what was typed is an
    answer too, where nothing is called so."""

    BINDINGS: ClassVar = [
        _CANCEL,
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
    ]

    def __init__(self, title: str, names: Sequence[str], *, new: str | None = None) -> None:
        """`new` is the words before a name that is not there yet ('new label'); None where there
        can be none."""
        super().__init__()
        self._heading, self._names, self._new = title, tuple(names), new
        self._shown: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = _title(self._heading)
            yield TextLine(placeholder="type to find")
            options = Options(compact=True)
            options.can_focus = False
            yield options

    def on_mount(self) -> None:
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, text: str) -> None:
        wanted = text.strip().casefold()
        starts = [name for name in self._names if name.casefold().startswith(wanted)]
        within = [
            name
            for name in self._names
            if wanted in name.casefold() and not name.casefold().startswith(wanted)
        ]
        self._shown = [*starts, *within]
        lines = [_title(name) for name in self._shown]
        if self._new is not None and text.strip() and text.strip() not in self._names:
            self._shown.append(text.strip())
            lines.append(_title(f"{self._new} '{text.strip()}'"))
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(line) for line in lines])
        options.highlighted = 0 if lines else None

    def on_input_submitted(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self.dismiss(self._shown[at])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if self.query_one(Options).still_has(event):
            self.dismiss(self._shown[event.option_index])

    def action_cancel(self) -> None:
        self.dismiss(None)


def _title(text: str) -> Content:
    return Content(printable(text))


def _text(text: str) -> Content:
    return Content(printable_lines(text))
