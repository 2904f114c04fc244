"""Trainings under SIGKILL, beside other writers, and on a full disk."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import ml.keeping
from ml.events import CheckpointSaved, Done, Epoch, Event, Note, Phase
from ml.keeping import Keeper
from ml.settings import TrainSettings
from ml.training import Training, resume_training, start_training
from storage.errors import PixshelfError, StorageFull
from storage.opening import open_repository
from storage.repository import Repository
from storage.sqlite.runs import SqliteRuns
from tests.making import checkpoint, new_run
from tests.ml_fixtures import store_digits

SETTINGS = TrainSettings(preset="quick", epochs=3, batch=16, seed=6, threads=1)

OFTEN = """
import sys
if "ml.worker" in sys.orig_argv:
    import ml.keeping
    ml.keeping.SAVE_EVERY = ml.keeping.LONGEST = 0.01
"""
"""For the child: checkpoints come so often that there are some within each short epoch."""


@pytest.fixture
def often(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "sitecustomize.py").write_text(OFTEN)
    with pytest.MonkeyPatch.context() as patch:
        before = os.environ.get("PYTHONPATH", "")
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), before])))
        yield


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "digits.db", create=True) as opened:
        yield opened


def within(epoch: int) -> Callable[[Event], bool]:
    """A checkpoint from within an epoch, not from its end."""
    steps = 34  # of 540 pictures in batches of 16

    def is_it(event: Event) -> bool:
        if not isinstance(event, CheckpointSaved):
            return False
        return event.epoch == epoch and event.step % steps != 0

    return is_it


def kill_at(training: Training, moment: Callable[[Event], bool]) -> None:
    for event in training.events():
        if moment(event):
            os.kill(training.pid, 9)


KILLS: tuple[Callable[[Event], bool], ...] = (
    within(1),
    lambda event: isinstance(event, Epoch) and event.epoch == 2,
    within(3),
    lambda event: isinstance(event, Phase) and event.name == "converting",
)


@pytest.mark.slow
def test_a_training_killed_in_each_of_its_phases_ends_with_the_same_weights(
    often: None, repository: Repository, tmp_path: Path
) -> None:
    store_digits(repository, 600, split="train")
    log = tmp_path / "log.txt"
    with start_training(repository.url, SETTINGS, log=log) as training:
        *_, done = training.events()
    assert isinstance(done, Done)
    for number, moment in enumerate(KILLS):
        training = (
            resume_training(repository.url, 2, log=log)
            if number
            else start_training(repository.url, SETTINGS, log=log)
        )
        with training, pytest.raises(PixshelfError, match="SIGKILL"):
            kill_at(training, moment)
        assert not repository.runs.is_held(2)
    with resume_training(repository.url, 2, log=log) as training:
        *_, again = training.events()
    assert isinstance(again, Done)
    assert again.weights_sha256 == done.weights_sha256
    assert [problem.what for problem in repository.check()] == []


def kept_run(repository: Repository) -> int:
    run = repository.runs.create(new_run())
    repository.runs.save_checkpoint(run, checkpoint(1))
    return run


def test_a_checkpoint_does_not_wait_long_for_another_writer(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ml.keeping, "QUICK", 0.05)
    run = kept_run(repository)
    told: list[Event] = []
    with Keeper(repository, run, told.append) as keeper:
        writer = sqlite3.connect(repository.url, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        assert not keeper.save(checkpoint(2), patience=0.05)
        assert repository.runs.checkpoint(run, "last") == checkpoint(1)
        writer.execute("ROLLBACK")
        writer.close()
        assert keeper.save(checkpoint(2), patience=0.05)
    assert repository.runs.checkpoint(run, "last") == checkpoint(2)
    assert told == [CheckpointSaved(run, "last", 2, 20)]


def test_a_full_disk_is_told_once_and_does_not_end_the_training(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object, **named: object) -> None:
        raise StorageFull("the disk took no more")

    run = kept_run(repository)
    told: list[Event] = []
    with Keeper(repository, run, told.append) as keeper:
        with monkeypatch.context() as patch:
            patch.setattr(SqliteRuns, "save_checkpoint", full)
            assert not keeper.save(checkpoint(2))
            assert not keeper.save(checkpoint(3))
        assert [type(event) for event in told] == [Note]
        assert keeper.save(checkpoint(4))
    assert repository.runs.checkpoint(run, "last") == checkpoint(4)


def test_a_run_that_is_stopped_waits_longer_for_its_last_checkpoint(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ml.keeping, "QUICK", 0.05)
    run = kept_run(repository)
    told: list[Event] = []
    writer = sqlite3.connect(repository.url, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    tries: list[int] = []
    save = SqliteRuns.save_checkpoint

    def counted(self: SqliteRuns, *given: object, **named: object) -> None:
        tries.append(1)
        if len(tries) == 3:
            writer.execute("ROLLBACK")
        save(self, *given, **named)  # type: ignore[arg-type]  # whatever it was given

    monkeypatch.setattr(SqliteRuns, "save_checkpoint", counted)
    with Keeper(repository, run, told.append) as keeper:
        assert keeper.save(replace(checkpoint(5), step=51), patience=30.0)
    writer.close()
    assert len(tries) == 3
