"""Numbers about a classifier's answers, from plain arrays.

Confusion and scores are defined as scikit-learn defines them, and the tests hold them to it: its
import alone costs a second, more than most evaluations. Intervals and calibration name the papers
they follow. Rows are true, columns predicted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

BINS = 15
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of one label, or their means over labels, each 0 to 1. One that
    has nothing to divide by is 0."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class ClassScore(Score):
    """One label's scores, and `support`, the number of images that truly have it."""

    support: int


@dataclass(frozen=True, slots=True)
class Bin:
    """The images whose confidence is above `low` and up to `high`: how many they are, their mean
    confidence, and the share of them that is right."""

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Pair:
    """How many images of the label `truth` were taken for `predicted`, and which share of that
    label's images they are."""

    truth: str
    predicted: str
    images: int
    share: float


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


def reliability(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = BINS
) -> tuple[Bin, ...]:
    """The points of a reliability diagram (DeGroot and Fienberg 1983; Niculescu-Mizil and Caruana
    2005): `bins` of equal width, ascending, those without images left out.

    `confidence` holds the highest probabilities [N] in (0, 1], `correct` whether each was right.
    A bin holds what is above its lower edge, up to and with its upper one. Raises ValueError for
    arrays of different lengths and for less than one bin.
    """
    import numpy as np

    if confidence.shape != correct.shape or bins < 1:
        raise ValueError(
            f"confidence {confidence.shape}, correct {correct.shape}, bins={bins}: "
            "expected one shape [N] and at least one bin"
        )
    places = np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(np.intp) - 1, 0, bins - 1)
    images = np.bincount(places, minlength=bins)
    sure = np.bincount(places, confidence, minlength=bins)
    right = np.bincount(places, correct, minlength=bins)
    return tuple(
        Bin(
            low=at / bins,
            high=(at + 1) / bins,
            images=int(images[at]),
            confidence=float(sure[at] / images[at]),
            accuracy=float(right[at] / images[at]),
        )
        for at in images.nonzero()[0].tolist()
    )


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """How far confidence is from accuracy: the mean gap over the bins, weighted by their images
    (Naeini, Cooper and Hauskrecht 2015; 15 bins as in Guo et al. 2017). 0 is perfect. Raises
    ValueError where there is no image."""
    total = sum(each.images for each in bins)
    if not total:
        raise ValueError("bins hold no image: expected at least one")
    return sum(each.images * abs(each.confidence - each.accuracy) for each in bins) / total


def uncalibrated(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """The probabilities [N, K] as they were before temperature scaling (Guo et al. 2017).

    A model gives softmax(z / T), so softmax(T log p) is softmax(z): the logits are not needed. A p
    of 0 counts as the least float32. Rows sum to 1. Raises ValueError unless T is above 0.
    """
    import numpy as np

    if not temperature > 0:
        raise ValueError(f"temperature={temperature}: expected a number above 0")
    least = float(np.finfo(np.float32).tiny)
    logits = np.log(np.maximum(probabilities.astype(np.float64), least)) * temperature
    raised: NDArray[np.float64] = np.exp(logits - logits.max(axis=1, keepdims=True))
    raised /= raised.sum(axis=1, keepdims=True)
    return raised


def ranks(probabilities: NDArray[np.floating], truth: NDArray[np.integer]) -> NDArray[np.int64]:
    """The place [N], from 0, that each row's true label has when the labels are ordered by their
    probabilities [N, K], highest first. Of equal ones the first label comes first, as in argmax."""
    import numpy as np

    own = probabilities[np.arange(len(truth)), truth][:, None]
    before = np.arange(probabilities.shape[1]) < truth[:, None]
    better = (probabilities > own) | ((probabilities == own) & before)
    places: NDArray[np.int64] = better.sum(axis=1, dtype=np.int64)
    return places


def mean_cross_entropy(true_probabilities: NDArray[np.floating]) -> float:
    """The mean of -log p in nats, where p is what the model gave the true label. A p of 0 counts
    as the least float32, about 87 nats, so that one image cannot make the mean infinite."""
    import numpy as np

    least = float(np.finfo(np.float32).tiny)
    return float(-np.log(np.maximum(true_probabilities.astype(np.float64), least)).mean())


def confusion_matrix(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """The counts int64 [K, K], rows true, columns predicted. `truth` and `predicted` [N] hold
    numbers of classes, from 0."""
    import numpy as np

    cells = truth.astype(np.int64) * classes + predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def scores(confusion: NDArray[np.int64], labels: Sequence[str]) -> dict[str, ClassScore]:
    """Each label's scores, in the order of `labels`, which is that of the counts [K, K]."""
    right = confusion.diagonal()
    support, answers = confusion.sum(axis=1), confusion.sum(axis=0)
    columns = (
        _shares(right, answers),
        _shares(right, support),
        # The harmonic mean of the two, in the form that has no 0 to divide by in between.
        _shares(2 * right, support + answers),
        support,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {label: ClassScore(*row) for label, row in zip(labels, rows, strict=True)}


def macro(each: Iterable[ClassScore]) -> Score:
    """The plain mean of the scores of all labels that occur: a rare label counts as much as a
    frequent one, and one without images not at all. Its recall is the balanced accuracy (Brodersen
    et al. 2010). Raises ValueError where no label occurs."""
    present = [score for score in each if score.support]
    if not present:
        raise ValueError("scores: no label has an image")
    return Score(
        *(
            sum(getattr(score, name) for score in present) / len(present)
            for name in ("precision", "recall", "f1")
        )
    )


def confused_pairs(
    confusion: Sequence[Sequence[int]] | NDArray[np.int64],
    labels: Sequence[str],
    most: int | None = None,
) -> tuple[Pair, ...]:
    """The pairs of labels that were taken for each other, each way apart, the most frequent first
    (equal ones in the order of `labels`); the first `most` of them."""
    import numpy as np

    counts = np.array(confusion, np.int64)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    rows, columns = counts.nonzero()
    order = (-counts[rows, columns]).argsort(kind="stable")[:most]
    return tuple(
        Pair(
            labels[row],
            labels[column],
            int(counts[row, column]),
            float(counts[row, column] / totals[row]),
        )
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    )


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    import numpy as np

    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
