"""Trainings within the test's own process, which can end them wherever it likes.

A death is an exception that nothing in a training catches, raised where an event is told: what is
in the dataset at that moment is all that is left.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

import ml.fitting
import ml.running
from ml.events import CheckpointSaved, Done, Event, Note, Started
from ml.keeping import Keeper
from ml.running import RunFailed, Running
from ml.settings import TrainSettings
from ml.trainer import Trainer, prepare_tensorflow
from storage.repository import Repository

SETTINGS = TrainSettings(preset="quick", epochs=3, batch=16, seed=2, augment="light")


class Death(BaseException):
    """The process is gone."""


@dataclass
class Rehearsal:
    """Trainings on one dataset. `told` holds the events of all of them."""

    repository: Repository
    told: list[Event] = field(default_factory=list)

    def train(
        self,
        settings: TrainSettings | None = SETTINGS,
        *,
        resume: int | None = None,
        ends: Callable[[Event], bool] = lambda event: False,
        stops: Callable[[Event], bool] = lambda event: False,
    ) -> Done:
        """Train, or resume a run. Dies at the first event that `ends`, and is asked to stop at the
        first that `stops`. Raises what the run failed with."""
        stopping: list[bool] = []

        def tell(event: Event) -> None:
            self.told.append(event)
            if ends(event):
                raise Death
            if stops(event):
                stopping.append(True)

        running = Running(self.repository, tell, lambda: bool(stopping), time.monotonic())
        try:
            if resume is not None:
                return running.resume(resume)
            assert settings is not None
            return running.train(settings)
        except RunFailed as error:
            raise error.__cause__ or error from None

    def die_often(self, settings: TrainSettings, *, after: int) -> tuple[Done, int]:
        """Train, dying with every so many checkpoints, and resume until it is done; with the
        number of deaths."""
        run: int | None = None
        for deaths in itertools.count():
            try:
                return self.train(settings, resume=run, ends=_nth_checkpoint(after)), deaths
            except Death:
                run = self.run
        raise AssertionError

    @property
    def run(self) -> int:
        """The id of the run that was told of last."""
        return [event.run for event in self.told if isinstance(event, Started)][-1]

    @property
    def notes(self) -> list[str]:
        """What was noted."""
        return [event.text for event in self.told if isinstance(event, Note)]

    def figures(self) -> list[tuple[Any, ...]]:
        """Of the run's epochs all but the time that they took."""
        return [
            (
                *(each.epoch, each.step, each.learning_rate),
                *(each.train_loss, each.train_accuracy, each.val_loss, each.val_accuracy),
            )
            for each in self.repository.runs.get(self.run).epochs
        ]


def _always(keeper: Keeper) -> bool:
    keeper.join()
    return True


def _nth_checkpoint(number: int) -> Callable[[Event], bool]:
    left = itertools.count(1)
    return lambda event: isinstance(event, CheckpointSaved) and next(left) == number


@contextmanager
def rehearsing() -> Iterator[pytest.MonkeyPatch]:
    """Trainings may run in this process: TensorFlow is imported whole and keeps its threads, a
    checkpoint is due at every step, and validation goes by a few pictures at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ml.running, "import_tensorflow", lambda: __import__("tensorflow"))
        patch.setattr(ml.running, "prepare_tensorflow", lambda threads: prepare_tensorflow(None))
        patch.setattr(Keeper, "due", _always)
        patch.setattr(ml.fitting, "EVAL_PIXELS", 64)
        yield patch


def trip(patch: pytest.MonkeyPatch, error: Exception, when: Callable[[Trainer], bool]) -> None:
    """From now on a step after which `when` holds raises `error`."""
    run_epoch = Trainer.run_epoch

    def run(self: Trainer, images: Any, targets: Any, epoch: int, on_step: Any) -> Any:
        def step(progress: Any) -> bool:
            if when(self):
                raise error
            return bool(on_step(progress))

        return run_epoch(self, images, targets, epoch, step)

    patch.setattr(Trainer, "run_epoch", run)
