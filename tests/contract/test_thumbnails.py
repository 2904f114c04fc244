"""Thumbnails: listed, missed, put right."""

from __future__ import annotations

import pytest

from storage.errors import NotFound
from storage.repository import Repository
from storage.thumbnails import Repaired, repair_thumbnails
from tests.backends import Backend
from tests.faults.harness import png
from tests.making import add_images, new_image


def wide(number: int, **changes: object) -> object:
    data = png(2000, 500, bytes([number]) * 1_000_000)
    return new_image(number, data=data, width=2000, height=500, **changes)


def test_images_without_a_thumbnail_are_those_that_are_large(repository: Repository) -> None:
    _, two, three = add_images(
        repository, new_image(1), new_image(2, width=1000), new_image(3, height=2000)
    )
    add_images(repository, new_image(4, width=2000, thumbnail=b"small"))
    assert repository.images.without_thumbnail(pixels=28_000) == [two, three]
    repository.images.set_thumbnails({two: b"two", three: None})
    assert list(repository.images.thumbnails()) == [(two, b"two"), (4, b"small")]
    with pytest.raises(NotFound, match="no image 99"):
        repository.images.set_thumbnails({three: b"three", 99: b"x"})
    assert repository.images.thumbnail(three) is None


def test_missing_thumbnails_are_made_and_broken_ones_made_anew(repository: Repository) -> None:
    small, missing, broken, lost = add_images(
        repository,
        new_image(1),
        wide(2),
        wide(3, thumbnail=b"no picture"),
        new_image(4, width=50_000),
    )
    would = repair_thumbnails(repository, dry_run=True)
    assert (would.made, would.dropped, would.failed) == (3, 1, ())
    assert repository.images.thumbnail(broken) == b"no picture"
    done = repair_thumbnails(repository)
    assert (done.made, done.dropped) == (2, 1)
    assert [image for image, _ in done.failed] == [lost]
    assert repository.images.thumbnail(small) is None
    for image in (missing, broken):
        assert (repository.images.thumbnail(image) or b"").startswith(b"\xff\xd8")
    assert repair_thumbnails(repository) == Repaired(0, 0, done.failed)


def test_a_quick_check_finds_what_is_missing_and_a_deep_one_what_is_changed(
    repository: Repository, backend: Backend
) -> None:
    one, two, three = add_images(repository, new_image(1), new_image(2), new_image(3))
    backend.change("image_data", one, data=b"image 1 and more")
    backend.change("image_data", two, data=b"IMAGE 2")
    backend.remove("image_data", three)
    quick = {problem.image for problem in repository.check(deep=False)}
    deep = {problem.image for problem in repository.check(deep=True)}
    assert (quick, deep) == ({one, three}, {one, two, three})
