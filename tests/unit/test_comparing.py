"""Two models on the same images: the counts, McNemar's test, and what differed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.comparing import FEW, compare, mcnemar, model_of
from ml.predicting import as_predictions
from storage.errors import NotFound, NotReady, QueryError, UsageError
from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tests.making import new_run
from tests.ml_fixtures import DIGITS, digits, digits_model, digits_weights, store_digits

SWAPPED = ("1", "0", *DIGITS[2:])


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A hundred test digits, a good model, and one that takes 0 for 1 and 1 for 0."""
    with open_repository(tmp_path / "digits.db", create=True) as opened:
        store_digits(opened, 100)
        opened.models.add(digits_model("good"))
        opened.models.add(digits_model("swapped", SWAPPED))
        yield opened


def answered() -> tuple[np.ndarray, np.ndarray]:
    """What the last hundred digits are, and what the good model says."""
    images, targets = digits()
    weights, bias = digits_weights()
    logits = images[-100:].reshape(100, 64).astype(np.float64) @ weights.T + bias
    return targets[-100:], logits.argmax(axis=1)


# McNemar's test


@pytest.mark.parametrize(
    ("b", "c", "method", "statistic", "p_value"),
    [
        (0, 0, "exact", None, 1.0),
        (0, 10, "exact", None, 0.001953125),
        (5, 19, "exact", None, 0.006610751152038573),
        (10, 20, "chi-square", 2.7, 0.10034824646229063),
        (3, 40, "chi-square", 36 * 36 / 43, 4.020508809874526e-08),
        (13, 13, "chi-square", 0.0, 1.0),
    ],
)
def test_mcnemar_has_the_values_of_the_tables(
    b: int, c: int, method: str, statistic: float | None, p_value: float
) -> None:
    test = mcnemar(b, c)
    assert test.method == method
    assert test.statistic == (None if statistic is None else pytest.approx(statistic))
    assert test.p_value == pytest.approx(p_value)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_mcnemar_is_a_probability_and_knows_no_order(b: int, c: int) -> None:
    test = mcnemar(b, c)
    assert 0 <= test.p_value <= 1
    assert test == mcnemar(c, b)
    assert test.method == ("exact" if b + c < FEW else "chi-square")


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_clearer_difference_is_never_more_likely(b: int, c: int) -> None:
    low, high = sorted((b, c))
    if low > 0:
        assert mcnemar(low - 1, high + 1).p_value <= mcnemar(low, high).p_value + 1e-12


def test_a_count_below_0_is_an_error() -> None:
    with pytest.raises(ValueError, match="b=-1"):
        mcnemar(-1, 2)


# Comparing


def test_images_are_counted_by_who_gets_them_right(repository: Repository) -> None:
    truth, good = answered()
    swap = np.array([1, 0, *range(2, 10)])
    right_a, right_b = good == truth, swap[good] == truth
    comparison = compare(repository, "good", "swapped")
    assert (comparison.on, comparison.n) == ("test", 100)
    assert comparison.both == (right_a & right_b).sum()
    assert comparison.only_a == (right_a & ~right_b).sum() > 0
    assert comparison.only_b == (~right_a & right_b).sum()
    assert comparison.neither == (~right_a & ~right_b).sum()
    assert comparison.a.correct == right_a.sum()
    assert comparison.b.accuracy == right_b.mean()
    low, high = comparison.a.accuracy_interval
    assert low <= comparison.a.accuracy <= high
    assert comparison.test == mcnemar(comparison.only_a, comparison.only_b)


def test_the_images_that_only_one_gets_right_are_listed_with_both_answers(
    repository: Repository,
) -> None:
    comparison = compare(repository, "good", "swapped")
    assert len(comparison.flips) == comparison.only_a + comparison.only_b
    assert [flip.image for flip in comparison.flips] == sorted(f.image for f in comparison.flips)
    for flip in comparison.flips:
        assert repository.images.get(flip.image).label == flip.label
        assert (flip.a == flip.label, flip.b == flip.label) == (
            flip.right == "a",
            flip.right == "b",
        )
    assert len(compare(repository, "good", "swapped", flips=2).flips) == 2


def test_a_clear_difference_is_said_to_be_one(repository: Repository) -> None:
    comparison = compare(repository, "swapped", "good")
    assert comparison.test.p_value < 0.05
    assert comparison.verdict.startswith("good is better")


def test_models_that_answer_alike_are_not_told_apart(repository: Repository) -> None:
    repository.models.add(digits_model("twin"))
    comparison = compare(repository, "good", "twin")
    assert comparison.test.p_value == 1
    assert "nothing here tells them apart" in comparison.verdict
    assert comparison.flips == ()


