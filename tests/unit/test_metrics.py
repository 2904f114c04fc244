"""Metrics: against scikit-learn, published tables and hand-made figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn import metrics as sklearn

from ml.metrics import (
    confused_pairs,
    confusion_matrix,
    expected_calibration_error,
    macro,
    mean_cross_entropy,
    ranks,
    reliability,
    scores,
    uncalibrated,
    wilson_interval,
)

CLASSES = 4
NAMES = ("a", "b", "c", "d")
ANSWERS = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=60
).map(lambda pairs: tuple(np.array(column, np.int64) for column in zip(*pairs, strict=True)))
LOGITS = arrays.arrays(np.float64, (5, CLASSES), elements=st.floats(-12, 12))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    raised: NDArray[np.float64] = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


# Intervals


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_the_interval_is_wilsons_as_tabled_by_newcombe(
    correct: int, total: int, low: float, high: float
) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_a_perfect_score_still_has_an_interval() -> None:
    low, high = wilson_interval(50, 50)
    assert high == 1.0
    assert low == pytest.approx(0.9287, abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    low, high = wilson_interval(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1


@pytest.mark.parametrize(("correct", "total"), [(0, 0), (2, 1), (-1, 5)])
def test_an_interval_of_an_impossible_count_is_an_error(correct: int, total: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        wilson_interval(correct, total)


# Confusion and scores


def test_rows_of_the_confusion_are_true_and_columns_predicted() -> None:
    matrix = confusion_matrix(np.array([0, 0, 1]), np.array([1, 0, 1]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


@settings(deadline=None)
@given(ANSWERS)
def test_confusion_and_scores_are_scikit_learns(answers: tuple[NDArray[np.int64], ...]) -> None:
    truth, predicted = answers
    every = np.arange(CLASSES)
    matrix = confusion_matrix(truth, predicted, CLASSES)
    assert matrix.tolist() == sklearn.confusion_matrix(truth, predicted, labels=every).tolist()
    columns = sklearn.precision_recall_fscore_support(
        truth, predicted, labels=every, zero_division=0.0
    )
    each = scores(matrix, NAMES)
    assert list(each) == list(NAMES)
    for name, *row in zip(NAMES, *columns, strict=True):
        score = each[name]
        assert [score.precision, score.recall, score.f1, score.support] == pytest.approx(row)


@settings(deadline=None)
@given(ANSWERS)
def test_macro_is_scikit_learns_over_the_labels_that_occur(
    answers: tuple[NDArray[np.int64], ...],
) -> None:
    truth, predicted = answers
    expected = sklearn.precision_recall_fscore_support(
        truth, predicted, labels=np.unique(truth), average="macro", zero_division=0.0
    )
    mean = macro(scores(confusion_matrix(truth, predicted, CLASSES), NAMES).values())
    assert [mean.precision, mean.recall, mean.f1] == pytest.approx(expected[:3])


def test_a_mean_over_no_labels_is_an_error() -> None:
    with pytest.raises(ValueError, match="no label"):
        macro(scores(np.zeros((2, 2), np.int64), ("a", "b")).values())


@settings(deadline=None)
@given(LOGITS, st.integers(1, CLASSES - 1))
def test_ranks_give_scikit_learns_top_k(logits: NDArray[np.float64], top: int) -> None:
    # Two equal probabilities are placed otherwise there, so each row gets distinct ones.
    distinct = logits + np.arange(CLASSES) * 100.0
    truth = np.array([0, 1, 2, 3, 0])
    expected = sklearn.top_k_accuracy_score(truth, distinct, k=top, labels=np.arange(CLASSES))
    assert (ranks(distinct, truth) < top).mean() == pytest.approx(expected)


def test_of_equal_probabilities_the_first_label_comes_first() -> None:
    even = np.full((3, 3), 1 / 3)
    assert ranks(even, np.array([0, 1, 2])).tolist() == [0, 1, 2]


# Confused pairs


def test_pairs_are_ordered_by_count_and_told_one_way() -> None:
    matrix = [[5, 2, 0], [2, 5, 3], [0, 0, 1]]
    found = [(p.truth, p.predicted, p.images, p.share) for p in confused_pairs(matrix, "abc")]
    assert found == [("b", "c", 3, 0.3), ("a", "b", 2, 2 / 7), ("b", "a", 2, 0.2)]
    assert len(confused_pairs(matrix, "abc", 1)) == 1


@settings(deadline=None)
@given(ANSWERS)
def test_the_pairs_hold_every_mistake(answers: tuple[NDArray[np.int64], ...]) -> None:
    truth, predicted = answers
    matrix = confusion_matrix(truth, predicted, CLASSES)
    before = matrix.copy()
    found = confused_pairs(matrix, NAMES)
    assert sum(pair.images for pair in found) == (truth != predicted).sum()
    assert [pair.images for pair in found] == sorted((p.images for p in found), reverse=True)
    assert (matrix == before).all()


# Calibration


def ece(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 15) -> float:
    return expected_calibration_error(reliability(confidence, right, bins))


def test_calibration_error_is_the_weighted_gap_of_each_bin() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55], np.float64)
    right = np.array([True, True, True, False, True, True])
    expected = (4 * abs(0.95 - 0.75) + 2 * abs(0.55 - 1.0)) / 6
    assert ece(confidence, right) == pytest.approx(expected)


def test_a_model_that_is_as_right_as_it_is_sure_has_no_calibration_error() -> None:
    assert ece(np.full(10, 0.9), np.arange(10) < 9) == pytest.approx(0)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    confidence = np.array([0.5, 0.6])
    right = np.array([True, False])
    assert ece(confidence, right, bins=2) == pytest.approx((0.5 + 0.6) / 2)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.booleans()), min_size=1, max_size=80),
    st.integers(1, 20),
)
def test_bins_part_the_images_and_lie_where_they_say(
    answers: list[tuple[float, bool]], bins: int
) -> None:
    confidence = np.array([each for each, _ in answers])
    right = np.array([each for _, each in answers])
    found = reliability(confidence, right, bins)
    assert sum(each.images for each in found) == len(answers)
    assert [each.low for each in found] == sorted({each.low for each in found})
    for each in found:
        assert each.low - 1e-12 <= each.confidence <= each.high + 1e-12
        assert 0 <= each.accuracy <= 1
    assert sum(e.images * e.accuracy for e in found) == pytest.approx(right.sum())
    assert 0 <= expected_calibration_error(found) <= 1


def test_a_reliability_of_unequal_arrays_is_an_error() -> None:
    with pytest.raises(ValueError, match="one shape"):
        reliability(np.ones(3), np.ones(2, np.bool_))
    with pytest.raises(ValueError, match="no image"):
        expected_calibration_error(())


@settings(deadline=None)
@given(LOGITS, st.floats(0.2, 10))
def test_undoing_the_temperature_gives_the_softmax_of_the_logits(
    logits: NDArray[np.float64], temperature: float
) -> None:
    given_out = softmax(logits / temperature).astype(np.float32)
    # What float32 cannot hold any more cannot be brought back.
    if given_out.min() > 1e-30:
        undone = uncalibrated(given_out, temperature)
        assert undone == pytest.approx(softmax(logits), rel=1e-4, abs=1e-6)
        assert (undone.argmax(axis=1) == given_out.argmax(axis=1)).all()


def test_a_probability_of_zero_stays_finite_without_its_temperature() -> None:
    undone = uncalibrated(np.array([[1.0, 0.0]], np.float32), 2.0)
    assert np.isfinite(undone).all()
    assert undone.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="temperature"):
        uncalibrated(undone.astype(np.float32), 0.0)


def test_cross_entropy_is_in_nats_and_finite_for_a_zero() -> None:
    assert mean_cross_entropy(np.array([1 / math.e, 1.0])) == pytest.approx(0.5)
    assert mean_cross_entropy(np.array([0.0])) == pytest.approx(87.34, abs=0.01)


@settings(deadline=None)
@given(LOGITS)
def test_cross_entropy_is_scikit_learns_log_loss(logits: NDArray[np.float64]) -> None:
    truth = np.array([0, 1, 2, 3, 0])
    probabilities = softmax(logits)
    expected = sklearn.log_loss(truth, probabilities, labels=np.arange(CLASSES))
    assert mean_cross_entropy(probabilities[np.arange(5), truth]) == pytest.approx(expected)
