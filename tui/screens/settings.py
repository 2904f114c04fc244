"""The settings: theme, pictures, confirmations, and the keys of every action.

A change counts at once and is written to the config file in the background.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Input
from textual.widgets.option_list import Option

from tui.actions import bindings_of, every_action
from tui.frame.section import Section
from tui.keys.options import Options
from tui.preferences.dialogs import KeyPress, ThemeChoice
from tui.preferences.rows import KEY, Row, conflict, next_pictures, reset, rows_of, with_key
from tui.settings import TuiSettings

_ORDER = {"pixshelf-dark": 0, "pixshelf-light": 1, "pixshelf-contrast": 2}


class SettingList(Options):
    """The rows, also by j and k."""

    BINDINGS: ClassVar = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]


class SettingsScreen(Section):
    """Every setting as a row of one list."""

    NAME = "settings"
    BINDINGS: ClassVar = bindings_of("settings")
    AUTO_FOCUS = "SettingList"
    DEFAULT_CSS = """
    SettingsScreen SettingList { height: 1fr; border: none; padding: 0; }
    SettingsScreen #find { border: none; height: 1; padding: 0 1; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []

    def body(self) -> ComposeResult:
        find = Input(placeholder="words of a setting or an action", id="find")
        find.display = False
        yield find
        yield SettingList(compact=True)

    def on_mount(self) -> None:
        self.pixshelf.settings_changed.subscribe(self, self._changed)
        self._fill()

    @property
    def _list(self) -> SettingList:
        return self.query_one(SettingList)

    def _changed(self, _: TuiSettings) -> None:
        self._fill()

    def _fill(self) -> None:
        row = self._current()
        app = self.pixshelf
        self._rows = rows_of(app.settings, self.query_one(Input).value, app.config_path)
        options = self._list
        options.clear_options()
        options.add_options([_option(each) for each in self._rows])
        ids = [each.id for each in self._rows]
        if row is not None and row.id in ids:
            options.highlighted = ids.index(row.id)
        elif len(ids) > 1:
            options.highlighted = 1

    def _current(self) -> Row | None:
        at = self._list.highlighted
        return self._rows[at] if at is not None and at < len(self._rows) else None

    def on_option_list_option_highlighted(self) -> None:
        row = self._current()
        if row is not None:
            self.say(row.note)

    def on_option_list_option_selected(self) -> None:
        self.action_change()

    # --- actions

    def action_change(self) -> None:
        """Change what is under the cursor."""
        row = self._current()
        app = self.pixshelf
        if row is None or row.id is None:
            return
        if row.id == "theme":
            self._choose_theme()
        elif row.id == "pictures":
            app.save_settings(next_pictures(app.settings))
        elif row.id == "confirm":
            app.save_settings(replace(app.settings, confirm=not app.settings.confirm))
        elif row.id.startswith(KEY):
            self._ask_key(row.id.removeprefix(KEY), add=False)
        else:
            self.notify("labels get their keys where they are given: in the library")

    def action_add_key(self) -> None:
        """Give the action under the cursor one more key."""
        row = self._current()
        if row is not None and row.id is not None and row.id.startswith(KEY):
            self._ask_key(row.id.removeprefix(KEY), add=True)

    def action_reset(self) -> None:
        """Put what is under the cursor back to its default."""
        row = self._current()
        if row is not None and row.id is not None:
            self.pixshelf.save_settings(reset(self.pixshelf.settings, row.id))

    def action_find(self) -> None:
        """Ask for words to find."""
        find = self.query_one(Input)
        find.display = True
        find.focus()

    def action_clear(self) -> None:
        """Show every setting again."""
        find = self.query_one(Input)
        find.value = ""
        find.display = False
        self._list.focus()

    def on_input_changed(self) -> None:
        self._fill()

    def on_input_submitted(self) -> None:
        self._list.focus()

    def _choose_theme(self) -> None:
        app = self.pixshelf
        names = sorted(app.available_themes, key=lambda name: (_ORDER.get(name, 9), name))

        def chosen(name: str | None) -> None:
            if name is not None:
                app.save_settings(replace(app.settings, theme=name))

        app.push_screen(ThemeChoice(names, app.settings.theme), chosen)

    def _ask_key(self, action: str, *, add: bool) -> None:
        app = self.pixshelf
        info = every_action()[action]

        def pressed(key: str | None) -> None:
            if key is not None:
                app.save_settings(with_key(app.settings, action, key, add=add))

        app.push_screen(
            KeyPress(f"A key for '{info.title}'", lambda key: conflict(app.settings, info, key)),
            pressed,
        )

    def commands(self) -> list[tuple[str, str]]:
        return [("see what the program stands on", self.pixshelf.command_line("doctor"))]


def _option(row: Row) -> Option:
    if row.id is None:
        return Option(Content.styled(row.name, "bold $text-accent"), disabled=True)
    mark = "* " if row.note == "changed" else "  "
    return Option(Content.assemble(mark, f"{row.name:<24} ", (f"{row.value:<20}", "bold")))
