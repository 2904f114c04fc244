"""Asks for the key that gives a label: the next key that is pressed."""

from __future__ import annotations

from collections.abc import Collection

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.frame.modal import Dialog
from tui.labels.label_keys import why_not
from tui.plain.text import printable


class LabelKeyDialog(Dialog[str | None]):
    """Gives the key, '' where the label is to have the default again, None for Escape."""

    def __init__(self, label: str, old: str | None, taken: Collection[str]) -> None:
        """`taken` are the keys of actions, which no label can have."""
        super().__init__()
        self._label, self._old, self._taken = label, old, taken

    def compose(self) -> ComposeResult:
        now = f"Its key is {self._old}." if self._old else "It has no key."
        with Vertical(classes="dialog") as box:
            box.border_title = "Label key"
            yield Static(Content(f"Press the key for '{printable(self._label)}'. {now}"))
            yield Static(Content("delete: the default again   escape: as it is"), classes="hint")
            yield Static("", classes="error")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
        elif event.key in ("delete", "backspace"):
            self.dismiss("")
        elif wrong := why_not(event.key, self._taken):
            self.query_one(".error", Static).update(Content(wrong))
        else:
            self.dismiss(event.character if event.is_printable else event.key)
