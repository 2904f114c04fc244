"""The menu of the sections: one letter each."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.modal import ListDialog
from tui.widgets.options import Options

LETTERS = {
    "l": ("library", "Library", "F2"),
    "c": ("classify", "Classify", "F3"),
    "t": ("train", "Train", "F4"),
    "e": ("evaluate", "Evaluate", "F5"),
    "r": ("review", "Review", "F6"),
    "m": ("runs", "Runs and models", "F7"),
    "h": ("history", "History", "F8"),
    "i": ("importing", "Import", "F9"),
    "s": ("settings", "Settings", "F10"),
    "a": ("about", "About", ""),
}
"""Letter: section, its title, its other key."""


class GoMenu(ListDialog[str | None]):
    """Gives the section that was chosen by its letter, or by arrows and Enter; None for Escape."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss(None)", "Cancel"),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]

    def __init__(self, section: str) -> None:
        """`section` is the one that is open."""
        super().__init__()
        self._section = section

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog narrow") as box:
            box.border_title = "Go to"
            yield Options(*map(self._option, LETTERS), compact=True)

    def _option(self, letter: str) -> Option:
        section, title, key = LETTERS[letter]
        here = "  (here)" if section == self._section else ""
        return Option(
            Content.assemble(
                (f" {letter} ", "bold $text-accent"), f" {title + here:<24}", (key, "$text-muted")
            ),
            id=section,
        )

    def on_key(self, event: events.Key) -> None:
        if event.character in LETTERS:
            event.stop()
            self.dismiss(LETTERS[event.character][0])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)
