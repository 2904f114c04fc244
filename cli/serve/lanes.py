"""Threads with the dataset open, and the way there and back from the event loop.

A Repository belongs to the thread that opened it, so each thread of a lane has its own. It takes
what waits, a batch at a time, and each task gets its own result or its own error. Whoever waits
while the dataset is found to be gone is told so with the first. What a request holds is kept until
the lane is done with its tasks.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from cli.serve.problems import overloaded
from cli.serve.room import shared
from storage.errors import ConnectionLost, DatasetBusy, DatasetError
from storage.repository import Repository

Task = TypeVar("Task")
Result = TypeVar("Result")

Open = Callable[[], Repository]
Work = Callable[[Repository, Sequence[Task]], Sequence[Result | Exception]]
"""What becomes of a batch: a result or an error for each task, in order."""


@dataclass(frozen=True, slots=True)
class _Job(Generic[Task, Result]):
    """A task, since when and on which event loop it is waited for. `leave` is called there in the
    end."""

    task: Task
    future: asyncio.Future[Result]
    loop: asyncio.AbstractEventLoop
    leave: Callable[[], None]
    asked_at: float


class Lane(Generic[Task, Result]):
    """One kind of work on the dataset. `most` tasks are taken at once, without waiting for more;
    at most `waiting` may be asked for and not yet answered. Asked from one event loop."""

    def __init__(
        self,
        name: str,
        open_: Open,
        work: Work[Task, Result],
        *,
        most: int = 1,
        waiting: int = 512,
        threads: int = 1,
    ) -> None:
        self._name = name
        self._open = open_
        self._work = work
        self._most = most
        self._room = waiting
        self._count = threads
        self._queue: SimpleQueue[_Job[Task, Result] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._gone: tuple[float, Exception] | None = None

    def start(self) -> None:
        """Begin the threads, each with the dataset open. Raises what opening it raises."""
        for number in range(self._count):
            opened: Future[None] = Future()
            thread = threading.Thread(
                target=self._run, args=(opened,), name=f"{self._name}-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)
            opened.result()

    def close(self) -> None:
        """Do what is still waiting, then end. Safe to call twice."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    def ask(self, task: Task) -> asyncio.Future[Result]:
        """The answer to come. Raises a Problem at once where too much waits already."""
        if self._room <= 0:
            raise overloaded()
        self._room -= 1
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        job = _Job(task, answer, loop, shared(), time.monotonic())
        self._queue.put(job)
        return job.future

    def _run(self, opened: Future[None]) -> None:
        try:
            repo: Repository | None = self._open()
        except BaseException as error:
            opened.set_exception(error)
            return
        opened.set_result(None)
        while jobs := self._next():
            # What nobody waits for any more is not done.
            wanted = [job for job in jobs if not job.future.done()]
            repo, results = self._results(repo, wanted)
            if repo is not None and any(map(_is_broken, results)):
                # The next task finds the dataset opened anew.
                with suppress(DatasetError):
                    repo.close()
                repo = None
            self._tell(jobs, wanted, results)
        if repo is not None:
            repo.close()

    def _results(
        self, repo: Repository | None, jobs: Sequence[_Job[Task, Result]]
    ) -> tuple[Repository | None, Sequence[Result | Exception]]:
        """What becomes of the jobs, and the dataset, opened if it was not and can be."""
        # Who waited while it was found to be gone has waited as long as anybody need.
        told: list[Exception] = []
        if self._gone is not None:
            since, reason = self._gone
            told = [reason for job in jobs if job.asked_at < since]
        tasks = [job.task for job in jobs[len(told) :]]
        if not tasks:
            return repo, told
        try:
            repo = repo or self._open()
        except Exception as error:
            self._gone = time.monotonic(), error
            return None, [*told, *[error] * len(tasks)]
        try:
            results = self._work(repo, tasks)
        except Exception as error:
            results = [error] * len(tasks)
        lost = next((each for each in results if isinstance(each, ConnectionLost)), None)
        if lost is not None:
            self._gone = time.monotonic(), lost
        return repo, [*told, *results]

    def _next(self) -> list[_Job[Task, Result]]:
        """What waits, at least one job; nothing at the end."""
        job = self._queue.get()
        jobs = []
        while job is not None:
            jobs.append(job)
            if len(jobs) == self._most:
                return jobs
            try:
                job = self._queue.get_nowait()
            except Empty:
                return jobs
        if jobs:
            # The end comes after these.
            self._queue.put(None)
        return jobs

    def _tell(
        self,
        jobs: Sequence[_Job[Task, Result]],
        wanted: Sequence[_Job[Task, Result]],
        results: Sequence[Result | Exception],
    ) -> None:
        def settle() -> None:
            self._room += len(jobs)
            for job in jobs:
                job.leave()
            for job, result in zip(wanted, results, strict=True):
                if job.future.done():
                    continue
                if isinstance(result, Exception):
                    job.future.set_exception(result)
                else:
                    job.future.set_result(result)

        # A loop that was closed has nobody on it who waits.
        with suppress(RuntimeError):
            jobs[0].loop.call_soon_threadsafe(settle)


def _is_broken(result: object) -> bool:
    """Whether the dataset may not be read any more by whom it was opened."""
    return isinstance(result, DatasetError) and not isinstance(result, DatasetBusy)
