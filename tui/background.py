"""What runs in the background: how it begins, and what every status line tells of it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.worker import Worker

    from tui.app import PixshelfApp

_JOBS: WeakKeyDictionary[PixshelfApp, dict[str, str]] = WeakKeyDictionary()


def begin(
    node: DOMNode, job: Coroutine[Any, Any, None], *, group: str, exclusive: bool = False
) -> Worker[None]:
    """Run a coroutine as a worker of `node`. One that is cancelled before its first step, by
    another of its group or since the app is left, is closed."""
    worker = node.run_worker(job, group=group, exclusive=exclusive)
    finalize(worker, job.close)
    return worker


def tell_running(app: PixshelfApp, job: str, text: str) -> None:
    """Say in a few words how a job fares; '' says that it is over. For the event loop's thread."""
    jobs = _JOBS.setdefault(app, {})
    if text:
        jobs[job] = text
    else:
        jobs.pop(job, None)
    app.running = " · ".join(jobs.values())
