"""The dataset as screens see it: threads with connections of their own, and futures to await.

No method waits. `read` is for what takes milliseconds, `survey` for counts and lists that may
take a second, `edit` keeps the order in which it is called, `work` is for anything longer. An
awaited call raises what the job raised; one whose awaiter is cancelled before it began is never
begun, except an edit, which is always carried out.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tui.frame import first_frame

if TYPE_CHECKING:
    from storage.repository import Repository

Result = TypeVar("Result")
Job = Callable[["Repository"], Result]


class Dataset:
    """An open dataset. Raises DatasetError from `start` where it cannot be opened."""

    def __init__(self, url: str, *, wait: float = 10.0) -> None:
        """`url` is what `open_repository` takes; `wait` is how many seconds a write waits for
        another process that writes. A password in the URL is remembered, and in no text."""
        from storage.opening import shown

        self.url = shown(url)
        self.wait = wait
        self._reading = _Lane(self, "reading", patient=True)
        self._surveying = _Lane(self, "surveying", patient=True)
        self._editing = _Lane(self, "editing")
        self._pending: set[Future[Any]] = set()
        self._file = _file_of(url)

    def open(self) -> Repository:
        """A connection for the thread that calls. Raises DatasetError."""
        from storage.opening import open_repository

        return open_repository(self.url, wait=self.wait)

    def create(
        self, told: Callable[[str], None] | None = None, *, refused: float | None = None
    ) -> None:
        """Make the dataset if it is not there, and see that it can be opened. `told` hears that a
        server is waited for; `refused` is as in open_repository. Blocks; for before the screen is
        taken. Raises DatasetError."""
        from storage.opening import open_repository

        open_repository(self.url, create=True, wait=self.wait, refused=refused, told=told).close()

    def identity(self) -> tuple[int, int] | None:
        """What tells the dataset's file from another of its name; None where there is none."""
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def read(self, job: Job[Result]) -> Awaitable[Result]:
        """Run a short job, one after the other."""
        return asyncio.wrap_future(self._reading.submit(job))

    def survey(self, job: Job[Result]) -> Awaitable[Result]:
        """Run a job that may take a second, one after the other, beside those of `read`."""
        return asyncio.wrap_future(self._surveying.submit(job))

    def edit(
        self, job: Job[Result], *, failed: Callable[[], None] | None = None
    ) -> Awaitable[Result]:
        """Run a job that writes, in the order of the calls. It is carried out also where nobody
        awaits it and where the app is closed meanwhile. Where it fails, `failed` is called before
        the next one begins, in any thread."""
        future = self._editing.submit(job)
        if failed is not None:
            future.add_done_callback(lambda done: done.exception() and failed())
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        waiting = asyncio.wrap_future(future)
        # Where nobody awaits it any more, its error has been told or cannot be.
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        return asyncio.shield(waiting)

    @property
    def pending_edits(self) -> int:
        """How many edits are not stored yet."""
        return len(self._pending)

    async def settled(self) -> None:
        """Wait until every edit that was asked for is stored, or was refused."""
        while pending := list(self._pending):
            await asyncio.wait([asyncio.wrap_future(future) for future in pending])

    def drain(self) -> None:
        """As `settled`, for a thread, which it blocks."""
        while pending := list(self._pending):
            wait(pending)

    def work(self, job: Job[Result]) -> Awaitable[Result]:
        """Run a job of any length in a thread of its own."""
        future: Future[Result] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                with self.open() as repo:
                    result = job(repo)
            except BaseException as error:  # carried over to whoever awaits
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=run, name="pixshelf-work", daemon=True).start()
        return asyncio.wrap_future(future)

    def close(self) -> None:
        """Carry out every edit that was asked for, then close every connection. Reads and surveys
        that have not begun are cancelled. Blocks. Safe to call twice."""
        for lane in (self._reading, self._surveying):
            lane.cancel()
        for lane in (self._editing, self._reading, self._surveying):
            lane.close()


def _file_of(url: str) -> Path | None:
    """The dataset's file; None where it is no file."""
    path = url.removeprefix("sqlite:///")
    return None if "://" in path else Path(path).expanduser()


class _Lane:
    """A thread with a repository that is opened with the first job. A job that finds the dataset
    unusable lets the next one open it anew; so does a file that was removed or replaced, since an
    open connection would go on writing to what nobody will find again. A `patient` one begins
    when the app has drawn its first frame."""

    def __init__(self, dataset: Dataset, name: str, *, patient: bool = False) -> None:
        self._dataset = dataset
        self._patient = patient
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=f"pixshelf-{name}")
        self._repo: Repository | None = None
        self._opened: tuple[int, int] | None = None
        self._closed = False
        self._queued: set[Future[Any]] = set()

    def submit(self, job: Job[Result]) -> Future[Result]:
        future = self._threads.submit(self._run, job)
        self._queued.add(future)
        future.add_done_callback(self._queued.discard)
        return future

    def cancel(self) -> None:
        """Give up what has not begun."""
        for future in list(self._queued):
            future.cancel()

    def _run(self, job: Job[Result]) -> Result:
        from storage.errors import DatasetError

        if self._patient:
            first_frame.wait()
        now = self._dataset.identity()
        if self._repo is not None and now != self._opened:
            self._close_repo()
        if self._repo is None:
            self._repo = self._dataset.open()
            self._opened = now
        try:
            return job(self._repo)
        except DatasetError:
            self._close_repo()
            raise

    def close(self) -> None:
        if self._closed:
            self._threads.shutdown(wait=True)
            return
        self._closed = True
        # Behind what is queued yet: the connection is closed by the thread that opened it.
        self._threads.submit(self._close_repo)
        self._threads.shutdown(wait=True)

    def _close_repo(self) -> None:
        if self._repo is not None:
            self._repo.close()
            self._repo = None
