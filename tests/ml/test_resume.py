"""A run that was stopped, killed or went wrong ends as one that was not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ml.pacing
from ml.beginning import new_trainer
from ml.events import CheckpointSaved, Done, Epoch, Event, Phase, Started, Step
from ml.keeping import Keeper
from ml.network import put_weights, take_weights
from ml.settings import TrainSettings
from ml.spec import ArchitectureSpec
from ml.trainer import Diverged, OutOfMemory, Trainer
from storage.errors import DatasetBusy, NotFound, NotReady
from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tests.ml.rehearsal import SETTINGS, Death, Rehearsal, rehearsing, trip
from tests.ml_fixtures import store_digits

pytestmark = pytest.mark.slow
PAIR = replace(SETTINGS, epochs=2, ensemble=2)


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with rehearsing() as patch:
        yield patch


def dataset(folder: Path) -> Repository:
    folder.mkdir(exist_ok=True)
    repository = open_repository(folder / "digits.db", create=True)
    store_digits(repository, 150, split="train")
    return repository


@pytest.fixture
def one(tmp_path: Path, patch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """Trainings on a dataset of a few digits."""
    with dataset(tmp_path / "one") as repository:
        yield Rehearsal(repository)


@pytest.fixture
def other(tmp_path: Path, patch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """Trainings on an equal dataset."""
    with dataset(tmp_path / "other") as repository:
        yield Rehearsal(repository)


@dataclass(frozen=True)
class Whole:
    """What a training without a break gave."""

    done: Done
    figures: list[tuple[Any, ...]]


def whole(folder: Path, settings: TrainSettings) -> Whole:
    with rehearsing(), dataset(folder) as repository:
        rehearsal = Rehearsal(repository)
        done = rehearsal.train(settings)
        return Whole(done, rehearsal.figures())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return whole(tmp_path_factory.mktemp("plain"), SETTINGS)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return whole(tmp_path_factory.mktemp("pair"), PAIR)


def test_a_run_that_dies_often_ends_with_the_same_weights_and_figures(
    plain: Whole, one: Rehearsal
) -> None:
    again, deaths = one.die_often(SETTINGS, after=6)
    assert deaths >= 3
    assert again.weights_sha256 == plain.done.weights_sha256
    assert again.val_loss == plain.done.val_loss
    assert one.figures() == plain.figures
    run = one.repository.runs.get(1)
    assert (run.status, len(one.repository.runs.all())) == ("done", 1)
    assert one.repository.runs.checkpoint(1, "last") is None


def test_an_ensemble_that_dies_often_ends_with_the_same_weights(
    pair: Whole, one: Rehearsal
) -> None:
    again, deaths = one.die_often(PAIR, after=7)
    assert deaths >= 3
    assert again.weights_sha256 == pair.done.weights_sha256
    assert one.figures() == pair.figures
    assert [figures[0] for figures in one.figures()] == [1, 2, 3, 4]
    model = one.repository.models.find(None)
    assert ArchitectureSpec.from_json(model.spec).members == 2


def test_a_stop_loses_no_step_and_leaves_a_model_of_what_there_was(
    plain: Whole, one: Rehearsal
) -> None:
    steps: list[int] = []

    def in_second_epoch(event: Event) -> bool:
        if isinstance(event, Step) and event.epoch == 2:
            steps.append(event.step)
        return bool(steps)

    stopped = one.train(SETTINGS, stops=in_second_epoch)
    assert (stopped.stopped, stopped.epochs, stopped.steps) == (True, 1, steps[0])
    assert stopped.model is not None
    record = one.repository.runs.get(1)
    assert (record.status, record.model) == ("stopped", stopped.model)
    last = one.repository.runs.checkpoint(1, "last")
    assert last is not None
    assert last.step == steps[0]
    again = one.train(resume=1)
    assert again.weights_sha256 == plain.done.weights_sha256
    assert (again.stopped, one.repository.runs.get(1).status) == (False, "done")
    assert one.repository.runs.get(1).model == again.model != stopped.model


def test_a_run_that_died_while_its_model_was_made_needs_no_more_training(
    pair: Whole, one: Rehearsal
) -> None:
    with pytest.raises(Death):
        one.train(PAIR, ends=lambda event: event == Phase("saving"))
    one.told.clear()
    again = one.train(resume=1)
    assert again.weights_sha256 == pair.done.weights_sha256
    assert again.val_loss == pair.done.val_loss
    assert again.steps == pair.done.steps
    assert not any(isinstance(event, Step | Epoch) for event in one.told)


def test_a_run_without_a_checkpoint_begins_anew_under_its_id(plain: Whole, one: Rehearsal) -> None:
    with pytest.raises(Death):
        one.train(SETTINGS, ends=lambda event: event == Phase("training"))
    again = one.train(resume=1)
    assert (again.run, again.weights_sha256) == (1, plain.done.weights_sha256)


def test_a_training_that_comes_apart_goes_on_with_a_lower_rate_and_can_be_resumed(
    one: Rehearsal, other: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    trip(patch, Diverged("it came apart"), lambda t: t.rate_scale == 1 and t.steps == 13)
    done = one.train(SETTINGS)
    assert any("0.5 of the learning rate" in note for note in one.notes)
    again, deaths = other.die_often(SETTINGS, after=5)
    assert deaths >= 3
    assert again.weights_sha256 == done.weights_sha256
    assert other.figures() == one.figures()


def test_a_training_that_always_comes_apart_is_given_up(
    one: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    trip(patch, Diverged("it came apart"), lambda t: t.steps == 2)
    with pytest.raises(Diverged, match="came apart"):
        one.train(SETTINGS)
    assert len(one.notes) == 6
    assert one.repository.runs.get(1).status == "failed"


def test_a_batch_that_does_not_fit_is_halved_and_the_run_can_be_resumed(
    one: Rehearsal, other: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    trip(patch, OutOfMemory("too much"), lambda t: t.recipe.batch > 8 and t.steps == 13)
    done = one.train(SETTINGS)
    assert any("batches of 8" in note for note in one.notes)
    record = one.repository.runs.get(1)
    assert record.settings["recipe"]["batch"] == 8
    assert record.total_steps == done.steps == record.epochs[-1].step
    assert record.total_epochs == len(record.epochs) == 3
    again, deaths = other.die_often(SETTINGS, after=7)
    assert deaths >= 3
    assert again.weights_sha256 == done.weights_sha256
    assert other.figures() == one.figures()


def test_a_picture_that_does_not_fit_by_itself_is_given_up(
    one: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    trip(patch, MemoryError(), lambda t: True)
    with pytest.raises(NotReady, match="not even one picture") as raised:
        one.train(SETTINGS)
    assert "--size" in str(raised.value.hint)


def test_a_failed_run_can_be_resumed(
    plain: Whole, one: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as fault:
        trip(fault, ValueError("unforeseen"), lambda t: t.steps == 13)
        with pytest.raises(ValueError, match="unforeseen"):
            one.train(SETTINGS)
    assert one.repository.runs.get(1).status == "failed"
    again = one.train(resume=1)
    assert again.weights_sha256 == plain.done.weights_sha256
    record = one.repository.runs.get(1)
    assert (record.status, record.error) == ("done", None)


def test_what_cannot_be_resumed_is_refused_and_left_alone(one: Rehearsal) -> None:
    runs = one.repository.runs
    with pytest.raises(NotFound):
        one.train(resume=1)
    with suppress(Death):
        one.train(SETTINGS, ends=lambda event: isinstance(event, CheckpointSaved))
    with runs.hold(1), pytest.raises(DatasetBusy, match="run 1"):
        one.train(resume=1)
    image = one.repository.images.ids(parse("label:1"))[0]
    one.repository.images.set_label([image], "7", actor="test")
    before = runs.get(1)
    with pytest.raises(NotReady, match="have changed"):
        one.train(resume=1)
    assert runs.get(1) == before
    one.repository.history.undo()
    one.train(resume=1)
    with pytest.raises(NotReady, match="is done"):
        one.train(resume=1)


def test_another_library_than_the_run_began_with_is_noted(one: Rehearsal) -> None:
    with suppress(Death):
        one.train(SETTINGS, ends=lambda event: isinstance(event, CheckpointSaved))
    with sqlite3.connect(one.repository.url) as connection:
        connection.execute("UPDATE run SET versions = json_set(versions, '$.keras', '1.0')")
    connection.close()
    one.train(resume=1)
    assert any("may differ" in note and "began with 1.0" in note for note in one.notes)


def test_the_test_split_has_no_part_in_a_training(plain: Whole, one: Rehearsal) -> None:
    store_digits(one.repository, 300, split="test")
    tests = one.repository.images.ids(parse("split:test"))
    assert len(tests) == 150
    one.repository.images.set_label(tests, "3", actor="test")
    with sqlite3.connect(one.repository.url) as connection:
        ids = ", ".join(map(str, tests))
        connection.execute(f"UPDATE image_data SET data = x'00' WHERE image_id IN ({ids})")
    connection.close()
    assert one.train(SETTINGS).weights_sha256 == plain.done.weights_sha256


def test_a_training_starts_from_the_weights_of_a_model(one: Rehearsal) -> None:
    first = one.train(SETTINGS)
    more = replace(SETTINGS, steps=1, epochs=None, start_from=str(first.model), name="more")
    done = one.train(more)
    assert any(f"are taken from model {first.model}" in note for note in one.notes)
    assert done.val_accuracy is not None
    assert first.val_accuracy is not None
    assert done.val_accuracy > 0.5
    one.repository.labels.rename("9", "nine", actor="test")
    sevens = one.repository.images.ids(parse("label:7"))
    one.repository.images.set_label(sevens, "seven", actor="test")
    one.train(replace(more, name="new head"))
    assert any("anew: head/" in note for note in one.notes)


def test_a_budget_of_minutes_becomes_steps_that_can_be_repeated(
    one: Rehearsal, other: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    patch.setattr(Keeper, "due", lambda keeper: False)
    budget = replace(SETTINGS, epochs=None, minutes=0.05)
    done = one.train(budget)
    record = one.repository.runs.get(1)
    steps = record.settings["recipe"]["steps"]
    assert done.steps == steps == record.total_steps >= 1
    again = other.train(replace(SETTINGS, epochs=None, steps=steps))
    assert again.weights_sha256 == done.weights_sha256


def test_a_budget_is_decided_once(one: Rehearsal) -> None:
    budget = TrainSettings(preset="quick", minutes=0.01, batch=16)
    with suppress(Death):
        one.train(budget, ends=lambda event: isinstance(event, CheckpointSaved))
    steps = one.repository.runs.get(1).total_steps
    assert one.train(resume=1).steps == steps


def test_a_budget_is_kept_to_where_the_timed_steps_come_apart(
    one: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> Trainer:
        trainer = new_trainer(*arguments)
        weights = take_weights(trainer.network)
        nothing = {name: np.full_like(array, np.nan) for name, array in weights.items()}
        put_weights(trainer.network, nothing)
        return trainer

    patch.setattr(ml.pacing, "new_trainer", broken)
    one.train(TrainSettings(preset="quick", minutes=0.01, batch=128))
    record = one.repository.runs.get(1)
    assert record.status == "done"
    assert record.settings["paced"]["step_seconds"] > 1e-4


def test_a_budget_with_a_halved_batch_is_not_said_to_be_repeated_by_its_steps(
    one: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    trip(patch, OutOfMemory("too much"), lambda t: t.recipe.batch > 8)
    one.train(TrainSettings(preset="quick", minutes=0.01, batch=16))
    note = next(note for note in one.notes if "fit into" in note)
    assert "--steps" not in note


def test_a_run_can_be_resumed_without_the_model_that_it_started_from(one: Rehearsal) -> None:
    first = one.train(replace(SETTINGS, epochs=None, steps=1))
    more = replace(SETTINGS, start_from=str(first.model), name="more")
    for kind in (CheckpointSaved, Started):
        with pytest.raises(Death):
            one.train(
                replace(more, name=kind.__name__),
                ends=lambda event, kind=kind: isinstance(event, kind),
            )
    assert first.model is not None
    one.repository.models.remove(first.model)
    with pytest.raises(NotReady, match=f"model {first.model}, which was removed"):
        one.train(resume=3)
    # The model that this makes has the id that has become free.
    assert one.train(resume=2).model == first.model
    with sqlite3.connect(one.repository.url) as connection:
        connection.execute("UPDATE run SET started_at = started_at - 9 WHERE id = 3")
    connection.close()
    with pytest.raises(NotReady, match="which was removed"):
        one.train(resume=3)


def test_validation_that_does_not_fit_leaves_the_batch_alone(
    one: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> Any:
        raise OutOfMemory("too much")

    patch.setattr(Trainer, "logits", full)
    with pytest.raises(NotReady, match="the validation does not fit"):
        one.train(SETTINGS)
    record = one.repository.runs.get(1)
    assert (record.status, record.settings["recipe"]["batch"]) == ("failed", 16)


def test_answers_that_are_no_numbers_are_as_a_loss_that_is_none(
    one: Rehearsal, patch: pytest.MonkeyPatch
) -> None:
    logits = Trainer.logits

    def broken(self: Trainer, images: Any, **options: Any) -> Any:
        found = logits(self, images, **options)
        return found * np.float32(np.nan) if self.rate_scale == 1 and self.steps > 9 else found

    patch.setattr(Trainer, "logits", broken)
    one.train(SETTINGS)
    assert any("answers are no longer numbers; going back" in note for note in one.notes)
    assert all(each.val_loss is not None for each in one.repository.runs.get(1).epochs)


def test_a_model_has_the_names_that_its_labels_were_given_meanwhile(one: Rehearsal) -> None:
    def rename(event: Event) -> bool:
        if event == Phase("converting"):
            one.repository.labels.rename("9", "nine", actor="test")
        return False

    done = one.train(replace(SETTINGS, epochs=None, steps=1), ends=rename)
    assert done.model is not None
    labels = one.repository.models.get(done.model).labels
    assert labels == (*map(str, range(9)), "nine")
    assert "9" not in one.repository.labels.names()
