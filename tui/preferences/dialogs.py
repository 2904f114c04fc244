"""Two questions of the settings: which key, and which theme, shown while one chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.frame.modal import Dialog, ListDialog
from tui.keys.options import Options
from tui.plain.text import printable


class KeyPress(Dialog[str | None]):
    """Gives the key that was pressed; None for Escape. A key that `conflict` says something of
    has to be pressed twice."""

    def __init__(self, title: str, conflict: Callable[[str], str]) -> None:
        super().__init__()
        self._heading, self._conflict = title, conflict
        self._warned: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(printable(self._heading))
            yield Static("Press the new key. Escape leaves it as it is.")
            yield Static("", classes="error")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
            return
        told = self._conflict(event.key)
        if told and event.key != self._warned:
            self._warned = event.key
            self.query_one(".error", Static).update(
                Content(f"{printable(told)}. Press it again to take it nevertheless.")
            )
            return
        self.dismiss(event.key)


class ThemeChoice(ListDialog[str | None]):
    """Gives the theme that was chosen; None for Escape, with the colours as they were. The app
    wears the theme under the cursor."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss(None)", "Cancel"),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]
    DEFAULT_CSS = "ThemeChoice { background: $background 0%; align: right middle; }"

    def __init__(self, themes: Sequence[str], now: str) -> None:
        super().__init__()
        self._themes, self._now = tuple(themes), now
        self._chosen = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog narrow") as box:
            box.border_title = "Theme"
            yield Options(*(Option(name, id=name) for name in self._themes), compact=True)

    def on_mount(self) -> None:
        if self._now in self._themes:
            self.query_one(OptionList).highlighted = self._themes.index(self._now)

    def on_unmount(self) -> None:
        # However the choice was left: what was only looked at does not stay.
        if not self._chosen:
            self.app.theme = self._now

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = self._themes[event.option_index]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._chosen = True
        self.dismiss(self._themes[event.option_index])
