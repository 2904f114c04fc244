"""A training as lines for the app, at every size and every moment."""

from __future__ import annotations

import pytest

from ml.events import Epoch, Event, Phase, Started, Step
from ml.figures import Figures
from tui.training.view import (
    charts,
    clock,
    epochs_chart,
    headline,
    running_words,
    scores,
)


def figures(*, name: str = "digits", steps: int = 40) -> Figures:
    """A training in its second of four epochs."""
    made = Figures()
    events: list[Event] = [
        Started(1, name, 2, 0, "quick", ("a", "b"), 90, 10, 8, 8, 1, 9, 4, 20, 80, 5),
        *(Step(1, at, 80, 1 / at, at / 100, 0.1, 500.0, at / 10) for at in range(1, 21)),
        Epoch(1, 1, 4, 20, 2.0, 0.1, 0.05, 0.6, 0.04, 0.971, True),
        *(Step(2, at, 80, 1 / at, at / 100, 0.1, 500.0, at / 10) for at in range(21, steps + 1)),
    ]
    for event in events:
        made.take(event)
    return made


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (41.2, "0:42"), (725, "12:05"), (3723, "1:02:03")]
)
def test_time_left_is_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_status_line_tells_epoch_accuracy_and_time() -> None:
    words = running_words(figures(), 3.0)
    assert words.startswith("training digits: epoch 2/4, 97.1 %, 0:")
    assert words.endswith(" left")


def test_before_the_training_its_phase_is_told() -> None:
    made = Figures()
    assert running_words(made, 3.0) == "training: starting, 0:03"
    made.take(Phase("decoding", 5, 1000))
    assert running_words(made, 3.0) == "training: decoding 5/1,000"
    assert headline(made, 60, 3.0).plain == "decoding pictures  5/1,000  0:03"


def test_a_name_from_outside_is_made_printable() -> None:
    assert "\x1b" not in running_words(figures(name="a\x1b[31m"), 1.0)


@pytest.mark.parametrize("cells", [1, 10, 38, 78, 198])
def test_every_line_fits(cells: int) -> None:
    made = figures()
    assert headline(made, cells, 1.0).cell_length <= cells
    assert scores(made, cells).cell_length <= cells


@pytest.mark.parametrize("cells", [1, 20, 40, 78, 198])
@pytest.mark.parametrize("height", [0, 1, 4, 9, 20, 50])
def test_charts_fit_or_are_left_out(cells: int, height: int) -> None:
    content = charts(figures(), cells, height)
    if content.plain:
        lines = content.split("\n")
        assert len(lines) <= height
        assert all(line.cell_length <= cells for line in lines)


def test_wide_charts_stand_beside_each_other_narrow_ones_above() -> None:
    wide = charts(figures(), 100, 10).plain.split("\n")
    assert "loss" in wide[0]
    assert "accuracy" in wide[0]
    narrow = charts(figures(), 50, 10).plain.split("\n")
    assert "loss" in narrow[0]
    assert "accuracy" in narrow[5]
    assert "accuracy" in charts(figures(), 50, 6).plain
    assert "loss" not in charts(figures(), 50, 6).plain


def test_curve_and_marks_are_told_apart_without_colour() -> None:
    plain = charts(figures(), 100, 10).plain
    assert "o val" in plain
    assert any("\u2801" <= letter <= "\u28ff" for letter in plain)


def test_nothing_is_drawn_before_there_are_figures() -> None:
    assert charts(Figures(), 100, 10).plain == ""
    assert scores(Figures(), 100).plain == ""


def test_the_epochs_of_a_stored_run_are_a_chart_from_two_on() -> None:
    assert epochs_chart([(1.0, 0.5)], 40, 6).plain == ""
    lines = epochs_chart([(1.0, 0.5), (2.0, 0.9)], 40, 6).plain.split("\n")
    assert len(lines) == 6
    assert lines[0].startswith(" 90.0% ")
