"""The help of a screen: its keys and what they do, made from the registry of actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from tui.actions import SECTIONS, actions_of
from tui.actions.info import ActionInfo
from tui.frame.modal import Dialog
from tui.frame.section import pixshelf
from tui.keys.keymap import keys_of, shown

_LEFT = 14
"""Cells for the keys."""


def sections_of(screen: Screen[object]) -> list[str]:
    """The registry's sections that the screen has actions of: its own first, then those of its
    parts, then those of everywhere."""
    nodes: list[DOMNode] = [screen, *screen.walk_children()]
    found = dict.fromkeys(section for node in nodes for section in sections_of_node(node))
    found.pop("app", None)
    return [*found, "app"]


def sections_of_node(node: DOMNode) -> list[str]:
    """The registry's sections that a widget or screen has bindings of."""
    names = [
        binding.id.partition(".")[0]
        for kind in type(node).__mro__
        for binding in kind.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    ]
    return [name for name in dict.fromkeys(names) if name in SECTIONS]


def help_text(sections: Sequence[str], chosen: Mapping[str, str], width: int = 80) -> Content:
    """The actions of the sections under their groups' headings: keys as the user has them, title
    and sentence, and the command line that does the same, in lines of at most `width` cells."""
    infos = [info for section in sections for info in actions_of(section)]
    order = list(dict.fromkeys(info.group for info in infos))
    infos.sort(key=lambda info: order.index(info.group))
    lines: list[Content] = []
    for group, of_group in groupby(infos, key=lambda info: info.group):
        if lines:
            lines.append(Content(""))
        lines.append(Content.styled(group, "bold underline"))
        for info in of_group:
            lines.extend(_lines(info, chosen, width))
    return Content("\n").join(lines)


def _lines(info: ActionInfo, chosen: Mapping[str, str], width: int) -> Iterable[Content]:
    keys = " ".join(shown(key) for key in keys_of(info, chosen))
    room = max(20, width - _LEFT)
    first, *more = wrap(f"{info.title}  {info.help}", room)
    left = keys or "-"
    if len(left) >= _LEFT:
        yield Content.styled(left, "bold $text-accent")
        left = ""
    yield Content.assemble(
        (f"{left:<{_LEFT}}", "bold $text-accent"),
        (first[: len(info.title)], "bold"),
        first[len(info.title) :],
    )
    for line in more:
        yield Content(" " * _LEFT + line)
    if info.command is not None:
        for line in wrap(f"$ pixshelf {info.command}", room):
            yield Content.styled(" " * _LEFT + line, "$text-muted")


class HelpScreen(Dialog[None]):
    """The help, to be scrolled and closed."""

    BINDINGS: ClassVar = [
        Binding("escape,q,question_mark,f1,enter", "dismiss(None)", "Close"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, sections: Sequence[str]) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide tall") as box:
            box.border_title = "Help"
            settings = pixshelf(self).key_of("app.settings")
            box.border_subtitle = Content(f"escape closes; {settings} changes keys")
            yield Static()

    def on_resize(self) -> None:
        self.call_after_refresh(self._write)

    def _write(self) -> None:
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        text = help_text(self._sections, pixshelf(self).settings.keys, width)
        self.query_one(Static).update(text)

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
