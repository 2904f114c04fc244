"""Trainings under SIGKILL, beside other writers, and on a full disk."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ml.keeping
from ml.events import CheckpointSaved, Done, Epoch, Event, Note, Phase
from ml.keeping import Keeper, read_kept, with_place
from ml.settings import TrainSettings
from ml.training import Training, resume_training, start_training
from ml.weights import to_bytes
from storage.errors import PixshelfError, StorageFull
from storage.opening import open_repository
from storage.records import Checkpoint
from storage.repository import Repository
from storage.sqlite.runs import SqliteRuns
from tests.making import checkpoint, new_run
from tests.ml_fixtures import store_digits

SETTINGS = TrainSettings(preset="quick", epochs=3, batch=16, seed=6, threads=1)

OFTEN = """
import sys
if "ml.worker" in sys.orig_argv:
    import ml.keeping
    ml.keeping.SAVE_EVERY = 0.01
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
        keeper.save(lambda: (checkpoint(2), None), patience=0.05)
        assert not keeper.join()
        assert repository.runs.checkpoint(run, "last") == checkpoint(1)
        writer.execute("ROLLBACK")
        writer.close()
        keeper.save(lambda: (checkpoint(2), None), patience=0.05)
        assert keeper.join()
    assert repository.runs.checkpoint(run, "last") == checkpoint(2)
    assert told == [CheckpointSaved(run, "last", 2, 20)]


def test_the_training_goes_on_while_a_checkpoint_is_written(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ml.keeping, "SAVE_EVERY", 0.0)
    run = kept_run(repository)
    done: list[int] = []
    go_on = threading.Event()

    def slowly() -> tuple[Checkpoint, None]:
        go_on.wait(30)
        return checkpoint(2), None

    with Keeper(repository, run, lambda event: None) as keeper:
        assert keeper.due()
        keeper.save(slowly, lambda: done.append(2))
        assert not keeper.due()
        assert repository.runs.checkpoint(run, "last") == checkpoint(1)
        go_on.set()
        assert keeper.join()
        assert keeper.due()
    assert done == [2]
    assert repository.runs.checkpoint(run, "last") == checkpoint(2)


def test_a_checkpoint_that_fails_unforeseen_fails_the_training(repository: Repository) -> None:
    def broken() -> tuple[Checkpoint, None]:
        raise ValueError("unforeseen")

    run = kept_run(repository)
    with Keeper(repository, run, lambda event: None) as keeper:
        keeper.save(broken)
        with pytest.raises(ValueError, match="unforeseen"):
            keeper.join()
    with (
        pytest.raises(ValueError, match="unforeseen"),
        Keeper(repository, run, lambda event: None) as keeper,
    ):
        keeper.save(broken)


def test_the_time_trained_before_a_kill_counts(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    state = Checkpoint(1, 7, to_bytes({}), to_bytes({}))
    with Keeper(repository, run, lambda event: None) as keeper:
        keeper.save(lambda: (with_place(state, 12.5), None))
    assert read_kept(repository, run, 3).seconds == 12.5


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
            for _ in range(2):
                keeper.save(lambda: (checkpoint(2), None))
                assert not keeper.join()
        assert [type(event) for event in told] == [Note]
        keeper.save(lambda: (checkpoint(4), None))
        assert keeper.join()
    assert repository.runs.checkpoint(run, "last") == checkpoint(4)


def test_a_run_that_is_stopped_waits_longer_for_its_last_checkpoint(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ml.keeping, "QUICK", 0.05)
    run = kept_run(repository)
    told: list[Event] = []
    writer = sqlite3.connect(repository.url, isolation_level=None, check_same_thread=False)
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
        keeper.save(lambda: (checkpoint(5), None), patience=30.0)
        assert keeper.join()
    writer.close()
    assert len(tries) == 3
