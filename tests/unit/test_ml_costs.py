"""Costs: multiply-adds counted by hand, and times that go with them or with an earlier run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ml.costs import START, estimate, from_earlier, operations
from ml.pixels import InputSpec
from ml.settings import Recipe, TrainSettings, resolve
from ml.spec import ArchitectureSpec, Stage, design
from storage.records import EpochMetrics, RunRecord
from tests.making import epoch

SPEC = ArchitectureSpec(
    InputSpec(10, 7, 3),
    stem_filters=4,
    stem_kernel=5,
    stem_stride=2,
    stages=(Stage(8, 1, pool=True), Stage(16, 2, pool=False)),
    classes=6,
)
KIND: dict[str, Any] = {
    "chosen": {"threads": None},
    "recipe": {"batch": 32, "augment": "light"},
    "architecture": SPEC.to_json(),
    "machine": {"host": "here"},
}


def recipe(**chosen: Any) -> Recipe:
    return resolve(TrainSettings(**chosen), images=1_000, height=10, width=7, channels=3)


def a_run(number: int, settings: dict[str, Any], *epochs: EpochMetrics) -> RunRecord:
    return RunRecord(
        id=number,
        name="run",
        status="done",
        seed=0,
        settings=settings,
        labels=("a", "b"),
        data_digest=b"",
        versions={},
        total_epochs=2,
        total_steps=20,
        pid=None,
        started_at=0,
        finished_at=None,
        error=None,
        model=None,
        epochs=epochs,
    )


def test_multiply_adds_are_those_of_convolutions_and_the_last_layer() -> None:
    stem = 5 * 4 * 25 * 3 * 4
    first = 5 * 4 * 9 * 4 * 8
    second = 2 * 2 * 9 * 8 * 16 + 2 * 2 * 9 * 16 * 16
    assert operations(SPEC) == stem + first + second + 16 * 6


def test_an_ensemble_costs_as_much_as_its_members() -> None:
    assert operations(replace(SPEC, members=3)) == 3 * operations(SPEC)


def test_larger_pictures_and_wider_networks_cost_more() -> None:
    costs = [
        operations(design(InputSpec(side, side, 3), classes=10, width=width))
        for width in (16, 24)
        for side in (8, 28, 32, 64, 128)
    ]
    assert costs[:5] == sorted(costs[:5])
    assert all(wide > slim for slim, wide in zip(costs[:5], costs[5:], strict=True))


def test_twice_the_steps_take_twice_the_time_beyond_the_start() -> None:
    def seconds(**chosen: Any) -> float:
        made = estimate(SPEC, recipe(**chosen), images=0, val=0, pixels=0, threads=1)
        assert made.run is None
        return made.seconds - START

    assert seconds(steps=200) == pytest.approx(2 * seconds(steps=100))
    assert seconds(steps=100, ensemble=4) == pytest.approx(4 * seconds(steps=100))


def test_decoding_and_validating_are_in_the_time() -> None:
    def seconds(**facts: int) -> float:
        known = {"images": 100, "val": 10, "pixels": 10**6} | facts
        return estimate(SPEC, recipe(steps=100), threads=1, **known).seconds

    assert seconds() < seconds(images=200)
    assert seconds() < seconds(val=1_000)
    assert seconds() < seconds(pixels=10**9)


def test_the_newest_run_of_the_kind_tells_the_time() -> None:
    runs = [
        a_run(5, KIND),  # without an epoch
        a_run(4, KIND | {"machine": {"host": "there"}}, epoch(1)),
        a_run(3, KIND, replace(epoch(1), seconds=6.0), replace(epoch(2), seconds=10.0)),
        a_run(2, KIND, epoch(1)),
    ]
    made = from_earlier(runs, KIND, steps=100)
    assert made is not None
    # Ten steps take 4 s, and the first ten took 2 s more.
    assert made.run == 3
    assert made.seconds == pytest.approx(START + 42.0)


def test_a_run_of_one_epoch_tells_the_time_in_proportion() -> None:
    made = from_earlier([a_run(1, KIND, replace(epoch(1), seconds=5.0))], KIND, steps=30)
    assert made is not None
    assert made.seconds == pytest.approx(START + 15.0)


@pytest.mark.parametrize("settings", [{}, {"recipe": 5, "chosen": []}, KIND | {"recipe": {}}])
def test_runs_that_say_less_are_passed_over(settings: dict[str, Any]) -> None:
    assert from_earlier([a_run(1, settings, epoch(1))], KIND, steps=30) is None
