"""What the folders above a picture say of it: its split, its label, or nothing.

The same rules serve folders on disk and folders in an archive. A single folder around everything
is stepped over. Folders called train, val and test are splits; any other is a label, also for the
pictures in folders below it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from storage.errors import RefusedInput
from storage.importing.sources import GivenSplit, printable
from storage.labels import clean_label
from storage.records import Split

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}

NO_SPLIT: Literal["none"] = "none"
"""The folder beside the splits, in an export, for what is in none of them."""

_IGNORED = frozenset({"__MACOSX", "Thumbs.db", "thumbs.db", "desktop.ini", "Desktop.ini"})


class Place(NamedTuple):
    """What a folder says of the pictures in it."""

    label: str | None
    split: GivenSplit


@dataclass(frozen=True, slots=True)
class Layout:
    """How many folders to step over, whether the next ones are splits, and the labels of folders
    whose names could not say them."""

    step: int
    splits: bool
    labels: Mapping[str, str] = field(default_factory=dict)

    def place(self, folders: tuple[str, ...]) -> Place:
        """What the folders above a picture, outermost first, say of it. Raises RefusedInput for a
        folder whose name cannot be a label, and for one beside the splits that is none."""
        below = folders[self.step :]
        split: GivenSplit = None
        if self.splits and below:
            word = below[0].lower()
            split = NO_SPLIT if word == NO_SPLIT else SPLIT_NAMES.get(word)
            if split is None:
                raise RefusedInput(
                    f"the folder {printable(below[0])!r} lies beside train, val or test "
                    "but is none of them"
                )
            below = below[1:]
        if not below:
            return Place(None, split)
        return Place(clean_label(self.labels.get(below[0], below[0])), split)


def layout_of(folders: Collection[tuple[str, ...]]) -> Layout:
    """The layout of a source from the folders that hold something, outermost first; two levels of
    each are enough."""
    outermost = {path[0] for path in folders if path}
    around = (
        len(outermost) == 1
        and not (outermost & SPLIT_NAMES.keys())
        and any(len(path) > 1 for path in folders)
    )
    step = 1 if around else 0
    level = {path[step].lower() for path in folders if len(path) > step} - {NO_SPLIT}
    named = level & SPLIT_NAMES.keys()
    splits = bool(level) and (named == level or ("train" in named and len(named) > 1))
    return Layout(step, splits)


def is_ignored(name: str) -> bool:
    """Whether a file or folder of that name is none of the user's: hidden, or left behind by a
    file manager."""
    return name.startswith(".") or name in _IGNORED
