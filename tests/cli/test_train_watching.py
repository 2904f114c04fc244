"""Watching a training: Ctrl-C, failures, letting go of it, going on with it, and its state.

The training itself is replaced by one that replays events; tests/cli/test_train_processes.py has
real ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from cli import views, watching
from ml.events import Event, Phase, Step
from storage.errors import PixshelfError, StorageFull
from storage.opening import open_repository
from storage.records import RunStatus
from tests.cli.conftest import Run
from tests.cli.test_json_document import EXAMPLES
from tests.cli.test_train import EVENTS, STARTED, Replay, done, press_ctrl_c
from tests.making import checkpoint, epoch, new_run
from tests.ml_fixtures import store_digits

Replayed = Callable[..., "Left"]
STEP = Step(1, 3, 6, 0.5, 0.8, 0.01, 900.0, 0.1)


class Left(Replay):
    """A replayed training that can also be left alone."""

    log = Path("train.log")

    def detach(self) -> None:
        self.asked.append("detach")


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replayed:
    """Make the next training, begun or resumed, replay a script."""

    def prepare(*script: Any) -> Left:
        training = Left(list(script))

        def begin(url: str, *_: Any, **__: Any) -> Left:
            return training

        monkeypatch.setattr("cli.watching.start_training", begin)
        monkeypatch.setattr("cli.commands.train.start_training", begin)
        monkeypatch.setattr("cli.watching.resume_training", begin)
        monkeypatch.setattr("ml.training.resume_training", begin)
        return training

    return prepare


@pytest.fixture
def filled(db: Path) -> Path:
    """A dataset of a hundred labelled digits, with one run that was stopped after an epoch."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 100, split="train")
        run_id = repo.runs.create(new_run())
        repo.runs.record_epoch(run_id, epoch(1), last=checkpoint(1))
        repo.runs.finish(run_id, "stopped")
    return db


# Ctrl-C and failures.


def test_after_ctrl_c_it_is_said_how_to_go_on(filled: Path, run: Run, replay: Replayed) -> None:
    replay(*EVENTS[:6], press_ctrl_c, done(stopped=True))
    result = run("train")
    assert result.exit_code == 130
    assert f"go on with: pixshelf --db {filled} runs resume 1\n" in result.stderr


def test_after_the_second_ctrl_c_it_is_said_too(filled: Path, run: Run, replay: Replayed) -> None:
    training = replay(*EVENTS[:6], press_ctrl_c, press_ctrl_c, done())
    result = run("train")
    assert training.asked == ["stop", "kill"]
    assert result.exit_code == 130
    assert "runs resume 1" in result.stderr


def test_nothing_is_to_be_gone_on_with_where_no_run_was_stored(
    filled: Path, run: Run, replay: Replayed
) -> None:
    replay(Phase("starting"), press_ctrl_c, press_ctrl_c, done())
    result = run("train")
    assert result.exit_code == 130
    assert "resume" not in result.stderr


def test_a_ctrl_c_that_came_too_late_has_nothing_to_go_on_with(
    filled: Path, run: Run, replay: Replayed
) -> None:
    replay(*EVENTS, press_ctrl_c, done())
    result = run("train")
    assert result.exit_code == 130
    assert "resume" not in result.stderr


def test_quiet_keeps_ctrl_c_quiet(filled: Path, run: Run, replay: Replayed) -> None:
    replay(*EVENTS[:6], press_ctrl_c, done(stopped=True))
    assert run("train", "--quiet").stderr == ""


@pytest.mark.parametrize("hint", [None, "make room"])
def test_a_failure_of_a_stored_run_says_how_to_go_on(
    filled: Path, run: Run, replay: Replayed, hint: str | None
) -> None:
    replay(STARTED, StorageFull("the disk is full", hint=hint))
    result = run("train", "--quiet")
    assert result.exit_code == 1
    first = f"hint: {hint}; then go on" if hint else "hint: go on"
    assert f"{first} with: pixshelf --db {filled} runs resume 1\n" in result.stderr


