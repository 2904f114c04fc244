"""A small menu whose entries each have a key: one press chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.frame.modal import Dialog
from tui.keys.options import Options
from tui.plain.text import printable


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a menu: its key, its words, and what the menu answers for it."""

    key: str
    words: str
    value: str


class KeyMenu(Dialog[str | None]):
    """Asks for one of the entries; gives its value, None for Escape."""

    BINDINGS: ClassVar = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = (
        "KeyMenu .dialog { width: auto; min-width: 30; } KeyMenu OptionList { width: 46; }"
    )

    def __init__(self, title: str, entries: Sequence[Entry], *, at: int = 0) -> None:
        """`at` is the entry that stands out at first."""
        super().__init__()
        self._heading, self._entries, self._at = title, tuple(entries), at

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(printable(self._heading))
            yield Options(
                *(
                    Option(
                        Content.assemble(
                            (f"{entry.key}  ", "bold $text-accent"), printable(entry.words)
                        )
                    )
                    for entry in self._entries
                ),
                compact=True,
            )

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = self._at

    def on_key(self, event: events.Key) -> None:
        for entry in self._entries:
            if entry.key in (event.character, event.key):
                event.stop()
                event.prevent_default()
                self.dismiss(entry.value)
                return

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._entries[event.option_index].value)

    def action_cancel(self) -> None:
        self.dismiss(None)
