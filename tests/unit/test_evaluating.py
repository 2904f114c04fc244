"""Evaluation: the figures against hand-made ones, what is left out, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.evaluating import MISTAKES, Evaluation, Unanswered, evaluate, evaluate_stored
from ml.mistakes import worst_mistakes
from ml.pixels import InputSpec
from storage.errors import NotFound, NotReady, QueryError, RefusedInput, UsageError
from storage.opening import open_repository
from storage.query import parse
from storage.records import NewPrediction
from storage.repository import Repository
from tests.making import new_run
from tests.ml_fixtures import (
    digits,
    digits_model,
    digits_weights,
    linear_litert,
    picture,
    store_digits,
)

KEYS = [
    *("model", "split", "n", "accuracy", "accuracy_interval", "loss", "ece", "reliability"),
    *("labels", "confusion", "per_class", "model_id", "run", "top3", "macro", "temperature"),
    *("uncalibrated", "confused", "mistakes", "data_digest"),
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
    assert result.calibration.loss == pytest.approx(-logs[np.arange(300), targets].mean(), rel=1e-3)
    assert result.accuracy_interval[0] < result.accuracy < result.accuracy_interval[1]
    assert 0 < result.calibration.ece < 1
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


def test_images_of_the_train_split_are_said_to_be_learnt(repository: Repository) -> None:
    store_digits(repository, 30)
    store_one(repository, 1, "1", "train")
    assert any("learnt by heart: 1." in note for note in evaluate(repository, None, "train").notes)
    assert not any("by heart" in note for note in evaluate(repository, None, "test").notes)


def test_splits_that_were_changed_after_the_training_are_told(repository: Repository) -> None:
    store_digits(repository, 30)
    run = repository.runs.create(new_run())
    repository.models.add(replace(digits_model(), run=run))
    assert not any("changed after" in note for note in evaluate(repository, None, "test").notes)
    repository.images.set_split({1: "train"}, summary="moved", actor="test")
    assert any("changed after" in note for note in evaluate(repository, None, "test").notes)
    repository.history.undo()
    assert not any("changed after" in note for note in evaluate(repository, None, "test").notes)


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


def test_top_3_counts_labels_among_the_three_most_probable(repository: Repository) -> None:
    store_digits(repository, 200)
    result = evaluate(repository, None, "test")
    rows = list(repository.predictions.of_model(result.model_id, parse("")))
    among = [
        int(row.truth or "") in np.frombuffer(row.probabilities, "<f4").argsort()[-3:]
        for row in rows
    ]
    assert result.top3 == np.mean(among)
    assert result.accuracy < result.top3 < 1


def test_three_labels_or_fewer_have_no_top_3(tmp_path: Path) -> None:
    with open_repository(tmp_path / "three.db", create=True) as repository:
        repository.models.add(digits_model(labels=("0", "1", "2")))
        store_one(repository, 9, "1", "test")
        assert evaluate(repository, None, "test").top3 is None


def test_before_calibration_is_the_model_without_its_temperature(tmp_path: Path) -> None:
    with open_repository(tmp_path / "two.db", create=True) as repository:
        store_digits(repository, 300)
        plain = repository.models.add(digits_model("plain"))
        weights, bias = (each / 2 for each in digits_weights())
        scaled = replace(
            digits_model("scaled"),
            litert=linear_litert(weights, bias, InputSpec(8, 8, 1)),
            temperature=2.0,
        )
        repository.models.add(scaled)
        first, second = (evaluate(repository, name, "test") for name in ("plain", "scaled"))
    assert first.model_id == plain
    assert first.uncalibrated.loss == pytest.approx(first.calibration.loss, rel=1e-5)
    assert second.uncalibrated.loss == pytest.approx(first.calibration.loss, rel=1e-4)
    assert second.uncalibrated.ece == pytest.approx(first.calibration.ece, abs=2e-3)
    assert second.calibration.loss < first.calibration.loss
    assert second.accuracy == first.accuracy


def test_macro_is_the_mean_over_the_labels_that_occur(repository: Repository) -> None:
    store_digits(repository, 100)
    result = evaluate(repository, None, "label:3,4")
    recalls = [result.per_class[label].recall for label in ("3", "4")]
    assert result.macro.recall == pytest.approx(sum(recalls) / 2)


def test_the_worst_mistakes_are_the_most_confident_wrong_answers(repository: Repository) -> None:
    store_digits(repository, 300)
    result = evaluate(repository, None, "test")
    assert result.mistakes == worst_mistakes(repository, None, parse("split:test"), MISTAKES)
    assert len(result.mistakes) == min(MISTAKES, repository.images.count(parse("is:wrong")))
    confidences = [mistake.confidence for mistake in result.mistakes]
    assert confidences == sorted(confidences, reverse=True)
    assert all(mistake.truth != mistake.predicted for mistake in result.mistakes)


def test_the_worst_mistakes_go_by_the_labels_of_now(repository: Repository) -> None:
    store_digits(repository, 300)
    first = evaluate(repository, None, "test").mistakes[0]
    repository.images.set_label([first.image], first.predicted, actor="test")
    left = worst_mistakes(repository, None, parse(""), 100)
    assert first.image not in [mistake.image for mistake in left]
    assert worst_mistakes(repository, None, parse("label:0 id:0"), 5) == ()


def test_no_mistakes_at_all_cannot_be_asked_for(repository: Repository) -> None:
    with pytest.raises(UsageError, match="most is 0"):
        worst_mistakes(repository, None, parse(""), 0)


def test_the_digest_is_that_of_images_and_labels_and_not_of_their_order(
    repository: Repository, tmp_path: Path
) -> None:
    ids = store_digits(repository, 30)
    first = evaluate(repository, None, "test").data_digest
    with open_repository(tmp_path / "other.db", create=True) as other:
        other.models.add(digits_model())
        import_id = other.images.begin_import("again", {})
        images = [image for _, image in repository.images.stored(ids)]
        other.images.add(images[::-1], import_id=import_id)
        assert evaluate(other, None, "test").data_digest == first
        other.images.set_label([1], "5" if other.images.get(1).label != "5" else "6", actor="test")
        assert evaluate(other, None, "test").data_digest != first


# Stored answers


def test_stored_answers_give_the_same_evaluation(repository: Repository) -> None:
    store_digits(repository, 150)
    fresh = evaluate(repository, None, "test")
    again = evaluate_stored(repository, None, "test")
    assert isinstance(again, Evaluation)
    assert again.to_json() == fresh.to_json()
    assert again.notes == fresh.notes


def test_stored_answers_are_judged_by_the_labels_of_now(repository: Repository) -> None:
    store_digits(repository, 50)
    before = evaluate(repository, None, "test")
    image = repository.images.ids(parse("label:3"))[0]
    repository.images.set_label([image], "4", actor="test")
    now = evaluate_stored(repository, None, "test")
    assert isinstance(now, Evaluation)
    assert now.per_class["3"].support == before.per_class["3"].support - 1
    assert now.to_json() == evaluate(repository, None, "test").to_json()


def test_an_image_without_a_stored_answer_is_told(repository: Repository) -> None:
    store_digits(repository, 30)
    evaluate(repository, None, "test")
    store_one(repository, 7, "1", "test")
    found = evaluate_stored(repository, None, "test")
    assert isinstance(found, Unanswered)
    assert (found.model.name, found.split, found.n, found.missing) == ("digits", "test", 31, 1)
    assert stored(repository) == 30


def test_only_what_is_missing_is_predicted_where_stored_answers_will_do(
    repository: Repository,
) -> None:
    store_digits(repository, 30)
    evaluate(repository, None, "id<=20")
    seen: list[tuple[int, int]] = []
    result = evaluate(
        repository, None, "test", stored=True, progress=lambda *done: seen.append(done)
    )
    assert seen == [(10, 10)]
    assert result.to_json() == evaluate(repository, None, "test").to_json()


def test_nothing_is_predicted_where_every_answer_is_stored(repository: Repository) -> None:
    store_digits(repository, 30)
    fresh = evaluate(repository, None, "test")
    seen: list[tuple[int, int]] = []
    result = evaluate(
        repository, None, "test", stored=True, progress=lambda *done: seen.append(done)
    )
    assert seen == []
    assert result.to_json() == fresh.to_json()


@pytest.mark.parametrize(
    "damaged",
    [b"", np.full(9, 0.1, "<f4").tobytes(), np.full(10, np.nan, "<f4").tobytes()],
    ids=["none", "too few", "not numbers"],
)
def test_a_stored_answer_that_is_no_probabilities_counts_as_none(
    repository: Repository, damaged: bytes
) -> None:
    store_digits(repository, 12)
    fresh = evaluate(repository, None, "test")
    bad = NewPrediction(5, "1", 0.9, 0.8, damaged)
    repository.predictions.save(fresh.model_id, [bad])
    found = evaluate_stored(repository, None, "test")
    assert isinstance(found, Unanswered)
    assert found.missing == 1
    assert evaluate(repository, None, "test", stored=True).to_json() == fresh.to_json()


def test_stored_answers_of_images_that_do_not_count_are_passed_over(
    repository: Repository,
) -> None:
    store_digits(repository, 20)
    evaluate(repository, None, "test")
    repository.images.set_label([20], None, actor="test")
    repository.images.delete([3], actor="test")
    found = evaluate_stored(repository, None, "test")
    assert isinstance(found, Evaluation)
    assert found.n == 18
    assert found.notes[0] == "Left out for want of a label: 1."