def test_a_failure_before_the_run_was_stored_has_only_its_own_hint(
    filled: Path, run: Run, replay: Replayed
) -> None:
    replay(Phase("starting"), PixshelfError("no", hint="own"))
    assert "hint: own\n" in run("train", "--quiet").stderr


def test_a_terminal_that_is_gone_ends_the_watching_and_not_the_training(
    filled: Path, run: Run, replay: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(views.View):
        def show(self, event: Event) -> None:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(watching, "view_for", lambda **_: Gone())
    training = replay(STARTED, done())
    assert run("train").exit_code == 1
    assert training.asked == ["detach"]


# Letting it go on by itself, going on with it, and watching it from elsewhere.


def test_a_detached_training_is_left_once_its_run_is_stored(
    filled: Path, run: Run, replay: Replayed
) -> None:
    training = replay(Phase("starting"), STARTED, PixshelfError("was watched on"))
    result = run("train", "--detach", "--quiet")
    assert result.exit_code == 0
    assert training.asked == ["detach"]
    assert result.stdout == (
        f"run 1, standard, goes on by itself\nwatch it with: pixshelf --db {filled} runs attach 1\n"
    )


def test_a_detached_training_as_json_is_its_run_and_its_log(
    filled: Path, run: Run, replay: Replayed
) -> None:
    replay(STARTED)
    result = run("train", "--detach", "--json")
    printed = json.loads(result.stdout)
    assert printed == {"run": 1, "name": "standard", "log": "train.log"}
    assert list(printed) == list(EXAMPLES["train.detach"])


def test_a_detached_training_that_cannot_begin_says_why(
    filled: Path, run: Run, replay: Replayed
) -> None:
    training = replay(Phase("starting"), PixshelfError("no label"))
    result = run("train", "--detach")
    assert result.exit_code == 1
    assert "no label" in result.stderr
    assert training.asked == []


def test_a_resumed_run_is_shown_as_a_training_is(filled: Path, run: Run, replay: Replayed) -> None:
    replay(*EVENTS, done())
    result = run("runs", "resume", 1)
    assert result.exit_code == 0
    assert "epoch 2/2  train 0.3000" in result.stderr
    assert result.stdout.startswith("model 3 (run 1): trained for 2 epochs")


def test_a_resumed_run_can_be_left_alone(filled: Path, run: Run, replay: Replayed) -> None:
    training = replay(STARTED)
    assert "runs attach 1" in run("runs", "resume", 1, "--detach").stdout
    assert training.asked == ["detach"]


@pytest.fixture
def held(filled: Path) -> Iterator[None]:
    """Run 1 runs, and a process works on it."""
    with open_repository(filled) as repo:
        repo.runs.reopen(1, 4_321)
        with repo.runs.hold(1):
            yield


def follow(monkeypatch: pytest.MonkeyPatch, *script: Any) -> None:
    monkeypatch.setattr("cli.watching.follow_run", lambda url, run: Replay(list(script)).events())


@pytest.mark.usefixtures("held")
def test_attach_shows_a_run_of_another_process_to_its_end(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(monkeypatch, *EVENTS, done())
    result = run("runs", "attach", 1)
    assert result.exit_code == 0
    assert "epoch 2/2  train 0.3000" in result.stderr
    assert result.stdout.startswith("model 3 (run 1): trained for 2 epochs")


@pytest.mark.usefixtures("held")
def test_attach_as_json_is_what_train_prints(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    follow(monkeypatch, *EVENTS, done())
    lines = [json.loads(line) for line in run("runs", "attach", 1, "--json").stdout.splitlines()]
    assert len(lines) == len(EVENTS) + 1
    assert lines[-1]["model"] == 3


@pytest.mark.usefixtures("held")
def test_ctrl_c_ends_the_attachment_and_not_the_run(
    filled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(monkeypatch, *EVENTS[:5], press_ctrl_c, done())
    result = run("runs", "attach", 1)
    assert result.exit_code == 130
    assert result.stderr.endswith(
        f"run 1 goes on; stop it with: pixshelf --db {filled} runs stop 1\n"
    )
    assert result.stdout == ""


@pytest.mark.usefixtures("held")
def test_a_run_that_fails_while_it_is_watched_says_how_to_go_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(monkeypatch, STARTED, PixshelfError("its process died"))
    result = run("runs", "attach", 1)
    assert result.exit_code == 1
    assert "its process died" in result.stderr
    assert "runs resume 1" in result.stderr


def test_a_run_that_has_ended_cannot_be_attached_to(filled: Path, run: Run) -> None:
    result = run("runs", "attach", 1)
    assert result.exit_code == 1
    assert "run 1 does not run: it is stopped" in result.stderr
    assert "runs resume 1" in result.stderr


@pytest.mark.usefixtures("held")
def test_a_run_that_is_watched_until_another_stops_it_says_how_to_go_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(monkeypatch, *EVENTS, done(stopped=True))
    result = run("runs", "attach", 1)
    assert result.exit_code == 0
    assert "runs resume 1" in result.stderr


def test_stop_asks_the_run_and_says_how_to_go_on(
    filled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("ml.training.stop_run", lambda url, number: asked.append(number))
    result = run("runs", "stop", 1)
    assert "run 1 is stopped" in result.stdout
    assert "runs resume 1" in result.stderr
    printed = json.loads(run("runs", "stop", 1, "--json").stdout)
    assert printed.keys() == EXAMPLES["runs.stop"].keys()
    assert (printed["run"], printed["status"]) == (1, "stopped")
    assert asked == [1, 1]


def test_the_wait_that_was_given_reaches_the_child(
    filled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []

    def begin(*_: Any, wait: float | None = None, **__: Any) -> Left:
        waits.append(wait)
        return Left([STARTED, done()])

    for name in ("cli.watching.start_training", "cli.watching.resume_training"):
        monkeypatch.setattr(name, begin)
    for words in (("train",), ("runs", "resume", 1)):
        run("--wait", "7", *words)
        run(*words)
    assert waits == [7, None, 7, None]


# The states of runs, and their removal.


@pytest.mark.parametrize(
    ("status", "held_now", "expected"),
    [
        ("running", True, "running"),
        ("running", False, "interrupted"),
        ("done", False, "done"),
        ("stopped", False, "stopped"),
        ("failed", False, "failed"),
    ],
)
def test_a_run_that_runs_without_a_process_was_interrupted(
    filled: Path, run: Run, status: RunStatus, held_now: bool, expected: str
) -> None:
    with open_repository(filled) as repo:
        repo.runs.reopen(1, 4_321)
        if status != "running":
            repo.runs.finish(1, status)
        with repo.runs.hold(1) if held_now else nullcontext():
            assert json.loads(run("runs", "ls", "--jsonl").stdout)["status"] == expected
            shown = run("runs", "show", 1)
    assert shown.stdout.splitlines()[0].endswith(f": {expected}")
    hints = {"running": "runs attach 1", "done": ""}
    assert hints.get(expected, "runs resume 1") in shown.stderr
    assert bool(shown.stderr) == (expected != "done")


def test_a_run_is_removed_after_a_yes_and_its_images_stay(filled: Path, run: Run) -> None:
    assert "would be removed" in run("runs", "rm", 1, "--dry-run").stdout
    assert run("runs", "rm", 1).exit_code == 2
    assert run("runs", "rm", 1, "--yes").stdout == "run 1, run removed\n"
    assert run("runs", "ls", "--jsonl").stdout == ""
    assert run("runs", "rm", 1, "--yes").exit_code == 4


@pytest.mark.usefixtures("held")
def test_a_run_that_runs_is_not_removed(run: Run) -> None:
    result = run("runs", "rm", 1, "--yes")
    assert result.exit_code == 3
    assert "another process is working on run 1" in result.stderr
