"""What runs in the background: how it begins, and what every status line tells of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary, finalize

from textual.worker import WorkerError

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.worker import Worker

    from tui.app import PixshelfApp

Result = TypeVar("Result")

OWED = "owed"
"""The group of jobs that end in an edit: the app is not left before they are done."""

_GO_ON = frozenset({"training", "edits", "away"})
"""Trainings have processes of their own; edits are asked about by themselves; that the dataset is
away is no job."""

_JOBS: WeakKeyDictionary[PixshelfApp, dict[str, str]] = WeakKeyDictionary()


def begin(
    node: DOMNode, job: Coroutine[Any, Any, None], *, group: str, exclusive: bool = False
) -> Worker[None]:
    """Run a coroutine as a worker of `node`. One that is cancelled before its first step, by
    another of its group or since the app is left, is closed."""
    worker = node.run_worker(job, group=group, exclusive=exclusive)
    finalize(worker, job.close)
    return worker


async def in_thread(job: Callable[[], Result]) -> Result:
    """What a job gives that may take any time and needs no dataset. Its thread holds nobody up who
    leaves the app; one that nobody waits for any more goes on to its end."""
    future: Future[Result] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = job()
        except BaseException as error:  # carried over to whoever awaits
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name="pixshelf-job", daemon=True).start()
    return await asyncio.wrap_future(future)


def ended_by_leaving(app: PixshelfApp) -> list[str]:
    """What runs and would not go on without the app, in the words of the status lines."""
    return [text for job, text in _JOBS.get(app, {}).items() if job not in _GO_ON]


async def carried_out(app: PixshelfApp) -> None:
    """Wait for what has to be found out before an edit that was asked for can be stored."""
    for worker in list(app.workers):
        if worker.group == OWED:
            with suppress(WorkerError):  # it is told of by who began it
                await worker.wait()


def tell_running(app: PixshelfApp, job: str, text: str) -> None:
    """Say in a few words how a job fares; '' says that it is over. For the event loop's thread.
    Nobody else writes `app.running`."""
    jobs = _JOBS.setdefault(app, {})
    if text:
        jobs[job] = text
    else:
        jobs.pop(job, None)
    app.running = " · ".join(jobs.values())
