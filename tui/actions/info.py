"""What the program knows of one action: its name, its keys, its words, and its place in the help.

Plain data. What an action does is the method `action_<name>` of the screen or widget that it
belongs to; everything else that is said of it, anywhere, is made from here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One action. `id` is 'section.name': the name, with '-' as '_', is that of the method.

    `keys` are in Textual's names ('space', 'ctrl+z', 'question_mark'), the first being the one
    shown. `title` is for the footer and the palette, `help` a sentence. `group` is its heading in
    the help. `footer` puts it into the footer, `palette` into the command palette. `priority`
    lets it go before the keys of the focused widget. `command` is the form of the command line
    that does the same, None where there is none.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    group: str
    footer: bool = False
    palette: bool = True
    priority: bool = False
    command: str | None = None

    @property
    def section(self) -> str:
        """Where the action belongs: a screen's name, or 'app' for everywhere."""
        return self.id.partition(".")[0]

    @property
    def method(self) -> str:
        """The action as Textual calls it."""
        return self.id.partition(".")[2].replace("-", "_")
