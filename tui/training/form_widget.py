"""The form of a training as widgets: a row for each field, what is wrong below it, its meaning
at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalGroup, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Label, Static

from ml.settings import MAX_TEXT, TrainSettings
from tui.plain.text import printable
from tui.training.choices import Choices
from tui.training.form import FIELDS, FORM, Field, parse_form, starting_values

_HELP = "Enter on Start trains with these values: those left open follow from the images."


class FieldRow(VerticalGroup):
    """One field: its title, what is chosen or typed, and below it what is wrong with that."""

    def __init__(self, field: Field, value: str) -> None:
        super().__init__(id=f"row-{field.name}")
        self._field, self._value = field, value

    def compose(self) -> ComposeResult:
        field, name = self._field, f"field-{self._field.name}"
        with Horizontal(classes="field"):
            yield Label(field.title)
            if field.choices:
                yield Choices(field.choices, self._value, widget_id=name)
            else:
                yield Input(
                    self._value,
                    placeholder=field.unset,
                    compact=True,
                    max_length=MAX_TEXT,
                    id=name,
                )
        yield Static(classes="wrong")

    def say_wrong(self, text: str) -> None:
        """Show what is wrong; '' for nothing."""
        wrong = self.query_one(".wrong", Static)
        wrong.update(Content(f"! {printable(text)}" if text else ""))
        wrong.display = bool(text)


class _Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The rows. Its keys are the form's: up and down go from field to field."""

    BINDINGS: ClassVar[list[BindingType]] = []


class TrainForm(Vertical):
    """Every field, the meaning of the one that has the focus, and the button that starts."""

    DEFAULT_CSS = """
    TrainForm { width: 44; padding: 0 1; }
    TrainForm _Fields { height: auto; max-height: 75%; scrollbar-size-vertical: 1; }
    TrainForm .field { height: 1; }
    TrainForm Label { width: 12; color: $text-muted; }
    TrainForm .now Label { color: $foreground; text-style: bold reverse; }
    TrainForm .wrong { display: none; color: $text-error; padding-left: 2; height: auto; }
    TrainForm #meaning { height: 4; color: $text-muted; }
    TrainForm #start { width: 100%; }
    TrainForm #start:focus { text-style: bold reverse; }
    """

    class Changed(Message):
        """A value changed. `settings` is what the form says, None where something is wrong."""

        def __init__(self, settings: TrainSettings | None) -> None:
            super().__init__()
            self.settings = settings

    class Start(Message):
        """The button was pressed."""

    def compose(self) -> ComposeResult:
        values = starting_values()
        with _Fields():
            for field in FORM:
                yield FieldRow(field, values[field.name])
        yield Static(_HELP, id="meaning")
        yield Button("Start training  ^s", id="start", variant="primary", compact=True)

    @property
    def values(self) -> dict[str, str]:
        """What every field holds."""
        return {name: self._control(name).value for name in FIELDS}

    def read(self) -> TrainSettings | None:
        """The settings that the form says; None, with what is wrong shown, where it says none."""
        settings, wrong = parse_form(self.values)
        for name in FIELDS:
            self._row(name).say_wrong(wrong.get(name, ""))
        return settings

    def refuse(self, name: str, text: str) -> None:
        """Show at a field what is wrong with its value."""
        self._row(name).say_wrong(text)

    def show_unset(self, unset: Mapping[str, str]) -> None:
        """Show in empty fields what they come to."""
        for name, field in FIELDS.items():
            control = self._control(name)
            if isinstance(control, Input):
                control.placeholder = unset.get(name, field.unset)

    def suggest_models(self, names: Iterable[str]) -> None:
        """Complete the model to start from by these names."""
        known = SuggestFromList(names, case_sensitive=False)
        self.query_one("#field-start_from", Input).suggester = known

    def clear(self) -> None:
        """Give every field its first value."""
        for name, value in starting_values().items():
            self._control(name).value = value

    def focus_wrong(self) -> None:
        """Go to the first field that something is wrong with."""
        for name in FIELDS:
            if self._row(name).query_one(".wrong").display:
                self._control(name).focus()
                return

    def move(self, by: int) -> None:
        """Go so many fields down, round the end; the button is the last one."""
        places = [*map(self._control, FIELDS), self.query_one("#start", Button)]
        focused = self.screen.focused
        at = next((at for at, place in enumerate(places) if place is focused), -1)
        # At once: the next key may have come with this one.
        self.screen.set_focus(places[(at + by) % len(places)])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self.read()))

    def on_choices_changed(self, event: Choices.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self.read()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.move(1)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Start())

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        name = (event.widget.id or "").removeprefix("field-")
        meaning = FIELDS[name].help if name in FIELDS else _HELP
        self.query_one("#meaning", Static).update(Content(meaning))
        for row in self.query(FieldRow):
            row.set_class(row.id == f"row-{name}", "now")

    def on_descendant_blur(self) -> None:
        self.query(FieldRow).remove_class("now")

    def _row(self, name: str) -> FieldRow:
        return self.query_one(f"#row-{name}", FieldRow)

    def _control(self, name: str) -> Input | Choices:
        found = self.query_one(f"#field-{name}")
        if not isinstance(found, Input | Choices):
            raise TypeError(f"the field {name} is a {type(found).__name__}")
        return found
