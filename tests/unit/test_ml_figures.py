"""What is made of a training's events: figures, traces, the time left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.events import Epoch, Phase, Started, Step
from ml.figures import Figures, Trace
from storage.records import EpochMetrics

STARTED = Started(
    run=7,
    name="n",
    pid=1,
    seed=0,
    preset="quick",
    labels=("a", "b"),
    train=40,
    val=10,
    height=8,
    width=8,
    channels=1,
    batch=10,
    epochs=5,
    steps_per_epoch=4,
    total_steps=20,
    parameters=9,
)


def step(number: int, loss: float = 1.0, accuracy: float = 0.5, *, epoch: int = 1) -> Step:
    return Step(epoch, number, 20, loss, accuracy, 0.01, 100.0, number / 10)


def epoch(number: int, loss: float = 1.0, val: float = 0.5, *, seconds: float = 1.0) -> Epoch:
    return Epoch(7, number, 5, 4 * number, seconds, 0.01, loss, 0.5, loss, val, True)


def followed(*events: Phase | Started | Step | Epoch) -> Figures:
    figures = Figures()
    for event in events:
        figures.take(event)
    return figures


def test_before_anything_came_nothing_is_known() -> None:
    figures = Figures()
    assert (figures.phase, figures.run, figures.train_loss) == ("starting", None, None)
    assert figures.train_losses.points == []


def test_a_phase_says_how_much_of_it_is_done() -> None:
    figures = followed(Phase("decoding", 3, 9))
    assert (figures.phase, figures.phase_done, figures.phase_total) == ("decoding", 3, 9)


def test_a_step_says_where_the_training_stands() -> None:
    figures = followed(STARTED, Phase("training"), step(3, 0.7, 0.8))
    assert (figures.run, figures.step, figures.total_steps) == (7, 3, 20)
    assert (figures.epoch, figures.epochs) == (1, 5)
    assert (figures.train_loss, figures.train_accuracy) == (0.7, 0.8)


def test_the_time_left_follows_from_the_speed() -> None:
    assert followed(STARTED, step(4)).seconds_left == pytest.approx(16 * 10 / 100)


def test_after_two_epochs_the_time_left_counts_their_validation_too() -> None:
    figures = followed(STARTED, epoch(1, seconds=5.0), epoch(2, seconds=9.0), step(9, epoch=3))
    assert figures.seconds_left == pytest.approx(11 * 1.0)


def test_the_trace_holds_what_lies_between_two_means() -> None:
    figures = followed(STARTED, step(2, 2.0, 0.2), step(4, 1.5, 0.4))
    assert figures.train_losses.points == [(2, 2.0), (4, pytest.approx(1.0))]
    assert figures.train_accuracies.points == [(2, 0.2), (4, pytest.approx(0.6))]


def test_a_new_epoch_begins_a_new_mean() -> None:
    figures = followed(STARTED, epoch(1, 2.0), step(5, 0.5, epoch=2))
    assert figures.train_losses.points == [(4, 2.0), (5, 0.5)]


def test_validation_has_a_point_for_each_epoch_and_the_best_is_kept_in_mind() -> None:
    figures = followed(STARTED, epoch(1, val=0.9), epoch(2, val=0.8))
    assert figures.val_accuracies.points == [(4, 0.9), (8, 0.8)]
    assert (figures.val_accuracy, figures.best_accuracy) == (0.8, 0.9)


def test_a_training_that_goes_back_draws_over_what_was_not_to_be() -> None:
    figures = followed(STARTED, epoch(1), epoch(2, 9.0), step(9, 9.0, epoch=3), step(5, 1.0))
    assert [x for x, _ in figures.train_losses.points] == [4, 5]
    assert figures.step == 5


def test_a_resumed_training_begins_with_its_stored_epochs() -> None:
    figures = Figures()
    figures.take_stored([EpochMetrics(1, 4, 1.0, 0.01, 1.2, 0.5, 1.1, 0.6)])
    figures.take(step(5, epoch=2))
    assert figures.val_losses.points == [(4, 1.1)]
    assert figures.step == 5


def test_an_epoch_without_validation_has_no_point() -> None:
    figures = Figures()
    figures.take_stored([EpochMetrics(1, 4, 1.0, 0.01, 1.2, 0.5, None, None)])
    assert figures.val_losses.points == figures.val_accuracies.points == []


@given(st.lists(st.floats(-1e3, 1e3), max_size=300), st.integers(1, 8))
def test_a_trace_is_bounded_in_order_and_keeps_the_mean(values: list[float], half: int) -> None:
    trace = Trace(most=2 * half)
    for x, y in enumerate(values):
        trace.add(x, y)
    points = trace.points
    assert len(points) <= 2 * half
    assert [x for x, _ in points] == sorted({x for x, _ in points})
    assert all(min(values) - 1e-6 <= y <= max(values) + 1e-6 for _, y in points)
    assert bool(points) == bool(values)


@given(st.lists(st.integers(0, 50), max_size=200))
def test_a_trace_that_goes_back_and_forth_stays_in_order(places: list[int]) -> None:
    trace = Trace(most=8)
    for x in places:
        trace.add(x, 1.0)
    xs = [x for x, _ in trace.points]
    assert xs == sorted(set(xs))


@pytest.mark.parametrize("most", [0, 3, -2])
def test_a_trace_of_an_odd_size_is_refused(most: int) -> None:
    with pytest.raises(ValueError, match="even"):
        Trace(most=most)
