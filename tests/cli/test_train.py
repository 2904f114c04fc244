"""train: what is shown of a training, in each way of showing it, and what Ctrl-C does.

The training itself is replaced by one that replays events; tests/ml holds the real one.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from ml.events import Done, Epoch, Event, Note, Phase, Started, Step
from ml.pixels import InputSpec
from ml.settings import TrainSettings
from ml.spec import design
from storage.errors import NotReady, PixshelfError
from storage.opening import open_repository
from tests.cli.conftest import Run
from tests.making import add_images, new_image, new_model
from tests.ml_fixtures import store_digits

DONE_KEYS = [
    "run",
    "model",
    "epochs",
    "steps",
    "seconds",
    "train_seconds",
    "val_accuracy",
    "val_loss",
    "seed",
    "weights_sha256",
    "stopped",
]
STARTED = Started(
    run=1,
    name="standard",
    pid=7,
    seed=0,
    preset="standard",
    labels=("0", "1"),
    train=9,
    val=1,
    height=8,
    width=8,
    channels=1,
    batch=4,
    epochs=2,
    steps_per_epoch=3,
    total_steps=6,
    parameters=10,
)
EVENTS: tuple[Event, ...] = (
    Phase("starting"),
    Phase("decoding", 10, 10),
    STARTED,
    Phase("training"),
    Step(1, 3, 6, 0.5, 0.8, 0.01, 900.0, 0.1),
    Epoch(1, 1, 2, 3, 0.2, 0.01, 0.5, 0.8, 0.4, 0.9, True),
    Note("warning", "something to know"),
    Epoch(1, 2, 2, 6, 0.4, 0.0, 0.3, 0.9, 0.35, 0.95, True),
)


def done(*, stopped: bool = False, model: int | None = 3) -> Done:
    return Done(
        run=1,
        model=model,
        epochs=2,
        steps=6,
        seconds=1.5,
        train_seconds=0.4,
        val_accuracy=0.95,
        val_loss=0.35,
        seed=0,
        weights_sha256="ab" * 32,
        stopped=stopped,
    )


class Replay:
    """Stands for ml.training.Training: gives events, some of which are things to do."""

    def __init__(self, script: list[Event | PixshelfError | Callable[[], None]]) -> None:
        self._script = script
        self.asked: list[str] = []
        self.settings = TrainSettings()

    def events(self) -> Iterator[Event]:
        for item in self._script:
            if isinstance(item, PixshelfError):
                raise item
            if callable(item):
                item()
            else:
                yield item
            if "kill" in self.asked:
                raise PixshelfError("the training was ended")

    def request_stop(self) -> None:
        self.asked.append("stop")

    def kill(self) -> None:
        self.asked.append("kill")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs."""


Replayed = Callable[..., Replay]


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replayed:
    """Make the next training replay a script; what was asked of it is in `asked`."""

    def prepare(*script: Any) -> Replay:
        training = Replay(list(script))

        def start(url: str, settings: TrainSettings, **_: Any) -> Replay:
            training.settings = settings
            return training

        monkeypatch.setattr("cli.watching.start_training", start)
        return training

    return prepare


