"""'Copy command': the command lines that do what the screen shows or can do, one to be copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.frame.modal import ListDialog
from tui.keys.options import Options
from tui.plain.text import printable

if TYPE_CHECKING:
    from tui.app import PixshelfApp

LONGEST = 60_000
"""Characters that are handed to a terminal's clipboard; many terminals drop what is longer."""

MOST_NAMED = 10_000
"""More images than that are not named in a line, which nothing would take."""

_SHOWN = 400


def commands_of(app: PixshelfApp) -> list[tuple[str, str]]:
    """What can be copied on the screen that is open, as (what, command line): what the screen
    offers, then the newest edit, then the app itself."""
    offered = getattr(app.screen, "commands", None)
    found: list[tuple[str, str]] = list(offered()) if offered is not None else []
    if app.newest_edit is not None and len(app.newest_edit.images) <= MOST_NAMED:
        found.append(
            (
                f"the newest edit: {app.newest_edit.summary}",
                app.command_line(*app.newest_edit.words()),
            )
        )
    found.append(("take back the newest action", app.command_line("undo")))
    found.append(("open this dataset", app.command_line()))
    return list(dict.fromkeys(found))


class CopyCommand(ListDialog[str | None]):
    """Gives the command line that was chosen; None for Escape."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss(None)", "Cancel"),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
        Binding("y", "choose", show=False),
    ]

    def __init__(self, commands: list[tuple[str, str]]) -> None:
        super().__init__()
        self._commands = commands

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = "Copy as a command line"
            box.border_subtitle = "enter copies, escape closes"
            yield Options(*map(_option, self._commands))
            yield Static("", classes="error")

    def action_choose(self) -> None:
        """Copy the one under the cursor."""
        self.query_one(OptionList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        line = self._commands[event.option_index][1]
        if len(line) > LONGEST:
            self.query_one(Static).update(
                f"{len(line):,} characters: too long for a terminal's clipboard"
            )
            return
        self.dismiss(line)


def _option(command: tuple[str, str]) -> Option:
    what, line = command
    text = printable(line[: _SHOWN + 1])
    if len(line) > _SHOWN:
        text = text[:_SHOWN] + "…"
    return Option(Content.assemble((printable(what), "$text-muted"), "\n", (f"$ {text}", "bold")))
