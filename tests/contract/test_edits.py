"""Edits of labels, splits and tags: whole, recorded, and seen by everything at once."""

from __future__ import annotations

import pytest

from storage.errors import NotFound, RefusedInput
from storage.query import parse
from storage.repository import Repository
from tests.backends import Backend
from tests.making import add_images, new_image, new_model, new_prediction


def test_a_label_is_given_and_taken_away(repository: Repository) -> None:
    first, second = add_images(repository, new_image(1), new_image(2, label="old"))
    repository.images.set_label([first, second], " new ", actor="cli")
    assert repository.images.ids(parse("label:new")) == [first, second]
    repository.images.set_label([first], None, actor="cli")
    assert repository.images.get(first).label is None


def test_an_edit_is_one_action_with_what_was_before_and_after(
    repository: Repository, backend: Backend
) -> None:
    ids = add_images(repository, new_image(1), new_image(2, label="a"), new_image(3, label="b"))
    action = repository.images.set_label(ids, "b", actor="someone")
    assert (action.kind, action.actor, action.images) == ("label", "someone", 2)
    assert repository.history.actions() == [action]
    assert backend.rows("event", "image_id", "action_id", "before", "after") == [
        (ids[0], action.id, None, "b"),
        (ids[1], action.id, "a", "b"),
    ]


def test_an_edit_that_changes_nothing_is_not_recorded(repository: Repository) -> None:
    ids = add_images(repository, new_image(1, label="a"))
    action = repository.images.set_label(ids, "a", actor="cli")
    assert (action.id, action.images) == (0, 0)
    assert repository.history.actions() == []


def test_an_edit_with_one_unknown_image_changes_nothing(repository: Repository) -> None:
    (known,) = add_images(repository, new_image(1))
    for edit in (
        lambda: repository.images.set_label([known, 99], "a", actor="cli"),
        lambda: repository.images.set_split({known: "test", 99: "test"}, actor="cli", summary=""),
        lambda: repository.images.add_tag([known, 99], "a", actor="cli"),
        lambda: repository.images.remove_tag([known, 99], "a", actor="cli"),
    ):
        with pytest.raises(NotFound, match="no image 99"):
            edit()
    record = repository.images.get(known)
    assert (record.label, record.split, record.tags) == (None, None, ())
    assert repository.history.actions() == []


@pytest.mark.parametrize("label", ["", "  ", "two\nlines", "x" * 10_000])
def test_a_bad_label_is_refused(repository: Repository, label: str) -> None:
    (image,) = add_images(repository, new_image(1))
    with pytest.raises(RefusedInput):
        repository.images.set_label([image], label, actor="cli")


def test_splits_are_assigned_image_by_image(repository: Repository, backend: Backend) -> None:
    one, two, three = add_images(
        repository, new_image(1), new_image(2, split="train"), new_image(3, split="val")
    )
    action = repository.images.set_split(
        {one: "test", two: None, three: "val"}, actor="cli", summary="by hand"
    )
    assert [repository.images.get(i).split for i in (one, two, three)] == ["test", None, "val"]
    assert (action.images, action.summary) == (2, "by hand")
    assert backend.rows("event", "image_id", "before", "after") == [
        (one, None, "test"),
        (two, "train", None),
    ]


def test_tags_are_put_on_and_taken_off(repository: Repository) -> None:
    one, two = add_images(repository, new_image(1, tags=("t",)), new_image(2))
    assert repository.images.add_tag([one, two], "t", actor="cli").images == 1
    assert repository.images.ids(parse("tag:t")) == [one, two]
    assert repository.images.remove_tag([one, two], "t", actor="cli").images == 2
    assert repository.images.remove_tag([one], "never", actor="cli").images == 0
    assert repository.images.ids(parse("tag:t")) == []


def test_wrong_follows_the_label_that_an_image_has_now(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1, label="b"))
    model = repository.models.add(new_model("a", "b"))
    repository.predictions.save(model, [new_prediction(image, "a", 0.9)])
    assert repository.images.ids(parse("is:wrong")) == [image]
    repository.images.set_label([image], "a", actor="cli")
    assert repository.images.ids(parse("is:wrong")) == []
    repository.images.set_label([image], None, actor="cli")
    assert repository.images.ids(parse("is:wrong,right")) == []
    (stored,) = repository.predictions.of_image(image)
    assert stored.truth == "b"
