"""How many steps fit into a budget of time: the first ones are taken, timed, and thrown away.

What remains is a training of a fixed number of steps, like any other: with the same settings and
that number it can be repeated exactly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ml.beginning import new_trainer, validating, with_recipe
from ml.fitting import Arrays
from ml.plan import TrainPlan
from ml.settings import MAX_STEPS, resolve
from ml.trainer import EVAL_PIXELS, Diverged, Trainer
from storage.repository import Repository

SHARE, LEAST, MOST = 0.04, 1.0, 20.0
"""The share of the budget, and the seconds, that the timing of steps may take."""

ENDING = 1.0
"""What comes after the training (conversion, comparison, storing), in multiples of the time that
a trainer takes to be built, to take its first step and to look at its first pictures."""


def paced(
    repo: Repository,
    run: int,
    plan: TrainPlan,
    arrays: Arrays,
    *,
    end: float,
    stopping: Callable[[], bool],
) -> tuple[TrainPlan, dict[str, Any]]:
    """The plan with as many steps as are over by `end` (by time.monotonic), one at the least, and
    what was measured for it, as plain JSON values. Of several networks each gets its share."""
    began = time.monotonic()
    trainer = new_trainer(repo, run, plan, arrays.train, 0)
    building, step = _time_steps(trainer, arrays, (end - began) * SHARE, stopping)
    with validating():
        tracing, picture = _time_validation(trainer, arrays)
    building += tracing
    members = plan.recipe.members
    left = end - time.monotonic() - building * (members + ENDING)
    steps = _fitting(left / members, step, picture * len(arrays.val), plan.steps_per_epoch)
    facts = {
        "step_seconds": step,
        "validation_seconds": picture * len(arrays.val),
        "building_seconds": building,
    }
    return _lasting(plan, steps), facts


def _lasting(plan: TrainPlan, steps: int) -> TrainPlan:
    """The plan that `--steps` would have given: how strongly pictures are distorted depends on how
    often they are seen."""
    spec = plan.input
    chosen = resolve(
        replace(plan.settings, minutes=None, steps=steps),
        images=len(plan.train),
        height=spec.height,
        width=spec.width,
        channels=spec.channels,
    )
    recipe = plan.recipe.lasting(steps, plan.steps_per_epoch)
    return with_recipe(plan, replace(recipe, augment=chosen.augment))


def _fitting(seconds: float, step: float, validation: float, steps_per_epoch: int) -> int:
    """The most steps that take no longer than `seconds`, with a validation after each epoch."""
    epoch = steps_per_epoch * step + validation
    whole = int(max(0.0, seconds) / epoch)
    rest = max(0.0, seconds - whole * epoch - validation)
    return max(1, min(MAX_STEPS, whole * steps_per_epoch + int(rest / step)))


def _time_steps(
    trainer: Trainer, arrays: Arrays, share: float, stopping: Callable[[], bool]
) -> tuple[float, float]:
    """Seconds until the first step is taken, and seconds for each after it. A training that comes
    apart takes as long for its steps: what to do about that is for the real one."""
    began = time.perf_counter()
    first = 0.0
    patience = min(MOST, max(LEAST, share))

    def on_step(progress: Callable[[], object]) -> bool:
        nonlocal first
        if trainer.steps <= 1:
            with suppress(Diverged):
                progress()  # waits for what the device has been given
            first = time.perf_counter()
        return time.perf_counter() - first < patience and not stopping()

    epoch = 1
    while True:
        with suppress(Diverged):
            if trainer.run_epoch(arrays.train, arrays.train_targets, epoch, on_step) is None:
                break
        if trainer.steps == trainer.recipe.steps:
            break
        epoch += 1
    with suppress(Diverged):
        trainer.checkpoint(epoch)  # waits, too
    taken = max(1, trainer.steps - 1)
    return first - began, (time.perf_counter() - first) / taken


def _time_validation(trainer: Trainer, arrays: Arrays) -> tuple[float, float]:
    """Seconds until the first batch is done, and seconds for each picture after it."""
    size = trainer.spec.input
    batch = max(1, EVAL_PIXELS // (size.height * size.width))
    sample = arrays.val[:batch]
    began = time.perf_counter()
    trainer.logits(sample)
    traced = time.perf_counter()
    trainer.logits(sample)
    return traced - began, (time.perf_counter() - traced) / len(sample)
