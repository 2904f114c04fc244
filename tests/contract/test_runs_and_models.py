"""Runs, models and predictions: every epoch kept, every weight checked, every answer whole."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from storage.errors import DatasetError, NotFound, NotReady, RefusedInput
from storage.query import parse
from storage.records import RunStatus
from storage.repository import Repository
from tests.backends import Backend
from tests.making import (
    add_images,
    checkpoint,
    epoch,
    new_image,
    new_model,
    new_prediction,
    new_run,
)


def test_a_run_is_read_back_with_its_epochs(repository: Repository) -> None:
    run = repository.runs.create(new_run("first"))
    repository.runs.record_epoch(run, epoch(1), last=checkpoint(1), best=checkpoint(1))
    repository.runs.record_epoch(run, epoch(2, None), last=checkpoint(2))
    record = repository.runs.get(run)
    assert (record.name, record.status, record.seed) == ("first", "running", 7)
    assert record.settings == {"preset": "quick"}
    assert (record.labels, record.data_digest) == (("a", "b"), b"d" * 32)
    assert record.epochs == (epoch(1), epoch(2, None))
    assert (record.finished_at, record.error, record.model) == (None, None, None)


def test_checkpoints_keep_the_last_and_the_best(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    assert repository.runs.checkpoint(run, "last") is None
    repository.runs.record_epoch(run, epoch(1), last=checkpoint(1), best=checkpoint(1))
    repository.runs.record_epoch(run, epoch(2), last=checkpoint(2))
    assert repository.runs.checkpoint(run, "last") == checkpoint(2)
    assert repository.runs.checkpoint(run, "best") == checkpoint(1)


def test_a_finished_run_says_how_it_ended(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    repository.runs.finish(run, "failed", error="the disk is full")
    record = repository.runs.get(run)
    assert (record.status, record.error) == ("failed", "the disk is full")
    assert record.finished_at is not None


@pytest.mark.parametrize(("status", "kept"), [("done", False), ("stopped", True), ("failed", True)])
def test_checkpoints_are_kept_until_the_run_is_done(
    repository: Repository, status: RunStatus, kept: bool
) -> None:
    run = repository.runs.create(new_run())
    repository.runs.record_epoch(run, epoch(1), last=checkpoint(1), best=checkpoint(1))
    repository.runs.finish(run, status)
    assert (repository.runs.checkpoint(run, "last") is not None) == kept
    assert len(repository.runs.get(run).epochs) == 1


def test_runs_are_listed_newest_first(repository: Repository) -> None:
    first, second = repository.runs.create(new_run()), repository.runs.create(new_run())
    assert [run.id for run in repository.runs.all()] == [second, first]


def test_an_unknown_run_is_not_found(repository: Repository) -> None:
    for use in (
        lambda: repository.runs.get(9),
        lambda: repository.runs.finish(9, "done"),
        lambda: repository.runs.checkpoint(9, "last"),
        lambda: repository.runs.record_epoch(9, epoch(1), last=checkpoint(1)),
    ):
        with pytest.raises(NotFound, match="no run 9"):
            use()


def test_a_model_is_read_back_with_its_labels_in_order(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    model = repository.models.add(new_model("z", "a", "m", run=run))
    record = repository.models.get(model)
    assert record.labels == ("z", "a", "m")
    assert (record.spec, record.parameters, record.temperature) == ({"kind": "none"}, 3, 1.5)
    assert (record.run, repository.runs.get(run).model) == (run, model)
    assert repository.models.weights(model) == b"weights of model"
    assert repository.models.litert(model) == b"litert of model"


def test_a_model_is_found_by_id_by_name_or_as_the_newest(repository: Repository) -> None:
    with pytest.raises(NotReady, match="no model yet"):
        repository.models.find(None)
    first = repository.models.add(new_model("a", name="one"))
    second = repository.models.add(new_model("a", name="two"))
    assert repository.models.find(None).id == second
    assert repository.models.find(str(first)).id == first
    assert repository.models.find("two").id == second
    assert [model.id for model in repository.models.all()] == [second, first]
    with pytest.raises(NotFound, match="no model 'three'"):
        repository.models.find("three")


def test_a_model_is_found_by_its_new_name(repository: Repository) -> None:
    model = repository.models.add(new_model("a", name="old"))
    before = repository.models.get(model)
    repository.models.rename(model, " new ")
    assert repository.models.find("new") == replace(before, name="new")
    with pytest.raises(NotFound, match="no model 'old'"):
        repository.models.find("old")
    repository.models.rename(model, "new")
    with pytest.raises(NotFound, match="no model 99"):
        repository.models.rename(99, "other")


@pytest.mark.parametrize(
    ("name", "words"),
    [("two", "model 2 has the name"), ("7", "is a number"), ("", "is empty"), ("a\nb", "control")],
)
def test_a_name_that_another_model_has_or_that_is_none_is_refused(
    repository: Repository, name: str, words: str
) -> None:
    model = repository.models.add(new_model("a", name="one"))
    repository.models.add(new_model("a", name="two"))
    with pytest.raises(RefusedInput, match=words):
        repository.models.rename(model, name)
    assert repository.models.get(model).name == "one"


def test_weights_that_were_changed_are_not_given_out(
    repository: Repository, backend: Backend
) -> None:
    model = repository.models.add(new_model("a"))
    backend.change("model_data", model, litert=b"\0")
    with pytest.raises(DatasetError, match="not what was stored"):
        repository.models.litert(model)
    assert [problem.what for problem in repository.check()] == [
        f"the litert of model {model} are not what was stored"
    ]


def test_removing_a_model_takes_its_predictions_and_leaves_its_run(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    run = repository.runs.create(new_run())
    model = repository.models.add(new_model("a", run=run))
    repository.predictions.save(model, [new_prediction(image, "a", 0.9)])
    repository.models.remove(model)
    assert repository.models.all() == []
    assert repository.predictions.of_image(image) == []
    assert repository.runs.get(run).model is None
    with pytest.raises(NotFound):
        repository.models.remove(model)


def test_a_prediction_is_read_back_with_all_probabilities(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1, label="b"))
    model = repository.models.add(new_model("a", "b"))
    probabilities = array("f", [0.25, 0.75]).tobytes()
    given = replace(new_prediction(image, "b", 0.75, 0.5), probabilities=probabilities)
    repository.predictions.save(model, [given])
    (stored,) = repository.predictions.of_image(image)
    assert (stored.image, stored.model, stored.label) == (image, model, "b")
    assert (stored.confidence, stored.margin, stored.truth) == (0.75, 0.5, "b")
    assert stored.probabilities == probabilities


def test_a_second_answer_replaces_the_first(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    model = repository.models.add(new_model("a", "b"))
    repository.predictions.save(model, [new_prediction(image, "a", 0.9)])
    repository.predictions.save(model, [new_prediction(image, "b", 0.6)])
    assert [p.label for p in repository.predictions.of_image(image)] == ["b"]


def test_an_image_shows_the_newest_models_answer_unless_one_is_named(
    repository: Repository,
) -> None:
    (image,) = add_images(repository, new_image(1, label="a"))
    old = repository.models.add(new_model("a", "b", name="old"))
    new = repository.models.add(new_model("a", "b", name="new"))
    repository.predictions.save(old, [new_prediction(image, "a", 0.9)])
    repository.predictions.save(new, [new_prediction(image, "b", 0.6)])
    shown = repository.images.get(image).prediction
    assert shown is not None
    assert (shown.model, shown.label, shown.wrong) == (new, "b", True)
    named = repository.images.get(image, model=old).prediction
    assert named is not None
    assert (named.model, named.label, named.wrong) == (old, "a", False)
    (paged,) = repository.images.page(parse("model:old")).images
    assert paged.prediction == named
    assert [p.model for p in repository.predictions.of_image(image)] == [new, old]


def test_predictions_for_an_unknown_image_or_model_are_not_stored(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    model = repository.models.add(new_model("a"))
    with pytest.raises(NotFound, match="no image 99"):
        repository.predictions.save(
            model, [new_prediction(image, "a", 0.9), new_prediction(99, "a", 0.9)]
        )
    with pytest.raises(NotFound, match="no model 99"):
        repository.predictions.save(99, [new_prediction(image, "a", 0.9)])
    assert repository.predictions.of_image(image) == []


def test_the_answers_of_a_model_come_in_id_order(repository: Repository) -> None:
    ids = add_images(repository, *(new_image(n, label="a" if n % 2 else "b") for n in range(6)))
    model = repository.models.add(new_model("a", "b"))
    repository.predictions.save(model, [new_prediction(i, "a", 0.9) for i in reversed(ids)])
    answers = repository.predictions.of_model(model, parse("label:a sort:-id"))
    assert [answer.image for answer in answers] == ids[1::2]
