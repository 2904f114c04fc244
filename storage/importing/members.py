"""The names of an archive's members: which are unsafe, which are nobody's, and what the folders in
them say. Shared by zip and tar."""

from __future__ import annotations

import re

from storage.errors import RefusedInput
from storage.importing.folders import DEEPEST
from storage.importing.layout import Layout, Place, is_ignored, layout_of

_DRIVE = re.compile(r"[A-Za-z]:")


def parts_of(name: str) -> tuple[str, ...]:
    """The folders and the file in a member's name; backslashes part them as well."""
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def unsafe(name: str) -> str:
    """Why a member of this name is refused, or ''."""
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        return "its path is absolute"
    parts = parts_of(name)
    if ".." in parts:
        return "its path leads outside the archive"
    if len(parts) > DEEPEST:
        return f"it lies more than {DEEPEST} folders deep"
    return "" if parts else "it has no name"


def hidden(name: str) -> bool:
    """Whether a member is hidden, or left behind by a file manager."""
    return any(is_ignored(part) for part in parts_of(name) if part != "..")


class Outline:
    """What is gathered of the names before anything is read: the upper folders and a count."""

    def __init__(self) -> None:
        self.count = 0
        self._folders: set[tuple[str, ...]] = set()

    def add(self, name: str) -> None:
        """Take in the name of a member that is no folder."""
        if hidden(name):
            return
        self.count += 1
        if not unsafe(name):
            self._folders.add(parts_of(name)[:-1][:2])

    def layout(self) -> Layout:
        """What the folders mean."""
        return layout_of(self._folders)


class Placing:
    """What each folder says of its pictures, worked out once per folder."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known: dict[tuple[str, ...], Place | str] = {}

    def of(self, folders: tuple[str, ...]) -> Place:
        """The label and split of the pictures in a folder. Raises RefusedInput."""
        place = self._known.get(folders)
        if place is None:
            try:
                place = self._layout.place(folders)
            except RefusedInput as error:
                place = error.message
            if len(self._known) < 100_000:
                self._known[folders] = place
        if isinstance(place, str):
            raise RefusedInput(place)
        return place
