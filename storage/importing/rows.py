"""A row of a manifest, whatever the manifest is written in, made an Entry.

Paths are relative to the manifest's folder and never lead out of it.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from storage.errors import RefusedInput
from storage.importing.layout import NO_SPLIT, SPLIT_NAMES
from storage.importing.sources import Entry, GivenSplit, printable
from storage.labels import clean_label, clean_tags

WORDS: dict[str, tuple[str, ...]] = {
    "path": ("path", "file_name", "file", "filename", "image"),
    "label": ("label", "class"),
    "split": ("split",),
    "tags": ("tags", "tag"),
}
"""What a column or key may be called, the likeliest first."""

_LONGEST_SOURCE = 4096


@dataclass(frozen=True, slots=True)
class Root:
    """The folder that paths are relative to, and the same with every link resolved."""

    folder: Path
    real: str

    @classmethod
    def of(cls, manifest: Path) -> Root:
        """The folder that a manifest lies in."""
        return cls(manifest.parent, os.path.realpath(manifest.parent))

    def file(self, name: str) -> str:
        """The file that a row names. Raises RefusedInput if it would lie elsewhere."""
        if not name or "\0" in name:
            raise RefusedInput("the row has no path")
        full = os.path.realpath(self.folder / name.replace("\\", "/"))
        if os.path.commonpath((self.real, full)) != self.real or full == self.real:
            raise RefusedInput("its path leads outside the manifest's folder")
        return full

    def name(self, full: str) -> str:
        """A file's path within the folder, parted by slashes."""
        return os.path.relpath(full, self.real).replace(os.sep, "/")


def entry_of(
    source: str,
    content: str | bytes,
    label: str,
    split: str,
    tags: list[str],
    *,
    otherwise: GivenSplit = None,
) -> Entry:
    """An entry from a row's texts, '' for what it does not say. `otherwise` is the split where the
    row has none. Raises RefusedInput for a label, split or tag that will not do."""
    return Entry(
        printable(source)[:_LONGEST_SOURCE],
        content,
        clean_label(label) if label else None,
        split_of(split) or otherwise,
        clean_tags(tuple(tag for tag in tags if tag.strip())),
    )


def split_of(text: str) -> GivenSplit:
    """The split that a text names. Raises RefusedInput."""
    word = text.strip().lower()
    if not word:
        return None
    split = NO_SPLIT if word == NO_SPLIT else SPLIT_NAMES.get(word)
    if split is None:
        raise RefusedInput(f"there is no split {text[:40]!a}: it is train, val, test or none")
    return split


def tags_of(text: str) -> list[str]:
    """The tags in a cell: a JSON list of texts, or parted by commas and semicolons."""
    if text.startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
            return value
    return re.split("[,;]", text)
