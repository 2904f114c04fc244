"""Picture files by name: files and folders, read one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from storage.errors import RefusedInput
from storage.importing.layout import is_ignored
from storage.importing.reading import read_picture


def read_named(names: Sequence[str]) -> Iterator[tuple[str, bytes | RefusedInput]]:
    """The name and the bytes of each file, or why it cannot be read. A folder gives the files in
    it and below it in the order of their names, hidden ones left out."""
    for name in names:
        if not name:
            yield name, RefusedInput("the name is empty", hint="`.` is the current folder")
            continue
        path = Path(name)
        if not path.is_dir():
            yield name, _read(path)
            continue
        empty = True
        for file in _below(path):
            empty = False
            yield str(file), _read(file)
        if empty:
            yield name, RefusedInput("there is no file in this folder")


def _read(path: Path) -> bytes | RefusedInput:
    if not os.path.lexists(path):
        return RefusedInput("there is no such file")
    try:
        return read_picture(path)
    except RefusedInput as error:
        return error


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        for name in sorted(files):
            if not is_ignored(name):
                yield Path(place) / name
