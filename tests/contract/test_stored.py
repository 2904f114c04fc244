"""Images taken out as they were put in, found by their hashes, and labelled each in its own way."""

from __future__ import annotations

import pytest

from storage.errors import NotFound, RefusedInput
from storage.repository import Repository
from tests.making import add_images, new_image


def test_what_is_taken_out_is_what_was_put_in(repository: Repository) -> None:
    given = [
        new_image(1, label="a/b", split="val", tags=("x", "y"), thumbnail=b"small"),
        new_image(2),
    ]
    ids = add_images(repository, *given)
    assert [image for _, image in repository.images.stored(ids)] == given


def test_images_are_taken_out_in_the_order_asked_for(repository: Repository) -> None:
    first, second, third = add_images(repository, new_image(1), new_image(2), new_image(3))
    found = [image_id for image_id, _ in repository.images.stored([third, first, second])]
    assert found == [third, first, second]


def test_taking_out_an_image_that_is_gone_is_refused(repository: Repository) -> None:
    with pytest.raises(NotFound, match="no image 9"):
        list(repository.images.stored([9]))


def test_images_are_found_by_their_hashes_in_the_trash_too(repository: Repository) -> None:
    one, two = new_image(1), new_image(2)
    first, second = add_images(repository, one, two)
    repository.images.delete([second], actor="test")
    found = repository.images.find([two.sha256, new_image(3).sha256, one.sha256])
    assert found == {one.sha256: first, two.sha256: second}


def test_labels_of_many_images_are_one_action(repository: Repository) -> None:
    ids = add_images(repository, new_image(1, label="a"), new_image(2), new_image(3, label="c"))
    wanted = dict(zip(ids, ["b", "c", None], strict=True))
    action = repository.images.set_labels(wanted, actor="test", summary="as they say")
    assert (action.images, action.kind, action.summary) == (3, "label", "as they say")
    assert {image: repository.images.get(image).label for image in ids} == wanted
    repository.history.undo()
    assert [repository.images.get(image).label for image in ids] == ["a", None, "c"]
    repository.history.redo()
    assert {image: repository.images.get(image).label for image in ids} == wanted


def test_labels_that_are_so_already_are_no_action(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1, label="a"))
    action = repository.images.set_labels({image: "a"}, actor="test", summary="same")
    assert (action.id, repository.history.actions()) == (0, [])


def test_a_bad_label_among_many_changes_none(repository: Repository) -> None:
    ids = add_images(repository, new_image(1), new_image(2))
    with pytest.raises(RefusedInput):
        repository.images.set_labels({ids[0]: "a", ids[1]: " "}, actor="test", summary="bad")
    assert repository.images.get(ids[0]).label is None
