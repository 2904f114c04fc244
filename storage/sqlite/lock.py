"""The write lock of a dataset file: one writer at a time, across threads and processes.

SQLite up to 3.51.2 can corrupt a WAL file when two connections write or checkpoint at the same
moment (sqlite.org/wal.html, 'the WAL-reset bug'), so writes and checkpoints happen only under this
lock. It is a flock on a file beside the dataset file, taken away again by the last to need it.
The kernel releases it when a process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import DatasetBusy

_POLL_SECONDS = 0.002


class WriteLock:
    """Held with `with lock.held():`. Not reentrant."""

    def __init__(self, dataset: Path, *, wait: float) -> None:
        self._dataset = dataset
        self._path = Path(f"{dataset}-lock")
        self._wait = wait

    @contextmanager
    def held(self, *, wait: float | None = None) -> Iterator[None]:
        """Raises DatasetBusy when the lock is not free within `wait` seconds."""
        descriptor = self._acquire(self._wait if wait is None else wait)
        try:
            yield
        finally:
            # Whoever holds the lock may take its file away: a process that waits on the old file
            # finds, once it has it, that the path no longer leads there, and starts again.
            self._path.unlink(missing_ok=True)
            os.close(descriptor)

    def _acquire(self, wait: float) -> int:
        deadline = time.monotonic() + wait
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                if self._try(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            if time.monotonic() >= deadline:
                raise DatasetBusy(
                    f"{self._dataset} is being written by another process (waited {wait:g} s)",
                    hint="Try again when it has finished, or wait longer with --wait SECONDS.",
                )
            time.sleep(_POLL_SECONDS)

    def _try(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(descriptor))
