"""Who works on a run: a flock on a file beside the dataset file, named after the run.

As with the write lock (storage/sqlite/lock.py), the kernel gives it back when the process dies,
however it dies. A run that is 'running' and that nobody holds was interrupted.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import DatasetBusy, DatasetError

_WAIT = 0.5
"""Seconds to try: whoever asks `is_held` has the lock for a moment, too."""

_POLL = 0.01


@contextmanager
def held(dataset: Path, run_id: int) -> Iterator[None]:
    """Hold the run. Raises DatasetBusy where another does, DatasetError where none can."""
    path = _path(dataset, run_id)
    try:
        descriptor = _acquire(path)
    except OSError as error:
        raise DatasetError(f"run {run_id} cannot be held: {path}: {error.strerror}") from error
    if descriptor is None:
        raise DatasetBusy(
            f"another process is working on run {run_id}",
            hint="Watch it with 'pixshelf runs attach', or wait for its end.",
        )
    try:
        yield
    finally:
        # As in lock.py: who waits on the old file finds that the path no longer leads there.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def is_held(dataset: Path, run_id: int) -> bool:
    """Whether a process, this one included, holds the run."""
    try:
        descriptor = os.open(_path(dataset, run_id), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _acquire(path: Path) -> int | None:
    deadline = time.monotonic() + _WAIT
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if _try(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL)


def _try(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except (BlockingIOError, FileNotFoundError):
        return False


def _path(dataset: Path, run_id: int) -> Path:
    return Path(f"{dataset}-run-{run_id}")
