"""Picture files named on the command line: files, folders, and `-` for standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from storage.errors import RefusedInput
from storage.importing.picture_files import read_named
from storage.pictures import MAX_BYTES

STDIN = "-"
Item = TypeVar("Item")


def read_files(names: Sequence[str]) -> Iterator[tuple[str, bytes | RefusedInput]]:
    """The name and the bytes of each file, or why it cannot be read. A folder gives the files in
    it and below it in the order of their names, hidden ones left out."""
    for name in names:
        if name == STDIN:
            yield STDIN, _read_stdin()
        else:
            yield from read_named([name])


def in_chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of `size`, the last one shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _read_stdin() -> bytes | RefusedInput:
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if not data:
        return RefusedInput("standard input is empty")
    if len(data) > MAX_BYTES:
        return RefusedInput(f"standard input has over {MAX_BYTES:,} bytes")
    return data
