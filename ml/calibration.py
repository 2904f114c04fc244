"""Temperature scaling, and the two figures that validation is judged by.

One number divides all logits, so no prediction changes, only how sure it is (Guo et al., "On
Calibration of Modern Neural Networks", 2017). Pure functions of arrays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST, HIGHEST = 0.2, 10.0
"""A temperature is never outside these."""

SPREAD = 0.5
"""How far from 1 a temperature is expected, as the deviation of its logarithm. It keeps a handful
of images that are all right from asking for boundless confidence."""

_GOLDEN = (math.sqrt(5) - 1) / 2


def loss_and_accuracy(
    logits: NDArray[np.float32], targets: NDArray[np.int32], temperature: float = 1.0
) -> tuple[float, float]:
    """Mean cross-entropy in nats and the share that is right. Needs at least one row."""
    right = (logits.argmax(axis=1) == targets).mean()
    return _cross_entropy(logits, targets, temperature), float(right)


def fit_temperature(logits: NDArray[np.float32], targets: NDArray[np.int32]) -> float:
    """The temperature with the least cross-entropy, drawn towards 1 where there are few rows."""

    def cost(exponent: float) -> float:
        prior = 0.5 * (exponent / SPREAD) ** 2
        return len(targets) * _cross_entropy(logits, targets, math.exp(exponent)) + prior

    low, high = math.log(LOWEST), math.log(HIGHEST)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(40):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(right)
    return math.exp((low + high) / 2)


def _cross_entropy(logits: Any, targets: Any, temperature: float) -> float:
    import numpy as np

    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    chosen = scaled[np.arange(len(targets)), targets]
    return float((np.log(np.exp(scaled).sum(axis=1)) - chosen).mean())
