"""Evaluation: the figures against hand-made ones, what is left out, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ml.evaluating import evaluate
from ml.metrics import (
    confusion_and_scores,
    expected_calibration_error,
    mean_cross_entropy,
    wilson_interval,
)
from storage.errors import NotFound, NotReady, QueryError, RefusedInput
from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tests.ml_fixtures import digits, digits_model, digits_weights, picture, store_digits

KEYS = [
    "model",
    "split",
    "n",
    "accuracy",
    "accuracy_interval",
    "loss",
    "ece",
    "labels",
    "confusion",
    "per_class",
]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "digits.db", create=True) as opened:
        opened.models.add(digits_model())
        yield opened


def store_one(repository: Repository, value: int, label: str | None, split: str | None) -> int:
    image = picture(np.full((8, 8), value, np.uint8), label=label, split=split)
    import_id = repository.images.begin_import("one", {})
    return repository.images.add([image], import_id=import_id)[0].id


def stored(repository: Repository) -> int:
    """How many predictions the newest model has in the dataset."""
    model = repository.models.find(None)
    return len(list(repository.predictions.of_model(model.id, parse(""))))


# Evaluating


def test_the_figures_are_those_of_the_answers(repository: Repository) -> None:
    store_digits(repository, 300)
    result = evaluate(repository, None, "test")
    images, targets = digits()[0][-300:], digits()[1][-300:]
    weights, bias = (each.astype(np.float64) for each in digits_weights())
    logits = images.reshape(300, 64) @ weights.T + bias
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    predicted = logits.argmax(axis=1)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (targets, predicted), 1)
    assert (result.model, result.split, result.n) == ("digits", "test", 300)
    assert result.labels == tuple("0123456789")
    assert result.confusion == tuple(map(tuple, confusion.tolist()))
    assert result.accuracy == (predicted == targets).mean()
    assert result.loss == pytest.approx(-logs[np.arange(300), targets].mean(), rel=1e-3)
    assert result.accuracy_interval[0] < result.accuracy < result.accuracy_interval[1]
    assert 0 < result.ece < 1
    assert result.notes == ()
    three = result.per_class["3"]
    assert three.support == confusion[3].sum()
    assert three.recall == pytest.approx(confusion[3, 3] / confusion[3].sum())
    assert three.precision == pytest.approx(confusion[3, 3] / confusion[:, 3].sum())


def test_the_json_has_exactly_the_documented_keys(repository: Repository) -> None:
    store_digits(repository, 50)
    value = evaluate(repository, None, "test").to_json()
    assert list(value) == KEYS
    assert list(value["per_class"]["0"]) == ["precision", "recall", "f1", "support"]
    assert json.loads(json.dumps(value, allow_nan=False)) == value


def test_the_answers_are_stored(repository: Repository) -> None:
    store_digits(repository, 100)
    result = evaluate(repository, None, "test")
    wrong = repository.images.count(parse("is:wrong"))
    assert stored(repository) == 100
    assert wrong == 100 - round(result.accuracy * 100)


def test_the_answers_are_not_stored_when_that_is_not_wanted(repository: Repository) -> None:
    store_digits(repository, 20)
    evaluate(repository, None, "test", save=False)
    assert stored(repository) == 0


def test_only_the_split_asked_for_counts(repository: Repository) -> None:
    store_digits(repository, 30)
    store_one(repository, 1, "1", "train")
    assert evaluate(repository, None, "test").n == 30
    assert evaluate(repository, None, "train").n == 1


def test_a_query_chooses_images_across_splits(repository: Repository) -> None:
    store_digits(repository, 100)
    threes = repository.images.count(parse("label:3"))
    result = evaluate(repository, None, "label:3")
    assert (result.n, result.split) == (threes, "label:3")
    assert evaluate(repository, None, parse("label:3")).n == threes


def test_labels_that_do_not_occur_are_named_and_score_zero(repository: Repository) -> None:
    store_digits(repository, 100)
    result = evaluate(repository, None, "label:3,4")
    assert result.notes == ("No image here has the label 0, 1, 2, 5, 6, 7, 8, 9.",)
    assert result.per_class["0"].support == 0
    assert result.per_class["0"].recall == 0.0


def test_unlabelled_images_are_left_out_and_counted(repository: Repository) -> None:
    store_digits(repository, 100)
    store_one(repository, 7, None, "test")
    store_one(repository, 8, None, "test")
    result = evaluate(repository, None, "test")
    assert result.n == 100
    assert result.notes == ("Left out for want of a label: 2.",)


def test_a_split_without_images_is_refused_by_name(repository: Repository) -> None:
    with pytest.raises(NotReady, match="no images in the val split"):
        evaluate(repository, None, "val")


def test_a_split_without_a_single_label_is_refused(repository: Repository) -> None:
    store_one(repository, 7, None, "test")
    with pytest.raises(NotReady, match="none of the 1 images of the test split has a label"):
        evaluate(repository, None, "test")


def test_labels_that_the_model_never_learned_are_refused_and_named(repository: Repository) -> None:
    store_digits(repository, 20)
    store_one(repository, 7, "giraffe", "test")
    with pytest.raises(RefusedInput, match=r"never learned.*'giraffe' \(1 images\)") as caught:
        evaluate(repository, None, "test")
    assert "0, 1, 2" in (caught.value.hint or "")
    assert stored(repository) == 0


def test_many_unknown_labels_are_named_in_part(repository: Repository) -> None:
    for at in range(8):
        store_one(repository, at, f"animal {at}", "test")
    with pytest.raises(RefusedInput, match="3 more labels"):
        evaluate(repository, None, "test")


def test_an_unknown_model_is_refused(repository: Repository) -> None:
    with pytest.raises(NotFound):
        evaluate(repository, "never", "test")


def test_a_query_that_is_not_understood_is_refused(repository: Repository) -> None:
    with pytest.raises(QueryError):
        evaluate(repository, None, "nonsense:")


def test_without_a_model_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    with (
        open_repository(tmp_path / "none.db", create=True) as empty,
        pytest.raises(NotReady, match="model"),
    ):
        evaluate(empty, None, "test")


# Metrics


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


@pytest.mark.parametrize(("correct", "total"), [(0, 0), (2, 1), (-1, 5)])
def test_an_interval_of_an_impossible_count_is_an_error(correct: int, total: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        wilson_interval(correct, total)


def test_calibration_error_is_the_weighted_gap_of_each_bin() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55], np.float64)
    right = np.array([True, True, True, False, True, True])
    expected = (4 * abs(0.95 - 0.75) + 2 * abs(0.55 - 1.0)) / 6
    assert expected_calibration_error(confidence, right) == pytest.approx(expected)


def test_a_model_that_is_as_right_as_it_is_sure_has_no_calibration_error() -> None:
    confidence = np.full(10, 0.9)
    right = np.arange(10) < 9
    assert expected_calibration_error(confidence, right) == pytest.approx(0)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    confidence = np.array([0.5, 0.6])
    right = np.array([True, False])
    both = expected_calibration_error(confidence, right, bins=2)
    assert both == pytest.approx((0.5 + 0.6) / 2)


def test_cross_entropy_is_in_nats_and_finite_for_a_zero() -> None:
    assert mean_cross_entropy(np.array([1 / math.e, 1.0])) == pytest.approx(0.5)
    assert mean_cross_entropy(np.array([0.0])) == pytest.approx(87.34, abs=0.01)


def test_rows_of_the_confusion_are_true_and_columns_predicted() -> None:
    matrix, scores = confusion_and_scores(np.array([0, 0, 1]), np.array([1, 0, 1]), ("a", "b", "c"))
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert scores["a"].recall == 0.5
    assert scores["b"].precision == 0.5
    assert scores["c"].f1 == 0.0
