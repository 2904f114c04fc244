"""Decoders for a whole import: the caller's own thread for little, other processes for much.

Threads do not serve small pictures: decoding one is mostly Python, and threads wait for one another
there. Processes do, and a decoder that dies of a file takes nothing with it: the file is refused.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, Self, cast

from storage.importing.decoder import READY, Answer, measure, read_answers, write_files

MOST_PROCESSES = 4
_INLINE_PIECES = 1
COMMAND: tuple[str, ...] = (sys.executable, "-m", "storage.importing.decoder")
CRASHED = "the decoder crashed on it"


class Decoders:
    """Measures pieces of files, each as a future of answers in the same order.

    Use it as a context manager: on leaving, every process and thread that it began has ended. The
    first piece is measured at once by the caller, so that a small import begins no process.
    """

    def __init__(self, processes: int | None = None) -> None:
        self._count = _processors() if processes is None else processes
        self._pieces = 0
        self._pool: ThreadPoolExecutor | None = None
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._processes: list[_Process] = []
        self._gate: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The processes first: a thread that waits for an answer then has its end.
        for process in self._processes:
            process.end()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._gate is not None:
            os.close(self._gate)
            self._gate = None

    def submit(self, files: Sequence[bytes]) -> Future[list[Answer]]:
        """Measure the files; the future is done already where the caller did it."""
        self._pieces += 1
        if self._pieces <= _INLINE_PIECES or self._count < 1:
            done: Future[list[Answer]] = Future()
            done.set_result(measure(files))
            return done
        pool = self._pool or self._begin()
        return pool.submit(self._measure, list(files))

    def children(self) -> list[int]:
        """The ids of the processes that run now."""
        return [child for process in self._processes if (child := process.id) is not None]

    def _begin(self) -> ThreadPoolExecutor:
        self._gate = _new_gate()
        self._processes = [_Process(self._gate) for _ in range(self._count)]
        for process in self._processes:
            self._idle.put(process)
        self._pool = ThreadPoolExecutor(self._count, "decode")
        return self._pool

    def _measure(self, files: list[bytes]) -> list[Answer]:
        process = self._idle.get()
        try:
            return process.measure(files)
        finally:
            self._idle.put(process)


def _new_gate() -> int | None:
    """A file with no name, for a lock between the processes; None where there is no room for one,
    or no such lock."""
    if sys.platform == "win32":
        return None
    try:
        gate, name = tempfile.mkstemp(prefix="pixshelf-")
    except OSError:
        return None
    os.unlink(name)
    return gate


class _Child(NamedTuple):
    """A running process and the pipes to and from it."""

    process: subprocess.Popen[bytes]
    to: IO[bytes]
    back: IO[bytes]


class _Process:
    """One decoder process, begun when it is first wanted, and again after it died."""

    def __init__(self, gate: int | None) -> None:
        self._gate = gate
        self._child: _Child | None = None
        self._lock = threading.Lock()
        self._ended = False

    @property
    def id(self) -> int | None:
        """The id of the process, while there is one."""
        child = self._child
        return None if child is None else child.process.pid

    def measure(self, files: list[bytes]) -> list[Answer]:
        """The answers. If the process dies, the files are tried one by one, and the one that it
        dies of is refused. Where no process can be had, this one measures. Raises EOFError once
        it is ended."""
        child = self._child or self._start()
        if child is None:
            return measure(files)
        try:
            write_files(child.to, files)
            return read_answers(child.back, len(files))
        except (EOFError, OSError, ValueError):
            self._stop()
            if self._ended:
                raise
        if len(files) == 1:
            return [CRASHED]
        return [answer for one in files for answer in self.measure([one])]

    def end(self) -> None:
        """Stop for good; whoever waits for an answer gets an error."""
        self._ended = True
        self._stop()

    def _start(self) -> _Child | None:
        with self._lock:
            if self._ended:
                raise EOFError("the import is over")
            try:
                child = _begin(self._gate)
            except OSError:
                return None
            if child.back.read(1) != READY:
                _finish(child)
                return None
            self._child = child
            return child

    def _stop(self) -> None:
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                _finish(child)


def _begin(gate: int | None) -> _Child:
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    given = [] if gate is None else [gate]
    process = subprocess.Popen(
        [*COMMAND, *map(str, given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        pass_fds=given,
        # Ctrl-C is for the importing process, which then ends this one.
        start_new_session=True,
    )
    return _Child(process, cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout))


def _finish(child: _Child) -> None:
    child.process.kill()
    # What was still to be sent to it has nobody to go to.
    with suppress(BrokenPipeError):
        child.to.close()
    child.back.close()
    child.process.wait()


def _processors() -> int:
    """How many processes to have: as many as this one may use processors, to a limit."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return min(MOST_PROCESSES, usable or 1)
