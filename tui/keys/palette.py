"""The command palette: every action of the screen and of the app, and the themes, found by typing.

What is found is a pure matter of texts (`ranked`); what is chosen is done by the app, on the
widget that has the action.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.actions import actions_of
from tui.frame.modal import ListDialog
from tui.keys.keymap import keys_of, shown
from tui.keys.options import Options

if TYPE_CHECKING:
    from tui.app import PixshelfApp


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be done: `action` as Textual calls it, on `node`, on the app for None."""

    title: str
    help: str
    keys: str
    action: str
    node: DOMNode | None = None


def entries_of(app: PixshelfApp) -> list[Entry]:
    """What can be done now: the actions of the focused widget, of the screen and its parts, then
    those of the app and the themes."""
    from tui.keys.help import sections_of_node

    screen = app.screen
    focused = [] if screen.focused is None else list(screen.focused.ancestors_with_self)
    nodes = dict.fromkeys([*focused, screen, *screen.walk_children(), app])
    found: dict[str, Entry] = {}
    for node in nodes:
        for section in sections_of_node(node):
            for info in actions_of(section):
                if info.id in found or not info.palette or not node.check_action(info.method, ()):
                    continue
                if hasattr(node, f"action_{info.method}"):
                    keys = " ".join(map(shown, keys_of(info, app.settings.keys)))
                    found[info.id] = Entry(info.title, info.help, keys, info.method, node)
    themes = [
        Entry(f"Theme: {name}", "Take these colours.", "", f"theme({name!r})")
        for name in sorted(app.available_themes)
    ]
    return [*found.values(), *themes]


def ranked(entries: Sequence[Entry], text: str) -> list[Entry]:
    """The entries that have all of the text's letters in order, the best matches first: in the
    title before in the sentence, and all of them in their order for an empty text."""
    wanted = "".join(text.casefold().split())
    if not wanted:
        return list(entries)
    scores = [(_score(entry, wanted), at) for at, entry in enumerate(entries)]
    return [entries[at] for score, at in sorted(scores) if score < _NEVER]


_NEVER = 1_000_000


def _score(entry: Entry, wanted: str) -> int:
    title, sentence = ("".join(part.casefold().split()) for part in (entry.title, entry.help))
    if title.startswith(wanted):
        return 0
    if wanted in title:
        return 10 + title.index(wanted)
    spread = _spread(title, wanted)
    if spread is not None:
        return 100 + spread
    return 10_000 + sentence.index(wanted) if wanted in sentence else _NEVER


def _spread(text: str, wanted: str) -> int | None:
    """How far apart the letters stand, taken from the left; None where they do not all come."""
    at = text.find(wanted[0])
    first = at
    for letter in wanted[1:]:
        if at < 0:
            return None
        at = text.find(letter, at + 1)
    return None if at < 0 else at - first


class Palette(ListDialog["Entry | None"]):
    """Gives the entry that was chosen; None for Escape."""

    BINDINGS: ClassVar = [
        Binding("escape,ctrl+p", "dismiss(None)", "Cancel", priority=True),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = tuple(entries)
        self._shown: list[Entry] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = "Actions"
            yield Input(placeholder="type a part of an action's name")
            options = Options(compact=True)
            options.can_focus = False
            yield options

    def on_mount(self) -> None:
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, text: str) -> None:
        self._shown = ranked(self._entries, text)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(entry)) for entry in self._shown])
        options.highlighted = 0 if self._shown else None

    def on_input_submitted(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self.dismiss(self._shown[at])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if self.query_one(Options).still_has(event):
            self.dismiss(self._shown[event.option_index])


def _line(entry: Entry) -> Content:
    return Content.assemble(
        (f"{entry.title:<24} ", "bold"), (f"{entry.keys:<10} ", "$text-accent"), entry.help
    ).truncate(200)