@pytest.fixture
def filled(db: Path) -> Path:
    """A dataset of a hundred labelled digits to train on."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 100, split="train")
    return db


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_plan_and_each_epoch_are_lines_on_stderr(
    filled: Path, run: Run, replay: Replayed
) -> None:
    replay(*EVENTS, done())
    result = run("train")
    assert result.exit_code == 0
    assert "images to train on" in result.stderr
    assert "epoch 1/2  train 0.5000 80.00 %" in result.stderr
    assert "val 0.3500 95.00 %, kept" in result.stderr
    assert "warning: something to know" in result.stderr
    assert result.stdout == ("model 3 (run 1): trained for 2 epochs, val accuracy 95.00 %, 1.5 s\n")


def test_json_is_every_event_and_the_result_last(filled: Path, run: Run, replay: Replayed) -> None:
    replay(*EVENTS, done())
    result = run("train", "--json")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lines) == len(EVENTS) + 1
    assert all(line["v"] == 1 and line["event"] for line in lines[:-1])
    assert list(lines[-1]) == DONE_KEYS
    assert lines[-1]["model"] == 3
    assert result.stderr == ""


def test_quiet_shows_only_the_result(filled: Path, run: Run, replay: Replayed) -> None:
    replay(*EVENTS, done())
    result = run("train", "--quiet")
    assert result.stderr == ""
    assert result.stdout.startswith("model 3 ")


def test_the_first_ctrl_c_asks_for_a_stop_and_keeps_what_there_is(
    filled: Path, run: Run, replay: Replayed
) -> None:
    training = replay(*EVENTS[:6], press_ctrl_c, done(stopped=True))
    result = run("train")
    assert training.asked == ["stop"]
    assert result.exit_code == 130
    assert "stopping after this batch" in result.stderr
    assert "stopped after 2 epochs" in result.stdout


def test_the_second_ctrl_c_ends_it_at_once(filled: Path, run: Run, replay: Replayed) -> None:
    training = replay(*EVENTS[:6], press_ctrl_c, press_ctrl_c, done())
    result = run("train")
    assert training.asked == ["stop", "kill"]
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_ctrl_c_is_again_what_it_was_afterwards(filled: Path, run: Run, replay: Replayed) -> None:
    before = signal.getsignal(signal.SIGINT)
    replay(*EVENTS, done())
    run("train")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_stopped_before_its_first_epoch_has_no_model(
    filled: Path, run: Run, replay: Replayed
) -> None:
    replay(press_ctrl_c, replace(done(stopped=True, model=None), epochs=0))
    result = run("train")
    assert result.exit_code == 130
    assert "there is no model" in result.stdout


def test_a_reader_that_leaves_stops_the_training(
    filled: Path, run: Run, replay: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_reads(text: str = "") -> None:
        raise BrokenPipeError

    monkeypatch.setattr("cli.views.line", nobody_reads)
    training = replay(*EVENTS, done(stopped=True))
    result = run("train", "--json")
    assert training.asked == ["stop"]
    assert result.exit_code == 0
    assert result.stderr == ""


def test_a_training_that_fails_is_one_line(filled: Path, run: Run, replay: Replayed) -> None:
    replay(*EVENTS[:3], NotReady("every image is the same", hint="add others"))
    result = run("train", "--json")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "pixshelf: error: every image is the same\nhint: add others; then go on with: pixshelf "
    )
    assert result.stderr.endswith(" runs resume 1\n")


def test_a_dry_run_prints_the_plan_and_trains_nothing(
    filled: Path, run: Run, replay: Replayed
) -> None:
    replay(PixshelfError("a training was started"))
    result = run("train", "--dry-run", "--epochs", 3)
    assert result.exit_code == 0
    shown = result.stdout.splitlines()
    assert shown[0] == "standard-0: 90 images to train on, 10 to validate"
    assert shown[1] == "label  0  1  2  3  4  5  6  7  8  9"
    assert shown[4] == "input: 8x8 grey, as the pictures are"
    assert shown[6].startswith("training: 3 epochs of 6 steps, batch 16, augmentation light")
    assert shown[7] == (
        "time: about 10 s without a graphics card, most of it for TensorFlow to start, going by "
        "the size of the network"
    )
    assert result.stderr == ""


def test_a_dry_run_as_json_is_the_plan(filled: Path, run: Run, replay: Replayed) -> None:
    replay(PixshelfError("a training was started"))
    result = run("train", "--dry-run", "--json", "--class-weights")
    plan = json.loads(result.stdout)
    assert plan["counts"]["0"] == {"train": 9, "val": 1}
    assert len(plan["class_weights"]) == 10
    assert plan["expected_seconds"] > 0
    assert result.stderr == ""


def test_each_option_says_what_is_trained(filled: Path, run: Run, replay: Replayed) -> None:
    training = replay(*EVENTS, done())
    words = "--preset quick --steps 7 --batch 5 --size 16 --resize crop --augment none --seed 3"
    result = run(
        *("train", *words.split(), "--class-weights", "--ensemble", 2, "--name", "mine"),
        *("--on", "label:1,2", "--threads", 1),
    )
    assert result.exit_code == 0
    assert training.settings == TrainSettings(
        preset="quick",
        steps=7,
        batch=5,
        size=16,
        resize="crop",
        augment="none",
        seed=3,
        class_weights=True,
        ensemble=2,
        name="mine",
        query="label:1,2",
        threads=1,
    )


def test_a_model_to_start_from_is_named_in_the_plan(
    filled: Path, run: Run, replay: Replayed
) -> None:
    with open_repository(filled) as repo:
        spec = design(InputSpec(8, 8, 1), classes=2, width=8).to_json()
        repo.models.add(replace(new_model("1", "2", name="old"), spec=spec))
    training = replay(*EVENTS, done())
    result = run("train", "--from", "old", "--on", "label:1,2", "--minutes", 0.5)
    assert ", started from model 1\n" in result.stderr
    assert "starts from model 1, old\n" in result.stderr
    assert "time: a budget of 0.5 min\n" in result.stderr
    assert training.settings.start_from == "old"


def test_many_labels_are_told_by_their_extremes(db: Path, run: Run) -> None:
    counts = {f"kind {number}": 4 + number for number in range(20)}
    labels = [label for label, count in counts.items() for _ in range(count)]
    with open_repository(db, create=True) as repo:
        images = [new_image(at, label=label, split="train") for at, label in enumerate(labels)]
        add_images(repo, *images)
    shown = run("train", "--dry-run").stdout.splitlines()
    assert shown[1] == "20 labels, from 3 training images (kind 0) to 21 (kind 19)"


def test_labels_of_long_names_stand_below_each_other(db: Path, run: Run) -> None:
    with open_repository(db, create=True) as repo:
        images = [
            new_image(number, label="x" * 40 + "ab"[number % 2], split="train")
            for number in range(40)
        ]
        add_images(repo, *images)
    shown = run("train", "--dry-run").stdout.splitlines()
    assert shown[1].split() == ["label", "train", "val"]
    assert shown[2].split() == ["x" * 40 + "a", "18", "2"]


def test_a_name_that_a_model_has_is_refused(filled: Path, run: Run) -> None:
    with open_repository(filled) as repo:
        repo.models.add(new_model("1", "2", name="mine"))
    result = run("train", "--name", "mine")
    assert result.exit_code == 2
    assert "name: received 'mine', which a model has already" in result.stderr


def test_a_model_to_start_from_that_is_not_there_is_not_found(filled: Path, run: Run) -> None:
    result = run("train", "--from", "nobody")
    assert result.exit_code == 4
    assert result.stderr.startswith("pixshelf: error: there is no model 'nobody'\nhint: ")


@pytest.mark.parametrize(
    "words",
    [
        ("--preset", "quik"),
        ("--epochs", "0"),
        ("--batch", "-1"),
        ("--augment", "lots"),
        ("--resize", "zoom"),
        ("--seed", "-1"),
        ("--threads", "0"),
        ("--steps", "0"),
        ("--minutes", "0"),
        ("--minutes", "nan"),
        ("--ensemble", "0"),
        ("--epochs", "3", "--minutes", "5"),
        ("--on", "is:odd"),
    ],
)
def test_a_setting_that_makes_no_sense_is_a_usage_error(
    filled: Path, run: Run, words: tuple[str, ...]
) -> None:
    result = run("train", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("pixshelf: error: ")


def test_a_dataset_without_images_is_not_ready(run: Run) -> None:
    run("db", "init")
    result = run("train")
    assert result.exit_code == 1
    assert result.stderr.startswith("pixshelf: error: ")
    assert "hint: " in result.stderr
