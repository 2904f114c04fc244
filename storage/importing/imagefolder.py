"""A Hugging Face imagefolder as a Source: pictures beside a metadata.csv or metadata.jsonl that
names them, in one folder or in a folder for each split."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.errors import RefusedInput
from storage.importing.jsonlines import count_lines, json_entries
from storage.importing.layout import NO_SPLIT, SPLIT_NAMES, is_ignored
from storage.importing.manifest import count_rows, csv_entries
from storage.importing.sources import Entry, GivenSplit, Refusal, Source, printable

METADATA = ("metadata.csv", "metadata.jsonl")
_MOST_FOLDERS = 10_000
_LOOK = 4096


@dataclass(frozen=True, slots=True)
class _Part:
    """One metadata file: its path, what goes before its pictures' names, and their split."""

    path: Path
    prefix: str
    split: GivenSplit

    def count(self) -> int:
        return count_rows(self.path) if self.path.suffix == ".csv" else count_lines(self.path)

    def entries(self) -> Iterator[Entry | Refusal]:
        read = csv_entries if self.path.suffix == ".csv" else json_entries
        return read(self.path, prefix=self.prefix, split=self.split)


def has_metadata(root: Path) -> bool:
    """Whether the folder, or one directly in it, has a metadata file that names pictures."""
    return bool(_parts(root))


def open_imagefolder(root: Path) -> Source:
    """The folder as a Source. A folder called train, val, test or the like gives the split of what
    its metadata names, unless that says otherwise. Pictures that no metadata names are not
    imported, and a note counts them. Raises RefusedInput if there is no metadata."""
    parts = _parts(root)
    if not parts:
        raise RefusedInput(
            f"there is no metadata.csv or metadata.jsonl with 'file_name' in {root}",
            hint="Import it as a folder: --format folder.",
        )
    total = sum(part.count() for part in parts)
    unnamed = _files(root) - len(parts) - total
    notes = (f"files that are not in the metadata and were left out: {unnamed:,}",)
    return Source(
        format="imagefolder",
        entries=lambda: (entry for part in parts for entry in part.entries()),
        count=lambda: total,
        notes=notes if unnamed > 0 else (),
    )


def _parts(root: Path) -> list[_Part]:
    found = [_Part(path, "", None) for path in _metadata(root)]
    for name in _folders(root):
        word = name.lower()
        split = NO_SPLIT if word == NO_SPLIT else SPLIT_NAMES.get(word)
        prefix = f"{printable(name)}/"
        found += [_Part(path, prefix, split) for path in _metadata(root / name)]
    return found


def _folders(root: Path) -> list[str]:
    names = []
    try:
        with os.scandir(root) as items:
            for item in items:
                if item.is_dir(follow_symlinks=False) and not is_ignored(item.name):
                    names.append(item.name)
                    if len(names) >= _MOST_FOLDERS:
                        break
    except OSError as error:
        raise RefusedInput(f"{root} cannot be read: {error.strerror or error}") from error
    return sorted(names)


def _metadata(folder: Path) -> list[Path]:
    """The folder's metadata file, if it has one that names files; others may bear the name."""
    for name in METADATA:
        path = folder / name
        if path.is_file() and not path.is_symlink() and b"file_name" in _first_line(path):
            return [path]
    return []


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.readline(_LOOK)
    except OSError as error:
        raise RefusedInput(f"{path} cannot be read: {error.strerror or error}") from error


def _files(root: Path) -> int:
    total = 0
    for _, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not is_ignored(name)]
        total += sum(not is_ignored(name) for name in files)
    return total
