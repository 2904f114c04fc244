"""Picture files named on the command line: files, folders, and `-` for standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from storage.errors import RefusedInput
from storage.importing.layout import is_ignored
from storage.importing.reading import read_picture
from storage.pictures import MAX_BYTES

STDIN = "-"
Item = TypeVar("Item")


def read_files(names: Sequence[str]) -> Iterator[tuple[str, bytes | RefusedInput]]:
    """The name and the bytes of each file, or why it cannot be read. A folder gives the files in
    it and below it in the order of their names, hidden ones left out."""
    for name in names:
        if not name:
            yield name, RefusedInput("the name is empty", hint="`.` is the current folder")
            continue
        if name == STDIN:
            yield STDIN, _read_stdin()
            continue
        path = Path(name)
        if not path.is_dir():
            yield name, _read_file(path)
            continue
        empty = True
        for file in _below(path):
            empty = False
            yield str(file), _read_file(file)
        if empty:
            yield name, RefusedInput("there is no file in this folder")


def in_chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of `size`, the last one shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _read_file(path: Path) -> bytes | RefusedInput:
    if not os.path.lexists(path):
        return RefusedInput("there is no such file")
    try:
        return read_picture(path)
    except RefusedInput as error:
        return error


def _read_stdin() -> bytes | RefusedInput:
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if not data:
        return RefusedInput("standard input is empty")
    if len(data) > MAX_BYTES:
        return RefusedInput(f"standard input has over {MAX_BYTES:,} bytes")
    return data


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        for name in sorted(files):
            if not is_ignored(name):
                yield Path(place) / name
