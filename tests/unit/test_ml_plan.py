"""Planning: what is chosen from a dataset, what is held out, what is refused and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.holdout import hold_out
from ml.pixels import InputSpec
from ml.plan import TrainPlan, plan_again, plan_training
from ml.remarks import LabelCount
from ml.settings import TrainSettings
from ml.spec import design
from storage.errors import (
    NotFound,
    NotReady,
    PixshelfError,
    QueryError,
    RefusedInput,
    UsageError,
)
from storage.opening import open_repository
from storage.query import parse
from storage.records import NewImage
from storage.repository import Repository
from tests.making import add_images, checkpoint, epoch, new_image, new_model, new_run


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "dataset.db", create=True) as opened:
        yield opened


def fill(repository: Repository, counts: dict[str | None, int], **changes: Any) -> None:
    """Store so many images of each label, in the train split unless told otherwise."""
    start = repository.stats().images
    numbers = iter(range(start, 100_000))
    facts: dict[str, Any] = {"split": "train"} | changes
    images = [
        new_image(next(numbers), label=label, **facts)
        for label, count in counts.items()
        for _ in range(count)
    ]
    add_images(repository, *images)


def plan(repository: Repository, **chosen: Any) -> TrainPlan:
    return plan_training(repository, TrainSettings(**chosen))


def test_labels_stand_in_natural_order(repository: Repository) -> None:
    fill(repository, {"10": 10, "9": 10, "a": 10})
    assert plan(repository).labels == ("9", "10", "a")


def test_each_image_has_the_index_of_its_label(repository: Repository) -> None:
    fill(repository, {"b": 20, "a": 20})
    made = plan(repository)
    for part in (made.train, made.val):
        for image, target in zip(part.ids, part.targets, strict=True):
            assert repository.images.get(image).label == made.labels[target]
        assert list(part.ids) == sorted(part.ids)


def test_the_validation_split_is_used_where_there_is_one(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    fill(repository, {"a": 5, "b": 5}, split="val")
    made = plan(repository)
    assert (len(made.train), len(made.val), made.held_out) == (40, 10, False)


def test_without_a_validation_split_a_tenth_of_each_label_is_held_out(
    repository: Repository,
) -> None:
    fill(repository, {"a": 50, "b": 30})
    made = plan(repository)
    assert made.held_out
    assert Counter(made.val.targets) == {0: 5, 1: 3}
    assert any("held out" in note.text for note in made.notes)


def test_holding_out_changes_nothing_in_the_dataset(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    plan(repository)
    assert repository.stats().splits == {"train": 40}


def test_test_images_are_never_used(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    fill(repository, {"a": 30, "b": 30}, split="test")
    made = plan(repository, query="label:a,b")
    test = set(repository.images.ids(parse("split:test")))
    assert not test & {*made.train.ids, *made.val.ids}


def test_a_query_narrows_the_training_down(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20, "c": 20})
    assert plan(repository, query="-label:c").labels == ("a", "b")


def test_a_query_that_is_not_understood_is_refused(repository: Repository) -> None:
    with pytest.raises(QueryError):
        plan(repository, query="colour:blue")


def test_unlabelled_and_unassigned_images_are_left_out_with_a_warning(
    repository: Repository,
) -> None:
    fill(repository, {"a": 20, "b": 20, None: 3})
    fill(repository, {"a": 2}, split=None)
    texts = [note.text for note in plan(repository).notes if note.level == "warning"]
    assert texts == ["3 images left out: without a label", "2 images left out: in no split"]


def test_labels_with_few_images_get_a_warning(repository: Repository) -> None:
    fill(repository, {"a": 50, "rare": 4})
    assert any("rare (3)" in note.text for note in plan(repository).notes)


def test_a_label_that_only_validation_has_is_left_out_with_a_warning(
    repository: Repository,
) -> None:
    fill(repository, {"a": 20, "b": 20})
    fill(repository, {"a": 5, "new": 5}, split="val")
    made = plan(repository)
    assert made.labels == ("a", "b")
    assert len(made.val) == 5
    assert any("new" in note.text for note in made.notes)


def test_validation_images_of_strange_labels_alone_are_refused(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    fill(repository, {"new": 5}, split="val")
    with pytest.raises(NotReady, match="no validation image"):
        plan(repository)


@pytest.mark.parametrize(
    ("counts", "changes", "reason"),
    [
        ({}, {}, "no image"),
        ({None: 5}, {}, "has a label"),
        ({"a": 5, "b": 5}, {"split": None}, "train split"),
        ({"a": 5, "b": 5}, {"split": "test"}, "train split"),
        ({"a": 5}, {}, "tell apart"),
        ({"a": 2, "b": 1}, {}, "too few"),
        ({"a": 1, "b": 1, "c": 1, "d": 1}, {}, "two different images"),
    ],
)
def test_a_hopeless_dataset_is_refused_with_a_hint(
    repository: Repository, counts: dict[str | None, int], changes: Any, reason: str
) -> None:
    fill(repository, counts, **changes)
    with pytest.raises(NotReady, match=reason) as refused:
        plan(repository)
    assert refused.value.hint


def test_the_smallest_dataset_has_two_labels_of_two_images(repository: Repository) -> None:
    fill(repository, {"a": 2, "b": 2})
    made = plan(repository)
    assert (len(made.train), len(made.val)) == (2, 2)
    assert set(made.train.targets) == {0, 1}


def test_the_input_follows_the_images_and_the_settings(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    assert plan(repository).input == InputSpec(28, 28, 1)
    assert plan(repository, size=20, resize="crop").input == InputSpec(20, 20, 1, "crop")


def test_the_digest_is_of_content_and_not_of_ids(tmp_path: Path) -> None:
    digests = set()
    for number, order in enumerate((1, -1)):
        with open_repository(tmp_path / f"{number}.db", create=True) as repository:
            images = [new_image(n, label="ab"[n % 2], split="train") for n in range(40)]
            add_images(repository, *images[::order])
            digests.add(plan(repository).data_digest)
    assert len(digests) == 1


def test_the_digest_changes_with_a_label(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    before = plan(repository).data_digest
    repository.images.set_label([1], "b", actor="test")
    assert plan(repository).data_digest != before


def test_the_plan_is_plain_json_with_a_name(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    made = plan(repository, preset="quick", seed=3)
    assert made.to_json()["name"] == "quick-3"
    assert plan(repository, name="mine").name == "mine"


def copy_of(number: int, copy: int, **changes: Any) -> NewImage:
    """Another file that shows the picture of image `number`."""
    return new_image(copy, pixel_hash=new_image(number).pixel_hash, **changes)


def warnings(made: TrainPlan) -> list[str]:
    return [note.text for note in made.notes if note.level == "warning"]


def test_the_plan_counts_images_by_label_and_split(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 30})
    fill(repository, {"a": 5, "b": 6}, split="val")
    fill(repository, {"a": 7}, split="test")
    made = plan(repository)
    assert made.counts == (LabelCount("a", 20, 5), LabelCount("b", 30, 6))
    assert made.test == 7


def test_the_sizes_of_the_files_are_told_from_smallest_to_largest(repository: Repository) -> None:
    fill(repository, {"a": 20}, width=12, height=20)
    fill(repository, {"b": 20}, width=640, height=480)
    made = plan(repository)
    assert (made.smallest, made.largest) == ((12, 20), (640, 480))


def test_validation_and_test_images_that_training_sees_are_counted(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    fill(repository, {"a": 5, "b": 5}, split="val")
    add_images(
        repository,
        copy_of(0, 100, label="a", split="val"),
        copy_of(1, 101, label="a", split="test"),
        copy_of(1, 102, split="test"),
    )
    assert [text[:62] for text in warnings(plan(repository))] == [
        "training sees the pictures of 1 validation and 2 test images, "
    ]


def test_a_picture_with_two_labels_is_a_warning(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    add_images(
        repository,
        copy_of(0, 100, label="b", split="train"),
        copy_of(1, 101, label="a", split="train"),
    )
    assert [text for text in warnings(plan(repository)) if text.startswith("1 picture has more")]


def test_labels_that_nothing_validates_get_a_warning(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20, "c": 20})
    fill(repository, {"a": 5}, split="val")
    assert warnings(plan(repository)) == ["no validation image for: b, c"]


def test_very_uneven_labels_are_a_warning_unless_they_are_weighted(repository: Repository) -> None:
    fill(repository, {"a": 300, "b": 20})
    assert any("uneven" in text for text in warnings(plan(repository)))
    assert warnings(plan(repository, class_weights=True)) == []


def test_class_weights_are_those_that_scikit_learn_calls_balanced(repository: Repository) -> None:
    import numpy as np
    from sklearn.utils.class_weight import compute_class_weight

    fill(repository, {"a": 50, "b": 20, "c": 10})
    made = plan(repository, class_weights=True)
    targets = np.array(made.train.targets)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=targets)
    assert made.class_weights == pytest.approx(expected.tolist())
    assert plan(repository).class_weights is None


def test_planning_reads_no_bytes_of_images(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("bytes were read")

    fill(repository, {"a": 20, "b": 20})
    fill(repository, {"a": 20, "b": 20}, split="test")
    for name in ("data", "iter_data", "stored", "thumbnail", "thumbnails"):
        monkeypatch.setattr(repository.images, name, read)
    assert len(plan(repository).train) == 36


def test_labels_of_test_images_have_no_part_in_the_plan(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    fill(repository, {"a": 20, "b": 20}, split="test")
    before = plan(repository)
    test = repository.images.ids(parse("split:test"))
    repository.images.set_label(test[:15], "b", actor="test")
    repository.images.set_label(test[15:20], "strange", actor="test")
    repository.images.set_label(test[20:], None, actor="test")
    assert plan(repository) == before


def test_so_many_steps_are_so_many_for_each_network(repository: Repository) -> None:
    fill(repository, {"a": 50, "b": 50})
    made = plan(repository, steps=7, ensemble=3, batch=30)
    assert (made.steps_per_epoch, made.recipe.epochs, made.total_steps) == (3, 3, 21)
    assert made.parameters == 3 * plan(repository).parameters


def test_a_budget_of_minutes_is_the_time_to_expect(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    assert plan(repository, minutes=2.5).expected_seconds == 150


def test_a_budget_that_is_over_before_the_training_begins_is_told(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    told = [note.text for note in plan(repository, minutes=0.05).notes if note.level == "warning"]
    assert told == [
        "3 s are too few: beginning and ending alone take about 8 s, so there will be a single step"
    ]
    assert not [note for note in plan(repository, minutes=0.5).notes if note.level == "warning"]


def test_an_earlier_run_of_the_kind_tells_the_time(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    first = plan(repository)
    assert first.expected.run is None
    run = store_run(repository, first)
    for number in (1, 2):
        metrics = epoch(number)
        repository.runs.record_epoch(run, metrics, last=checkpoint(number))
    assert plan(repository).expected.run == run
    assert plan(repository, batch=5).expected.run is None


def test_names_that_are_made_are_not_made_twice(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    names = []
    for _ in range(3):
        made = plan(repository)
        names.append(made.name)
        store_run(repository, made)
    assert names == ["standard-0", "standard-0-2", "standard-0-3"]


def test_a_name_that_a_model_has_is_not_made(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    repository.models.add(new_model("a", "b", name="standard-0"))
    assert plan(repository).name == "standard-0-2"


def test_a_chosen_name_that_a_model_has_is_refused(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    repository.models.add(new_model("a", "b", name="mine"))
    with pytest.raises(UsageError, match="name: received 'mine', which a model has") as refused:
        plan(repository, name="mine")
    assert refused.value.hint


@pytest.mark.parametrize("name", ["7", " "])
def test_a_chosen_name_that_is_none_is_refused(repository: Repository, name: str) -> None:
    fill(repository, {"a": 20, "b": 20})
    with pytest.raises(UsageError, match=r"^name: "):
        plan(repository, name=name)


def test_a_chosen_name_of_a_run_without_a_model_may_be_used_again(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    store_run(repository, plan(repository, name="mine"))
    assert plan(repository, name="mine").name == "mine"


def store_run(repository: Repository, made: TrainPlan) -> int:
    """Store a run as the training would."""
    settings = json.loads(json.dumps(made.to_run()))
    return repository.runs.create(
        replace(new_run(made.name), settings=settings, labels=made.labels)
    )


def store_model(repository: Repository, *labels: str, **changes: Any) -> int:
    """Store a model as a training on 20x20 colour pictures would."""
    spec = design(InputSpec(20, 20, 3, "crop"), classes=len(labels), width=8).to_json()
    return repository.models.add(replace(new_model(*labels, name="old"), spec=spec | changes))


def test_a_training_from_a_model_has_its_network_and_input(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    model = store_model(repository, "a", "b")
    made = plan(repository, start_from="old")
    assert made.initial == model
    assert made.architecture.to_json() == repository.models.get(model).spec
    assert made.input == InputSpec(20, 20, 3, "crop")
    assert made.recipe.width == 8
    assert any("starts from model 1, old" in note.text for note in made.notes)


def test_a_training_from_a_model_takes_another_size_where_one_is_asked_for(
    repository: Repository,
) -> None:
    fill(repository, {"a": 20, "b": 20})
    store_model(repository, "a", "b")
    made = plan(repository, start_from="old", size=32, resize="stretch")
    assert made.input == InputSpec(32, 32, 3, "stretch")


def test_a_training_from_a_model_of_other_labels_says_that_the_last_layer_begins_anew(
    repository: Repository,
) -> None:
    fill(repository, {"a": 20, "b": 20, "c": 20})
    store_model(repository, "a", "x")
    made = plan(repository, start_from="old")
    assert made.architecture.classes == 3
    assert any("anew: the labels differ (2 new, 1 gone)" in note.text for note in made.notes)


def test_a_training_from_a_model_of_the_same_labels_keeps_their_order(
    repository: Repository,
) -> None:
    fill(repository, {"a": 20, "b": 20})
    store_model(repository, "b", "a")
    made = plan(repository, start_from="old")
    assert made.labels == ("b", "a")
    assert repository.images.get(made.train.ids[0]).label == made.labels[made.train.targets[0]]


def test_a_model_that_is_not_there_is_not_found(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    with pytest.raises(NotFound, match="no model 'nobody'") as refused:
        plan(repository, start_from="nobody")
    assert refused.value.hint


def test_a_model_that_was_not_trained_here_is_refused(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    store_model(repository, "a", "b", family="keras-import")
    with pytest.raises(RefusedInput, match="has not trained it") as refused:
        plan(repository, start_from="old")
    assert refused.value.hint


def test_a_training_from_an_ensemble_has_the_network_of_a_member(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    store_model(repository, "a", "b", version=2, members=3)
    made = plan(repository, start_from="old")
    assert (made.architecture.members, made.recipe.members) == (1, 1)


@pytest.mark.parametrize("chosen", [{}, {"start_from": "old", "steps": 5, "ensemble": 2}])
def test_a_stored_run_is_planned_as_it_was(repository: Repository, chosen: dict[str, Any]) -> None:
    fill(repository, {"a": 20, "b": 20})
    store_model(repository, "b", "a")
    made = plan(repository, **chosen)
    run = repository.runs.get(store_run(repository, made))
    # What was meant by the name then is meant now.
    store_model(repository, "a", "b", stages=[])
    again = plan_again(repository, run)
    assert replace(again, notes=()) == replace(made, notes=())


def test_a_stored_run_keeps_its_recipe_whatever_the_presets_say(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    made = plan(repository)
    smaller = replace(made, recipe=replace(made.recipe, batch=3, steps=11))
    again = plan_again(repository, repository.runs.get(store_run(repository, smaller)))
    assert (again.recipe, again.steps_per_epoch) == (smaller.recipe, 12)


def test_a_stored_run_that_cannot_be_read_is_refused(repository: Repository) -> None:
    fill(repository, {"a": 20, "b": 20})
    with pytest.raises(PixshelfError):
        plan_again(repository, repository.runs.get(repository.runs.create(new_run())))


def held(pictures: list[bytes], labels: list[int], seed: int = 0) -> set[int]:
    """The places of the images that are held out."""
    chosen = hold_out(pictures, labels, seed)
    return {at for at, picture in enumerate(pictures) if picture in chosen}


def different(count: int) -> list[bytes]:
    return [number.to_bytes(16, "little") for number in range(count)]


def test_pictures_of_several_labels_are_held_out_with_all_their_copies() -> None:
    pictures = [picture for picture in different(50) for _ in range(4)]
    out = held(pictures, [0, 1] * 100)
    assert out
    assert all(out.issuperset(range(at - at % 4, at - at % 4 + 4)) for at in out)


def test_a_label_never_loses_its_last_image() -> None:
    labels = [at // 2 for at in range(40)] + [99]
    out = held(different(41), labels)
    assert {label for at, label in enumerate(labels) if at not in out} == set(labels)
    assert 40 not in out


def test_a_label_of_many_copies_gives_its_least_picture() -> None:
    one, other = different(2)
    assert held([one] * 30 + [other] * 10, [0] * 40) == set(range(30, 40))


def test_another_seed_holds_out_others_and_the_order_does_not_matter() -> None:
    pictures, labels = different(200), [0, 1] * 100
    assert hold_out(pictures, labels, 0) != hold_out(pictures, labels, 1)
    assert hold_out(pictures[::-1], labels[::-1], 0) == hold_out(pictures, labels, 0)
