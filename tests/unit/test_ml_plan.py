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
