"""A file's bytes, read with a bound: never more than a picture may have, and nothing of a large
file that does not begin like one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from storage.errors import RefusedInput
from storage.in_use import refuse_if_open
from storage.pictures import MAX_BYTES, format_of

_LOOK_FIRST = 1024 * 1024


def read_picture(path: Path | str) -> bytes:
    """The bytes of the file. Raises RefusedInput if it cannot be read, is no regular file, has
    more than 100 MiB, is large and begins like no picture, or is the dataset that is open."""
    refuse_if_open(path)
    try:
        # O_NONBLOCK: a pipe that took the file's place since it was listed must not block.
        descriptor = os.open(path, os.O_RDONLY | _FLAGS)
        try:
            return _read(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RefusedInput(f"it cannot be read: {error.strerror or error}") from error


_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def _read(descriptor: int) -> bytes:
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        raise RefusedInput("it is not a regular file")
    if facts.st_size > MAX_BYTES:
        raise RefusedInput(f"the file has {facts.st_size:,} bytes; the limit is {MAX_BYTES:,}")
    if facts.st_size > _LOOK_FIRST:
        first = os.read(descriptor, 64)
        if format_of(first) is None:
            raise RefusedInput("not a picture")
        os.lseek(descriptor, 0, os.SEEK_SET)
    data = os.read(descriptor, facts.st_size + 1)
    if len(data) == facts.st_size:
        return data
    # Cut short by the system, or the file grows while it is read.
    parts = [data]
    length = len(data)
    while part := os.read(descriptor, 1024 * 1024):
        parts.append(part)
        length += len(part)
        if length > MAX_BYTES:
            raise RefusedInput(f"the file has over {MAX_BYTES:,} bytes")
    return b"".join(parts)
