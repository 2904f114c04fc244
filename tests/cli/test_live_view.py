"""The live view of a training on a terminal, and which view is shown where."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from rich.console import Console, ConsoleDimensions
from rich.text import Text

from cli import live, views
from cli.live import LiveView, screen
from ml.events import Event, Note, Phase, Step
from ml.figures import Figures
from storage.records import EpochMetrics
from tests.cli.test_train import EVENTS, STARTED, done

STEP = Step(1, 3, 6, 0.5, 0.8, 0.01, 900.0, 0.1)


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
    assert "epoch 2/2  train 0.3000" in left
    assert left.count("warning: something to know\n") >= 1


def test_the_view_takes_its_lines_away_at_the_end() -> None:
    console, shown = terminal(color_system=None)
    with LiveView(console) as view:
        view.show(STARTED)
        view.show(STEP)
    assert shown.getvalue().endswith("\x1b[2K")


def test_a_terminal_of_another_size_is_cleared_and_drawn_anew() -> None:
    console, shown = terminal(color_system=None)
    with LiveView(console) as view:
        for event in EVENTS:
            view.show(event)
        before = shown.getvalue()
        assert "\x1b[2J" not in before
        console.size = ConsoleDimensions(60, 30)
        view._live.refresh()
        anew = shown.getvalue().removeprefix(before).partition("\x1b[2J")[2]
    assert anew.index("epoch 1/2  train") < anew.index("epoch 2/2  train") < anew.index("step 6/6")


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
