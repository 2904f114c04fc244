"""Temperature scaling, and which epoch is the best."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.calibration import HIGHEST, LOWEST, fit_temperature, loss_and_accuracy
from ml.fitting import slack


def answers(temperature: float, rows: int = 4_000) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Logits, and targets drawn from their softmax at a temperature."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (rows, 5)).astype(np.float32)
    noise = random.gumbel(size=logits.shape)
    return logits, (logits / temperature + noise).argmax(axis=1).astype(np.int32)


def test_loss_and_accuracy_are_those_of_a_hand_made_case() -> None:
    logits = np.log(np.array([[0.5, 0.5], [0.8, 0.2]], np.float32) + 0)
    loss, accuracy = loss_and_accuracy(logits, np.array([0, 1], np.int32))
    assert loss == pytest.approx(-(np.log(0.5) + np.log(0.2)) / 2, abs=1e-6)
    assert accuracy == 0.5


def test_great_logits_do_not_overflow() -> None:
    loss, accuracy = loss_and_accuracy(np.array([[1e4, -1e4]], np.float32), np.array([0], np.int32))
    assert (loss, accuracy) == (0.0, 1.0)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_of_the_answers_is_found(temperature: float) -> None:
    assert fit_temperature(*answers(temperature)) == pytest.approx(temperature, rel=0.06)


def test_a_calibrated_model_loses_less() -> None:
    logits, targets = answers(2.5)
    fitted = fit_temperature(logits, targets)
    assert loss_and_accuracy(logits, targets, fitted)[0] < loss_and_accuracy(logits, targets)[0]


def test_a_few_right_answers_do_not_ask_for_boundless_confidence() -> None:
    logits = np.array([[3.0, 0.0], [0.0, 3.0]], np.float32)
    assert 0.5 < fit_temperature(logits, np.array([0, 1], np.int32)) < 1


@pytest.mark.parametrize("right", [True, False])
def test_a_temperature_stays_within_its_bounds(right: bool) -> None:
    logits = np.tile(np.array([[9.0, 0.0]], np.float32), (5_000, 1))
    targets = np.full(5_000, 0 if right else 1, np.int32)
    assert LOWEST <= fit_temperature(logits, targets) <= HIGHEST


def test_the_slack_is_one_image_or_a_standard_error() -> None:
    assert slack(1.0, 100) == pytest.approx(0.01)
    assert slack(0.9, 10_000) == pytest.approx(0.003)
