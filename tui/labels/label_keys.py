"""Which key gives which label: what the user chose, then names of one sign, then the digits.

Pure functions. A key is a single character, or a name of Textual's ('f12') for one without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from storage.ordering import natural_key
from tui.actions import actions_of

DIGITS = "1234567890"
"""The keys that labels get in turn, as they lie on the keyboard."""

SECTIONS = ("app", "grid", "labelling", "library", "image", "review")
"""Where label keys work: keys of these sections are no label's unless the user says so."""


def keys_of_labels(
    labels: Sequence[str], chosen: Mapping[str, str], taken: Collection[str] = ()
) -> dict[str, str]:
    """Each key with its label, in the natural order of the labels that have one.

    `chosen` gives labels their keys and goes before everything; of two labels with one key the
    first has it. A label that is one letter or digit gets that key where it is not `taken`; the
    others get the digits that are left, in order, while there are any.
    """
    ordered = sorted(labels, key=natural_key)
    keys: dict[str, str] = {}
    for label in ordered:
        key = chosen.get(label)
        if key and key not in keys:
            keys[key] = label
    given = set(keys.values())
    for label in ordered:
        free = label not in keys and label not in taken
        if label not in given and len(label) == 1 and label.isalnum() and free:
            keys[label] = label
            given.add(label)
    left = [digit for digit in DIGITS if digit not in keys and digit not in taken]
    others = (label for label in ordered if label not in given)
    keys.update(zip(left, others, strict=False))
    places = {label: place for place, label in enumerate(ordered)}
    return dict(sorted(keys.items(), key=lambda item: places[item[1]]))


def label_of(keys: Mapping[str, str], key: str, character: str | None) -> str | None:
    """The label of a key press, by the character it gives or by its name."""
    if character is not None and character in keys:
        return keys[character]
    return keys.get(key)


def taken_keys(changed: Mapping[str, str]) -> frozenset[str]:
    """The keys of the actions beside which labels are given. `changed` are those that the user
    gave to actions, by the actions' ids."""
    return frozenset(
        key.strip()
        for section in SECTIONS
        for info in actions_of(section)
        for key in (changed[info.id].split(",") if info.id in changed else info.keys)
    )


def rekeyed(chosen: Mapping[str, str], label: str, key: str | None) -> dict[str, str]:
    """`chosen` with another key for a label, taken from whichever label had it; None gives the
    label back to the default."""
    others = {name: old for name, old in chosen.items() if name != label and old != key}
    return others if key is None else {**others, label: key}


def why_not(key: str, taken: Iterable[str]) -> str:
    """Why a key cannot be a label's, '' where it can."""
    if key in ("escape", "enter", "tab", "space", "up", "down", "left", "right"):
        return f"{key} is needed to move about"
    return f"{key} is the key of an action already" if key in taken else ""
