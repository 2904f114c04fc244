"""Which dataset files this process has open: only SQLite may open those.

A process loses all its locks on a file when it closes any descriptor of that file (POSIX,
fcntl). A dataset that is read as if it were a picture, once, would from then on be written without
locks: another connection could take itself for the last one and throw the log away, edits and all.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

from storage.errors import RefusedInput

_BESIDE = ("-wal", "-shm", "-journal")
_Identity = tuple[int, int]

_guard = threading.Lock()
_open: Counter[_Identity] = Counter()


def opened(path: Path) -> _Identity | None:
    """Note that a dataset file is open; gives what `closed` wants, None for one that is gone."""
    try:
        identity = _identity(path)
    except OSError:
        return None
    with _guard:
        _open[identity] += 1
    return identity


def closed(identity: _Identity) -> None:
    """Note that one connection to the file is closed."""
    with _guard:
        _open[identity] -= 1
        if _open[identity] <= 0:
            del _open[identity]


def refuse_if_open(path: Path | str) -> None:
    """Raises RefusedInput for a dataset file that this process has open, and for the files that
    SQLite keeps beside it, whatever link they are reached by."""
    real = os.path.realpath(path)
    bases = [real, *(real.removesuffix(end) for end in _BESIDE if real.endswith(end))]
    for base in bases:
        try:
            identity = _identity(base)
        except OSError:  # what is not there is not open; whoever opens it says so
            continue
        with _guard:
            if identity in _open:
                raise RefusedInput("it is the dataset that is open")


def _identity(path: Path | str) -> _Identity:
    facts = os.stat(path)
    return facts.st_dev, facts.st_ino