def test_a_small_difference_is_no_evidence(repository: Repository) -> None:
    flips = compare(repository, "good", "swapped", flips=3).flips
    ids = ",".join(str(flip.image) for flip in flips)
    comparison = compare(repository, "good", "swapped", f"id:{ids}")
    assert comparison.test.p_value == 0.25
    assert comparison.verdict.startswith("No evidence")
    assert "in 25 % of" in comparison.verdict


def test_answers_that_were_missing_are_stored_and_the_others_stay(repository: Repository) -> None:
    rows = np.eye(10, dtype=np.float32)[[3]]
    repository.predictions.save(1, as_predictions([1], DIGITS, rows))
    comparison = compare(repository, "good", "swapped")
    assert len(list(repository.predictions.of_model(1, parse("")))) == 100
    assert len(list(repository.predictions.of_model(2, parse("")))) == 100
    (kept,) = [each for each in repository.predictions.of_image(1) if each.model == 1]
    assert (kept.label, kept.confidence) == ("3", 1.0)
    assert comparison == compare(repository, "good", "swapped")


def test_a_model_whose_answers_are_all_stored_is_not_run(repository: Repository) -> None:
    broken = repository.models.add(dataclasses.replace(digits_model("broken"), litert=b"nothing"))
    ids = repository.images.ids(parse(""))
    rows = np.tile(np.eye(10, dtype=np.float32)[[0]], (100, 1))
    repository.predictions.save(broken, as_predictions(ids, DIGITS, rows))
    comparison = compare(repository, "broken", "good")
    assert comparison.a.correct == repository.images.count(parse("label:0"))


def test_progress_counts_what_both_had_to_predict(repository: Repository) -> None:
    told: list[tuple[int, int]] = []
    compare(repository, "good", "swapped", progress=lambda *each: told.append(each))
    assert told == [(100, 200), (200, 200)]


def test_a_query_about_predictions_is_answered_before_any_is_stored(
    repository: Repository,
) -> None:
    compare(repository, "good", "swapped")
    wrong = repository.images.count(parse("is:wrong model:swapped"))
    comparison = compare(repository, "good", "swapped", "is:wrong model:swapped")
    assert comparison.n == wrong
    assert comparison.b.correct == 0


def test_images_without_a_label_are_left_out_and_counted(repository: Repository) -> None:
    repository.images.set_label([1, 2], None, actor="test")
    comparison = compare(repository, "good", "swapped")
    assert comparison.n == 98
    assert "left out for want of a label: 2" in comparison.notes


def test_images_to_train_on_are_counted_for_the_reader(repository: Repository) -> None:
    repository.images.set_split({1: "train", 2: "train"}, actor="test", summary="test")
    comparison = compare(repository, "good", "swapped", "id<9")
    assert "in the train split, and so perhaps learnt by heart: 2" in comparison.notes


def test_labels_that_a_model_never_learnt_count_as_wrong_and_are_named(
    repository: Repository,
) -> None:
    repository.images.set_label([1, 2], "cat", actor="test")
    comparison = compare(repository, "good", "swapped", "id<3")
    assert comparison.neither == 2
    assert "good never learnt cat: 2 images count as wrong" in comparison.notes


def test_what_differed_in_the_trainings_is_listed(repository: Repository) -> None:
    chosen = {"preset": "quick", "seed": 0}
    runs = []
    for epochs, extra in ((3, {}), (5, {"size": 8})):
        settings = {
            "chosen": chosen | extra,
            "recipe": {"epochs": epochs, "width": 16},
            "paced": {"step_seconds": epochs},
        }
        runs.append(repository.runs.create(dataclasses.replace(new_run(), settings=settings)))
    for run in runs:
        repository.models.add(dataclasses.replace(digits_model(f"run {run}"), run=run))
    a, b = (model_of(repository, run) for run in runs)
    comparison = compare(repository, str(a.id), str(b.id))
    assert [(each.name, each.a, each.b) for each in comparison.differences] == [
        ("recipe.epochs", 3, 5),
        ("chosen.size", None, 8),
    ]
    assert (comparison.a.run, comparison.b.run) == tuple(runs)


def test_a_model_without_its_training_is_said_to_be_one(repository: Repository) -> None:
    comparison = compare(repository, "good", "swapped")
    assert [each.name for each in comparison.differences] == ["labels"]
    assert "the training of good is not in this dataset" in comparison.notes


@pytest.mark.parametrize(
    ("a", "b", "on", "error"),
    [
        ("good", "1", "test", UsageError),
        ("good", "nobody", "test", NotFound),
        ("good", "swapped", "val", NotReady),
        ("good", "swapped", "is:odd", QueryError),
    ],
)
def test_what_cannot_be_compared_is_an_error(
    repository: Repository, a: str, b: str, on: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        compare(repository, a, b, on)


def test_a_run_that_gave_no_model_cannot_be_compared(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    with pytest.raises(NotReady, match=f"run {run} "):
        model_of(repository, run)
    with pytest.raises(NotFound):
        model_of(repository, 99)
