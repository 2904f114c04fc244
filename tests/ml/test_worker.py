"""Whole trainings in real child processes, on a few digits, and what can be made of the models."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ml.child import environment
from ml.convert import run_litert
from ml.events import CheckpointSaved, Done, Epoch, Event, Phase, Started, Step
from ml.settings import TrainSettings
from ml.spec import ArchitectureSpec
from ml.training import start_training
from storage.errors import NotReady, PixshelfError
from storage.opening import open_repository
from storage.repository import Repository
from tests.ml_fixtures import digits, store_digits

SETTINGS = TrainSettings(preset="quick", epochs=8, batch=32, name="few", seed=4)


@dataclass(frozen=True)
class Trained:
    """A training that ran to its end: its dataset, its log, all it told, and the last of that."""

    repository: Repository
    log: Path
    events: list[Event]
    done: Done


def dataset(folder: Path) -> Repository:
    repository = open_repository(folder / "digits.db", create=True)
    store_digits(repository, 600, split="train")
    return repository


def answers(trained: Trained) -> np.ndarray:
    images = digits()[0][:100, :, :, None]
    assert trained.done.model is not None
    return run_litert(trained.repository.models.litert(trained.done.model), images, 1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("trained")
    log = folder / "log.txt"
    with dataset(folder) as repository:
        with start_training(repository.url, SETTINGS, log=log) as training:
            events = list(training.events())
        assert isinstance(events[-1], Done)
        yield Trained(repository, log, events, events[-1])


def test_a_training_tells_its_story_in_order(trained: Trained) -> None:
    kinds = [type(event) for event in trained.events]
    assert kinds.count(Epoch) == 8
    assert kinds.count(Started) == kinds.count(Done) == 1
    assert kinds.index(Started) < kinds.index(Step) < kinds.index(CheckpointSaved)
    names = [event.name for event in trained.events if isinstance(event, Phase)]
    assert list(dict.fromkeys(names)) == [
        "starting",
        "decoding",
        "training",
        "calibrating",
        "converting",
        "saving",
    ]


def test_the_run_is_stored_with_all_its_epochs(trained: Trained) -> None:
    run = trained.repository.runs.get(trained.done.run)
    assert (run.status, run.name, run.seed, run.model) == ("done", "few", 4, trained.done.model)
    assert [epoch.epoch for epoch in run.epochs] == list(range(1, 9))
    assert run.epochs[-1].step == trained.done.steps == run.total_steps
    assert set(run.versions) >= {"tensorflow", "keras", "numpy", "python"}


def test_the_model_is_stored_as_data_that_is_named_by_its_hash(trained: Trained) -> None:
    assert trained.done.model is not None
    model = trained.repository.models.get(trained.done.model)
    weights = trained.repository.models.weights(model.id)
    assert hashlib.sha256(weights).hexdigest() == trained.done.weights_sha256
    assert ArchitectureSpec.from_json(model.spec).input.shape == (8, 8, 1)
    assert model.labels == tuple("0123456789")
    assert model.val_accuracy == trained.done.val_accuracy


def test_the_model_knows_digits_that_it_has_not_seen(trained: Trained) -> None:
    right = answers(trained).argmax(axis=1) == digits()[1][:100]
    assert right.mean() > 0.85


def test_training_time_is_a_part_of_the_whole(trained: Trained) -> None:
    assert 0 < trained.done.train_seconds < trained.done.seconds


def test_the_same_seed_gives_the_same_weights_though_nobody_watches(
    trained: Trained, tmp_path: Path
) -> None:
    with dataset(tmp_path) as repository:
        training = start_training(repository.url, SETTINGS, log=tmp_path / "log.txt")
        next(iter(training.events()))
        training.detach()
        assert training._child.wait(300) == 0
        (model,) = repository.models.all()
        assert model.weights_sha256.hex() == trained.done.weights_sha256
        assert repository.runs.get(1).status == "done"


@pytest.mark.parametrize("how", ["request", "sigterm"])
def test_a_stop_keeps_the_finished_epochs_and_their_model(how: str, tmp_path: Path) -> None:
    settings = TrainSettings(preset="quick", epochs=5_000, batch=32)
    with dataset(tmp_path) as repository:
        with start_training(repository.url, settings, log=tmp_path / "log.txt") as training:
            done = None
            for event in training.events():
                if isinstance(event, Epoch) and how == "request":
                    training.request_stop()
                elif isinstance(event, Epoch):
                    # Ctrl-C is for the parent to decide about, so it must do nothing here.
                    os.kill(training.pid, signal.SIGINT)
                    os.kill(training.pid, signal.SIGTERM)
                done = event
        assert isinstance(done, Done)
        assert done.stopped
        assert 1 <= done.epochs < 5_000
        assert done.model is not None
        run = repository.runs.get(done.run)
        assert (run.status, len(run.epochs)) == ("stopped", done.epochs)


def test_a_stop_before_the_first_epoch_leaves_no_model(tmp_path: Path) -> None:
    with dataset(tmp_path) as repository:
        with start_training(repository.url, SETTINGS, log=tmp_path / "log.txt") as training:
            training.request_stop()
            events = list(training.events())
        done = events[-1]
        assert isinstance(done, Done)
        assert (done.stopped, done.epochs, done.model) == (True, 0, None)
        assert repository.runs.get(done.run).status == "stopped"


def test_a_dataset_that_cannot_be_trained_on_fails_before_a_run_is_stored(tmp_path: Path) -> None:
    with open_repository(tmp_path / "empty.db", create=True) as repository:
        with (
            start_training(repository.url, SETTINGS, log=tmp_path / "log.txt") as training,
            pytest.raises(NotReady, match="no image"),
        ):
            list(training.events())
        assert repository.runs.all() == []


def test_what_nobody_foresaw_fails_the_run_and_is_told(tmp_path: Path) -> None:
    with dataset(tmp_path) as repository:
        sabotage = tmp_path / "sitecustomize.py"
        sabotage.write_text("import ml.trainer\ndel ml.trainer.Trainer.run_epoch\n")
        before = os.environ.get("PYTHONPATH", "")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), before])))
            with (
                start_training(repository.url, SETTINGS, log=tmp_path / "log.txt") as training,
                pytest.raises(PixshelfError, match="run_epoch"),
            ):
                list(training.events())
        run = repository.runs.get(1)
        assert run.status == "failed"
        assert "run_epoch" in str(run.error)


def test_a_request_that_cannot_be_read_is_an_error_event() -> None:
    reading, writing = os.pipe()
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", "ml.worker", str(writing)],
            input=b"nonsense\n",
            pass_fds=[writing],
            env=environment(),
            check=False,
        )
        os.close(writing)
        told = json.loads(os.read(reading, 65_536))
    finally:
        os.close(reading)
    assert child.returncode == 1
    assert (told["event"], told["kind"]) == ("error", "UsageError")
