"""What edits are called in the history, and why some are refused, alike for every backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storage.errors import NotReady, RefusedInput

Table = Literal["label", "tag"]


@dataclass(frozen=True, slots=True)
class Deed:
    """The kind of an action, by which it is undone, and what it did in words."""

    kind: str
    summary: str


DELETE = Deed("delete", "moved to the trash")
RESTORE = Deed("restore", "restored from the trash")


def label(name: str | None) -> Deed:
    """Images get one label, or none."""
    return Deed("label", "label cleared" if name is None else f"label '{name}'")


def merge(source: str, target: str) -> Deed:
    """All images of one label get the other."""
    return Deed("label", f"label '{source}' merged into '{target}'")


def remove_label(name: str) -> Deed:
    """All images of a label get none."""
    return Deed("label", f"label '{name}' removed")


def tag(name: str) -> Deed:
    """Images get a tag."""
    return Deed("tag", f"tag '{name}'")


def untag(name: str) -> Deed:
    """A tag is taken off images."""
    return Deed("untag", f"tag '{name}' removed")


def remove_tag(name: str) -> Deed:
    """A tag is taken off all images."""
    return Deed("untag", f"tag '{name}' removed everywhere")


def rename(table: Table, old: str, new: str) -> Deed:
    """A label or a tag gets another name."""
    return Deed(f"rename-{table}", f"{table} '{old}' renamed '{new}'")


def name_taken(table: Table, name: str) -> RefusedInput:
    """What to raise for a new name that another has."""
    return RefusedInput(
        f"there is a {table} '{name}' already",
        hint=f"'pixshelf {table}s merge' makes two labels one."
        if table == "label"
        else "Tag the images with it, and remove the other.",
    )


def name_taken_since(table: Table, old: str, new: str) -> RefusedInput:
    """What to raise where a renaming cannot be undone or done again."""
    return RefusedInput(
        f"'{old}' cannot be called '{new}' again: images imported since have a {table} of that "
        "name",
        hint="Nothing was changed. What was done up to then can no longer be undone; what was done "
        "after it can.",
    )


def history_changed() -> NotReady:
    """What to raise where other actions would be undone or done again than were expected."""
    return NotReady(
        "the history has changed meanwhile", hint="Nothing was changed. Look again, then repeat it."
    )
