"""Watching a training: the live view, plain lines, JSON lines, Ctrl-C, and letting go of it.

The training itself is replaced by one that replays events; tests/cli/test_train_processes.py has
real ones.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from cli import live, views, watching
from cli.live import LiveView, screen
from ml.events import Event, Note, Phase, Step
from ml.figures import Figures
from storage.errors import PixshelfError, StorageFull
from storage.opening import open_repository
from storage.records import EpochMetrics
from tests.cli.conftest import Run
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


def figures(*events: Event) -> Figures:
    made = Figures()
    for event in events:
        made.take(event)
    return made


def drawn(*events: Event, width: int = 79, height: int = 23) -> list[str]:
    return [line.plain for line in screen(figures(*events), width=width, height=height, elapsed=3)]


def terminal(width: int = 80, height: int = 24, **options: Any) -> tuple[Console, io.StringIO]:
    shown = io.StringIO()
    console = Console(
        file=shown, force_terminal=True, width=width, height=height, highlight=False, **options
    )
    return console, shown


# The live view.


def test_a_phase_says_what_it_does_how_far_it_is_and_how_long_it_lasts() -> None:
    assert drawn(Phase("decoding", 1_000, 9_000)) == ["decoding pictures  1,000/9,000  3.0 s"]


def test_the_first_line_has_step_speed_and_time_left() -> None:
    line = drawn(STARTED, STEP)[0]
    assert line.startswith(
        "epoch 1/2  ━━━━━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄  step 3/6  900 images/s  1.0 s left"
    )


def test_the_second_line_has_loss_and_accuracy_of_both_splits() -> None:
    line = drawn(*EVENTS[:-2])[1]
    assert line == "train loss 0.5000  accuracy 80.00 %    val loss 0.4000  accuracy 90.00 %"


def test_below_are_curves_with_their_scale_and_a_legend() -> None:
    lines = drawn(*EVENTS)
    assert lines[2].split("loss")[1].startswith("  ⣀ train  o val")
    assert "accuracy  ⣀ train  o val" in lines[2]
    assert lines[3].startswith("   0.5 ")
    assert "95.0%" in lines[3]
    assert lines[-1].startswith("   0.3 ")
    assert sum(line.count("o") for line in lines[3:]) == 4
    assert len(lines) == 3 + live.CHART_HEIGHT


@pytest.mark.parametrize("width", [8, 20, 40, 60, 79, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert all(len(line) <= width for line in drawn(*EVENTS, width=width))


def test_a_low_terminal_has_no_curves() -> None:
    assert len(drawn(*EVENTS, height=10)) == 2


def test_a_narrow_terminal_has_one_curve() -> None:
    assert "loss" not in drawn(*EVENTS, width=50)[2]


def test_finished_epochs_and_notes_stay_on_the_screen() -> None:
    console, shown = terminal(color_system=None)
    with LiveView(console) as view:
        for event in (*EVENTS, Phase("saving"), done()):
            view.show(event)
    left = shown.getvalue()
    assert "epoch 2/2  loss 0.3000" in left
    assert left.count("warning: something to know\n") >= 1


def test_the_view_takes_its_lines_away_at_the_end() -> None:
    console, shown = terminal(color_system=None)
    with LiveView(console) as view:
        view.show(STARTED)
        view.show(STEP)
    assert shown.getvalue().endswith("\x1b[2K")


def test_older_notes_are_printed_above_to_make_room() -> None:
    console, shown = terminal(color_system=None)
    with LiveView(console) as view:
        for number in range(live.NOTES + 1):
            view.show(Note("info", f"note {number}"))
        above = shown.getvalue()
        assert "info: note 0\n" in above
        assert "info: note 1\n" not in above


def test_a_redraw_shows_that_a_stop_was_asked_for() -> None:
    console, shown = terminal(color_system=None)
    with LiveView(console) as view:
        view.say_stopping("stopping soon")
        view._live.refresh()
        assert "stopping soon" in shown.getvalue()


def test_a_thousand_events_a_second_are_not_a_thousand_redraws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawings: list[int] = []
    console, _ = terminal()
    plain = live.screen

    def counting(*words: Any, **more: Any) -> list[Text]:
        drawings.append(1)
        return plain(*words, **more)

    monkeypatch.setattr(live, "screen", counting)
    with LiveView(console) as view:
        view.show(STARTED)
        began = time.monotonic()
        for number in range(1_000):
            view.show(Step(1, number, 1_000, 0.5, 0.8, 0.01, 900.0, 0.1))
        seconds = time.monotonic() - began
    assert len(drawings) <= 4 + live.REDRAWS * seconds


def test_without_colour_there_is_none() -> None:
    console, shown = terminal(no_color=True)
    with LiveView(console) as view:
        for event in EVENTS:
            view.show(event)
        view._live.refresh()
    assert "\x1b[3" not in shown.getvalue()
    assert "⣀" in shown.getvalue()


def test_an_escape_in_a_note_does_not_reach_the_terminal() -> None:
    console, shown = terminal(color_system=None)
    with LiveView(console) as view:
        view.show(Note("info", "\x1b]0;owned\x07hello"))
        view._live.refresh()
    assert "owned" not in shown.getvalue()


def test_a_resumed_run_begins_with_the_curve_it_had() -> None:
    console, shown = terminal(color_system=None)
    with LiveView(console) as view:
        view.show_stored([EpochMetrics(1, 3, 0.2, 0.01, 0.5, 0.8, 0.4, 0.9)])
        view._live.refresh()
    assert "o" in shown.getvalue().rpartition("train  o val")[2]


# Which view there is.


class FakeTerminal(io.StringIO):
    """A text stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("term", "encoding", "live_view"),
    [
        ("xterm-256color", "utf-8", True),
        ("dumb", "utf-8", False),
        ("", "utf-8", False),
        ("xterm", "latin-1", False),
    ],
)
def test_a_terminal_that_cannot_redraw_gets_plain_lines(
    term: str, encoding: str, live_view: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = FakeTerminal()
    monkeypatch.setattr(stream, "encoding", encoding, raising=False)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", term)
    assert isinstance(views.view_for(json=False, quiet=False), LiveView) == live_view


def test_json_is_chosen_before_quiet_and_quiet_before_the_rest() -> None:
    assert isinstance(views.view_for(json=True, quiet=True), views.JsonView)
    assert type(views.view_for(json=False, quiet=True)) is views.View
    assert isinstance(views.view_for(json=False, quiet=False), views.LinesView)


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
    assert json.loads(result.stdout) == {"run": 1, "name": "standard", "log": "train.log"}


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
    assert "epoch 2/2  loss 0.3000" in result.stderr
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
    assert "epoch 2/2  loss 0.3000" in result.stderr
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
