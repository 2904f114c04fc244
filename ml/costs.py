"""How long a training will take: from an earlier run of its kind, or from the size of its network.

Pure arithmetic, for people who wait: good enough to choose between a coffee and a night.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.settings import Recipe
from ml.spec import ArchitectureSpec
from storage.records import EpochMetrics, RunRecord

TRAINED = 11e9
"""Multiply-adds of the forward pass that one core trains in a second.

Measured on two cores of an AMD EPYC with TensorFlow 2.21, by the processor time of whole trainings
of 28x28x1 to 128x128x3 pixels: an image took 37 to 46 us for each million multiply-adds.
"""

VALIDATED = 24e9
"""The same without training: 20 to 23 us for each million on the two cores."""

STEP = 0.002
"""Seconds that a step takes whatever is in it."""

START = 8.0
"""Seconds for what comes once: importing TensorFlow, building the graph, converting, storing."""

DECODED, DECODED_PIXELS = 1e-4, 6e-9
"""Seconds of one core to decode a file, and more for each of its pixels."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How long the whole training may take, in seconds, and the earlier run that says so; without
    one it is an estimate by the size of the network."""

    seconds: float
    run: int | None = None


def operations(spec: ArchitectureSpec) -> int:
    """Multiply-adds for the answer on one image, by all members: convolutions and the last layer,
    beside which the rest is small."""
    height = -(-spec.input.height // spec.stem_stride)
    width = -(-spec.input.width // spec.stem_stride)
    before = spec.stem_filters
    count = height * width * spec.stem_kernel**2 * spec.input.channels * before
    for stage in spec.stages:
        for _ in range(stage.convs):
            count += height * width * 9 * before * stage.filters
            before = stage.filters
        if stage.pool:
            height, width = height // 2, width // 2
    return spec.members * (count + before * spec.classes)


def estimate(
    spec: ArchitectureSpec,
    recipe: Recipe,
    *,
    images: int,
    val: int,
    pixels: int,
    threads: int | None = None,
) -> Expected:
    """The time by the size of the network `spec`, of which the recipe trains so many members.

    `images` files of `pixels` pixels in all are decoded first; `val` of them validate each epoch.
    On a graphics card it will be a small part of that.
    """
    cores = min(threads or os.cpu_count() or 1, os.cpu_count() or 1)
    each = operations(spec)
    step = STEP + recipe.batch * each / TRAINED / cores
    epoch = val * each / VALIDATED / cores
    decoding = (images * DECODED + pixels * DECODED_PIXELS) / cores
    return Expected(
        START + decoding + recipe.members * (recipe.steps * step + recipe.epochs * epoch)
    )


def from_earlier(
    runs: Sequence[RunRecord], stored: Mapping[str, Any], steps: int
) -> Expected | None:
    """The time by the newest of `runs` that had the same network, batch, distortions, threads and
    machine as `stored`, which is what a run's settings will be; None where there is none.

    `steps` are those of all members. What epochs took is drawn out in a straight line.
    """
    for run in runs:
        if run.epochs and _kind(run.settings) == _kind(stored):
            return Expected(START + _drawn_out(run.epochs, steps), run.id)
    return None


def _drawn_out(epochs: Sequence[EpochMetrics], steps: int) -> float:
    """Seconds for so many steps: the first epoch has the building of the graph in it."""
    first, last = epochs[0], epochs[-1]
    if last.step > first.step:
        each = max(0.0, last.seconds - first.seconds) / (last.step - first.step)
        return max(0.0, first.seconds - each * first.step) + each * steps
    return last.seconds / max(1, last.step) * steps


def _kind(settings: Mapping[str, Any]) -> tuple[object, ...]:
    """What must be alike for one run to take as long as another. Runs stored by other versions may
    lack any of it."""

    def part(*names: str) -> object:
        value: object = settings
        for name in names:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    return (
        part("architecture"),
        part("machine"),
        part("recipe", "batch"),
        part("recipe", "augment"),
        part("chosen", "threads"),
    )
