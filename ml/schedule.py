"""The learning rate as a pure function of the position in a training, from 0 to 1."""

from __future__ import annotations

import math

RISE = 0.3
"""The share of the training in which the learning rate rises."""

START = 0.1
"""The first learning rate, as a share of the highest."""


def cosine(start: float, end: float, position: float) -> float:
    """From `start` at 0 to `end` at 1 along half a cosine, flat at both ends."""
    return end + (start - end) * (1 + math.cos(math.pi * position)) / 2


def one_cycle(position: float) -> float:
    """The share of the highest learning rate: up from START in the first RISE, then down to 0.

    After Smith and Topin, "Super-Convergence" (2017). `position` is held within [0, 1].
    """
    position = min(1.0, max(0.0, position))
    if position < RISE:
        return cosine(START, 1.0, position / RISE)
    return cosine(1.0, 0.0, (position - RISE) / (1 - RISE))


def averaging(decay: float, step: int) -> float:
    """The share of the averaged weights that is kept at `step` (from 0): `decay`, but less at the
    beginning, so that the untrained weights are soon forgotten."""
    return min(decay, (1 + step) / (10 + step))
