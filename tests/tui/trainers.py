"""Fake trainers for tests of the app, in place of the real worker; none outlives its test."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from storage.opening import open_repository
from tests.tui.driving import until
from tui.app import PixshelfApp

FAKE = Path(__file__).with_name("fake_trainer.py")

Use = Callable[[str], None]


@contextmanager
def fake_trainers(patch: pytest.MonkeyPatch, db: Path) -> Iterator[Use]:
    """Until the end of the block, trainings on the dataset are played in the mode given last."""

    def use(mode: str) -> None:
        patch.setattr("ml.training.WORKER", (sys.executable, str(FAKE), mode, "ml.worker"))

    use("quick")
    yield use
    with open_repository(db) as repo:
        for record in repo.runs.all():
            if record.pid is not None and repo.runs.is_held(record.id):
                os.kill(record.pid, signal.SIGKILL)


async def ended(pilot: Pilot[None], app: PixshelfApp) -> None:
    """Wait until the watched training has ended, and what came out of it is known."""

    def has_ended() -> bool:
        current = app.trainings.current
        if current is None or current.watching:
            return False
        return current.done is None or current.done.model is None or current.result is not None

    await until(pilot, has_ended)
