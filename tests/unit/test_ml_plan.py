"""Planning: what is chosen from a dataset, what is held out, what is refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml.holdout import hold_out
from ml.pixels import InputSpec
from ml.plan import TrainPlan, plan_training
from ml.settings import TrainSettings
from storage.errors import NotReady, QueryError
from storage.opening import open_repository
from storage.query import parse
from storage.records import Example
from storage.repository import Repository
from tests.making import add_images, new_image


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


def example(number: int, label: str, picture: int | None = None) -> Example:
    pixels = (number if picture is None else picture).to_bytes(16, "little")
    return Example(number, number.to_bytes(32, "little"), pixels, label, "train", 8, 8, 1)


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


def test_copies_of_a_picture_stay_on_one_side_whatever_their_label() -> None:
    examples = [example(n, "ab"[n % 2], picture=n // 4) for n in range(200)]
    kept, held = hold_out(examples, seed=0)
    assert held
    assert not {e.pixel_hash for e in kept} & {e.pixel_hash for e in held}


def test_a_label_never_loses_its_last_image() -> None:
    examples = [example(n, f"{n // 2}") for n in range(40)] + [example(99, "single")]
    kept, held = hold_out(examples, seed=0)
    assert {e.label for e in kept} == {e.label for e in examples}
    assert "single" not in {e.label for e in held}


def test_a_label_of_many_copies_gives_its_least_picture() -> None:
    examples = [example(n, "a", picture=0 if n < 30 else 1) for n in range(40)]
    _, held = hold_out(examples, seed=0)
    assert [e.id for e in held] == list(range(30, 40))


def test_another_seed_holds_out_others_and_the_order_does_not_matter() -> None:
    examples = [example(n, "ab"[n % 2]) for n in range(200)]
    held = [{e.id for e in hold_out(examples, seed)[1]} for seed in (0, 1)]
    assert held[0] != held[1]
    assert {e.id for e in hold_out(examples[::-1], 0)[1]} == held[0]
