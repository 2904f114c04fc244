"""How doubtful an answer or a label is, as numbers from a model's probabilities. Pure functions.

The ranking of likely label errors is confident learning (Northcutt, Jiang, Chuang: Confident
Learning: Estimating Uncertainty in Dataset Labels, JAIR 70, 2021), the uncertainties are those of
Settles: Active Learning Literature Survey, 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = -1
"""The number of no label, and of one that the model has never learnt."""


class Thresholds:
    """Per label the mean probability that a model gives it on images that bear it: from there on
    it counts as confident in that label. Filled chunk by chunk."""

    def __init__(self, labels: int) -> None:
        self._sums = np.zeros(labels)
        self._counts = np.zeros(labels, np.int64)

    def add(self, given: NDArray[np.int64], probabilities: NDArray[np.float32]) -> None:
        """Take in `given`, the numbers of the labels [N], and `probabilities` [N, labels]."""
        known = np.flatnonzero(given != UNKNOWN)
        labels = given[known]
        np.add.at(self._sums, labels, probabilities[known, labels])
        np.add.at(self._counts, labels, 1)

    @property
    def values(self) -> NDArray[np.float64]:
        """The thresholds [labels]; of a label that no image bears it is beyond any probability."""
        return np.where(self._counts > 0, self._sums / np.maximum(self._counts, 1), np.inf)


def self_confidence(
    given: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The probability of the label given [N]; 0 where the model does not know that label."""
    chosen: NDArray[np.float32] = probabilities[np.arange(len(given)), np.maximum(given, 0)]
    return np.where(given == UNKNOWN, np.float32(0), chosen)


def normalized_margin(
    given: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The probability of the given label less the highest of the others [N], from -1 (the model
    is sure that it is another) to 1."""
    rows = np.arange(len(given))
    others = probabilities.copy()
    known = given != UNKNOWN
    others[rows[known], given[known]] = -np.inf
    highest = others.max(axis=1) if probabilities.shape[1] > 1 else np.zeros(len(given))
    return self_confidence(given, probabilities) - np.where(np.isinf(highest), 0, highest)


def label_errors(
    given: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    thresholds: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Which labels are likely wrong [N]: the model answers another label, and of the labels whose
    threshold it reaches the most probable is another too. A label that the model does not know
    cannot be judged. `thresholds` are those of `Thresholds`.

    Where confident learning is given answers that were learnt by heart, it finds too little: it is
    meant for images that the model has not seen in training.
    """
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    best = confident.argmax(axis=1)
    reached = confident[np.arange(len(given)), best] >= 0
    answered = probabilities.argmax(axis=1)
    likely: NDArray[np.bool_] = reached & (best != given) & (answered != given) & (given != UNKNOWN)
    return likely


def entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """The entropy of each row in nats [N]: 0 for a sure answer, log(labels) for none at all."""
    safe = np.maximum(probabilities.astype(np.float64), 1e-12)
    return np.asarray(-(safe * np.log(safe)).sum(axis=1))
