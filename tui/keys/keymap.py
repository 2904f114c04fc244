"""The keys of actions: the ones the user chose, which there can be, and who else has them.

Keys are in Textual's names ('ctrl+p', 'question_mark'); a single character stands for itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from storage.errors import UsageError
from tui.actions import every_action
from tui.actions.info import ActionInfo

_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_PARTS: Mapping[str, frozenset[str]] = {
    "library": frozenset({"labelling", "grid", "facets", "query"}),
    "image": frozenset({"labelling"}),
    "review": frozenset({"labelling", "grid"}),
    "evaluate": frozenset({"matrix", "grid"}),
    "compare": frozenset({"matrix", "grid"}),
}
"""The screens that have actions of other sections, those of their widgets."""


def keys_of(info: ActionInfo, chosen: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that an action has now: those of the user, else its own."""
    text = chosen.get(info.id)
    return info.keys if text is None else split_keys(text)


def key_of(action: str, chosen: Mapping[str, str]) -> str:
    """The first key of an action as it is shown, '' where it has none."""
    keys = keys_of(every_action()[action], chosen)
    return shown(keys[0]) if keys else ""


def split_keys(text: str) -> tuple[str, ...]:
    """The keys of a line of the config file, 'f5,ctrl+t', with their spaces taken off."""
    return tuple(key.strip() for key in text.split(","))


def check_keys(chosen: Mapping[str, str]) -> None:
    """See that every line of [tui.keys] names an action and keys that there are. Raises
    UsageError with the nearest name."""
    from tui.plain.text import nearest, printable

    actions = every_action()
    for name, text in chosen.items():
        if name not in actions:
            match = nearest(name, actions)
            raise UsageError(
                f"there is no action '{printable(name)}' to give keys to ([tui.keys])",
                hint=f"did you mean '{match}'?" if match else "'?' in the app shows the actions",
            )
        for key in split_keys(text):
            if not is_key(key):
                raise UsageError(
                    f"'{printable(key)}' is no key ([tui.keys] '{name}')",
                    hint="a key is a character, or a name such as 'f5', 'ctrl+t', 'comma', 'enter'",
                )


def is_key(text: str) -> bool:
    """Whether a terminal could send a key of this name."""
    from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

    *modifiers, name = text.split("+")
    if not name or not _MODIFIERS.issuperset(modifiers) or len(set(modifiers)) < len(modifiers):
        return False
    if len(name) == 1:
        return name.isprintable() and not name.isspace()
    known = {key.value for key in Keys}.union(KEY_NAME_REPLACEMENTS.values())
    return text in known or name in known or key_to_character(name) is not None


def shown(key: str) -> str:
    """A key as it is shown: '?', '^p', 'F10', 'space'."""
    from textual.keys import format_key

    *modifiers, name = key.split("+")
    if len(name) > 1 and name[0] == "f" and name[1:].isdigit():
        face = name.upper()
    else:
        face = format_key(name)
    signs = "".join("^" if each == "ctrl" else f"{each}+" for each in modifiers)
    return signs + face


def rivals(info: ActionInfo, key: str, chosen: Mapping[str, str]) -> list[ActionInfo]:
    """The other actions that have the key on a screen where `info` has its keys too."""
    return [
        other
        for other in every_action().values()
        if other.id != info.id
        and together(info.section, other.section)
        and key in keys_of(other, chosen)
    ]


def together(one: str, other: str) -> bool:
    """Whether the actions of two sections can be there at the same time."""
    if one == other or "app" in (one, other):
        return True
    return any({one, other} <= parts | {screen} for screen, parts in _PARTS.items())
