"""Doubt as numbers: confident learning on cases worked out by hand, margins, entropy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.doubting import (
    UNKNOWN,
    Thresholds,
    entropy,
    label_errors,
    normalized_margin,
    self_confidence,
)

ROWS = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.05, 0.95]], np.float32)
GIVEN = np.array([0, 0, 1, 1, 0])


def thresholds() -> Thresholds:
    made = Thresholds(2)
    made.add(GIVEN[:3], ROWS[:3])
    made.add(GIVEN[3:], ROWS[3:])
    return made


def test_a_threshold_is_the_mean_probability_of_a_label_on_its_own_images() -> None:
    assert thresholds().values == pytest.approx([(0.9 + 0.7 + 0.05) / 3, (0.8 + 0.9) / 2])


def test_a_label_without_images_is_never_reached() -> None:
    assert Thresholds(3).values.tolist() == [math.inf] * 3


def test_a_label_is_likely_wrong_where_the_model_is_confident_of_another() -> None:
    assert label_errors(GIVEN, ROWS, thresholds().values).tolist() == [0, 0, 0, 0, 1]


def test_an_answer_below_its_threshold_says_nothing_of_the_label() -> None:
    rows = np.array([[0.45, 0.55]], np.float32)
    assert not label_errors(np.array([0]), rows, np.array([0.5, 0.85])).any()


def test_a_label_that_the_model_does_not_know_is_not_judged() -> None:
    assert not label_errors(np.array([UNKNOWN]), ROWS[4:], thresholds().values).any()


def test_the_margin_is_the_given_label_less_the_best_other() -> None:
    assert normalized_margin(GIVEN, ROWS) == pytest.approx([0.8, 0.4, 0.6, 0.8, -0.9], abs=1e-6)
    assert normalized_margin(np.array([UNKNOWN]), ROWS[:1]) == pytest.approx([-0.9])


def test_the_margin_of_the_only_label_is_its_probability() -> None:
    assert normalized_margin(np.array([0]), np.ones((1, 1), np.float32)) == pytest.approx([1])


def test_self_confidence_is_the_probability_of_the_given_label() -> None:
    given = np.array([0, UNKNOWN])
    assert self_confidence(given, ROWS[:2]) == pytest.approx([0.9, 0])


def test_entropy_is_highest_where_nothing_is_known() -> None:
    rows = np.array([[1, 0], [0.5, 0.5]], np.float32)
    assert entropy(rows) == pytest.approx([0, math.log(2)], abs=1e-9)
