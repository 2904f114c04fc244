"""The one registry of actions: bindings, footer, palette, help and the user's keys come from it.

Each section's actions stand in a module of its name. Importing all of them loads data only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from tui.actions.info import ActionInfo

if TYPE_CHECKING:
    from textual.binding import Binding, BindingType

SECTIONS = (
    *(
        "app",
        "grid",
        "labelling",
        "library",
        "facets",
        "query",
        "image",
        "classify",
        "train",
        "evaluate",
        "matrix",
        "compare",
        "review",
        "runs",
    ),
    *("history", "importing", "help", "settings", "about"),
)


@cache
def actions_of(section: str) -> tuple[ActionInfo, ...]:
    """The actions of one section, in the order of its help."""
    actions: tuple[ActionInfo, ...] = import_module(f"tui.actions.{section}").ACTIONS
    return actions


@cache
def every_action() -> Mapping[str, ActionInfo]:
    """All actions by id."""
    return {info.id: info for section in SECTIONS for info in actions_of(section)}


def bindings_of(section: str) -> list[BindingType]:
    """A section's actions as the BINDINGS of the class that has their methods. Their ids are the
    actions', so that `App.set_keymap` gives them other keys."""
    return list(_bindings(section))


def _bindings(section: str) -> Iterator[Binding]:
    from textual.binding import Binding

    for info in actions_of(section):
        if info.keys:
            yield Binding(
                ",".join(info.keys),
                info.method,
                info.title,
                show=info.footer,
                priority=info.priority,
                tooltip=info.help,
                id=info.id,
            )
