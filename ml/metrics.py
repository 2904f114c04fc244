"""Numbers about a classifier's answers, from plain arrays.

The confusion matrix and the scores of each class are scikit-learn's. What it has not, intervals
and calibration, is here, with the papers it follows. Rows are true, columns predicted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

BINS = 15
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One label's scores, each 0 to 1, and `support`, the number of images that truly have it.
    A score that has nothing to divide by is 0."""

    precision: float
    recall: float
    f1: float
    support: int


def wilson_interval(correct: int, total: int, *, z: float = _Z95) -> tuple[float, float]:
    """The Wilson score interval for a share (Wilson 1927), by default at 95 %.

    Unlike the normal approximation it stays within 0 to 1 and is sound for few images and for
    shares near 1. Raises ValueError unless 0 <= correct <= total and total > 0.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"correct={correct}, total={total}: expected 0 <= correct <= total, > 0")
    share = correct / total
    spread = z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    # The formula's ends at 0 and 1 are exact, its rounding is not.
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    high = 1.0 if correct == total else min(1.0, middle + half)
    return low, high


def expected_calibration_error(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], *, bins: int = BINS
) -> float:
    """How far confidence is from accuracy: the mean gap over bins of equal width, weighted by
    their images (Naeini, Cooper and Hauskrecht 2015; 15 bins as in Guo et al. 2017).

    `confidence` holds the highest probabilities [N] in (0, 1], `correct` whether each was right.
    0 is perfect. A bin holds what is above its lower edge, up to and with its upper one.
    """
    import numpy as np

    places = np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(np.intp) - 1, 0, bins - 1)
    sure = np.bincount(places, confidence, minlength=bins)
    right = np.bincount(places, correct, minlength=bins)
    return float(np.abs(sure - right).sum() / len(confidence))


def mean_cross_entropy(true_probabilities: NDArray[np.floating]) -> float:
    """The mean of -log p in nats, where p is what the model gave the true label. A p of 0 counts
    as the least float32, about 87 nats, so that one image cannot make the mean infinite."""
    import numpy as np

    least = float(np.finfo(np.float32).tiny)
    return float(-np.log(np.maximum(true_probabilities.astype(np.float64), least)).mean())


def confusion_and_scores(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], labels: Sequence[str]
) -> tuple[NDArray[np.int64], dict[str, ClassScore]]:
    """The counts int64 [K, K] (rows true, columns predicted) and each label's scores, in the
    order of `labels`. `truth` and `predicted` [N] are indexes into `labels`."""
    import numpy as np
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    every = np.arange(len(labels))
    matrix = confusion_matrix(truth, predicted, labels=every)
    columns = precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0.0)
    scores = {
        label: ClassScore(float(precision), float(recall), float(f1), int(support))
        for label, precision, recall, f1, support in zip(labels, *columns, strict=True)
    }
    return matrix.astype(np.int64), scores
