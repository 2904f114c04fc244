"""Who works on a run: a flock on a file beside the dataset file, named after the run.

As with the write lock (storage/sqlite/lock.py), the kernel gives it back when the process dies,
however it dies. A run that is 'running' and that nobody holds was interrupted.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import DatasetError
from storage.stored_runs import run_is_held

_WAIT = 0.5
"""Seconds to try: whoever asks `is_held` has the lock for a moment, too."""

_POLL = 0.01


@contextmanager
def held(dataset: Path, run_id: int) -> Iterator[None]:
    """Hold the run. Raises DatasetBusy where another does, DatasetError where none can."""
    path = _path(dataset, run_id)
    try:
        descriptor = _acquire(path)
    except OSError as error:  # its folder is gone, or the file system has no locks
        raise _unusable(path, error) from error
    if descriptor is None:
        raise run_is_held(run_id)
    try:
        yield
    finally:
        # As in lock.py: who waits on the old file finds that the path no longer leads there.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def is_held(dataset: Path, run_id: int) -> bool:
    """Whether a process, this one included, holds the run. Raises DatasetError where that cannot
    be told."""
    try:
        descriptor = _open(_path(dataset, run_id), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        raise _unusable(_path(dataset, run_id), error) from error
    finally:
        os.close(descriptor)
    return False


def _acquire(path: Path) -> int | None:
    deadline = time.monotonic() + _WAIT
    while True:
        descriptor = _open(path, os.O_RDWR | os.O_CREAT)
        if _try(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL)


def _open(path: Path, how: int) -> int:
    """Opens nothing but a file: whoever may write beside the dataset can put a link there, or a
    pipe. Raises FileNotFoundError where there is none, DatasetError for what cannot be opened."""
    try:
        descriptor = os.open(path, how | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unusable(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _unusable(path, OSError(0, "it is no regular file"))
    return descriptor


def _unusable(path: Path, error: OSError) -> DatasetError:
    return DatasetError(
        f"{path}, which tells who works on a run, cannot be used: {error.strerror}",
        hint="Remove it if nobody works on the run. To work on one, the dataset's folder must be "
        "writable.",
    )


def _try(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except (BlockingIOError, FileNotFoundError):
        return False


def _path(dataset: Path, run_id: int) -> Path:
    return Path(f"{dataset}-run-{run_id}")
