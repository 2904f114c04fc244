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

from tui.actions import every_action
from tui.frame.modal import ListDialog
from tui.frame.section import pixshelf
from tui.frame.sections import PLACES
from tui.keys.options import Options

LETTERS = {place.letter: place for place in PLACES}
"""The sections by their letters."""


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
        place = LETTERS[letter]
        title = every_action()[place.action].title
        key = pixshelf(self).key_of(place.action)
        here = "  (here)" if place.name == self._section else ""
        return Option(
            Content.assemble(
                (f" {letter} ", "bold $text-accent"), f" {title + here:<24}", (key, "$text-muted")
            ),
            id=place.name,
        )

    def on_key(self, event: events.Key) -> None:
        if event.character in LETTERS:
            event.stop()
            self.dismiss(LETTERS[event.character].name)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)
