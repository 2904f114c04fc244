"""What runs in the background, told in every status line: several jobs, a few words for each."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from tui.app import PixshelfApp

_JOBS: WeakKeyDictionary[PixshelfApp, dict[str, str]] = WeakKeyDictionary()


def tell_running(app: PixshelfApp, job: str, text: str) -> None:
    """Say in a few words how a job fares; '' says that it is over. For the event loop's thread."""
    jobs = _JOBS.setdefault(app, {})
    if text:
        jobs[job] = text
    else:
        jobs.pop(job, None)
    app.running = " · ".join(jobs.values())
