"""Images in PostgreSQL beside what every backend promises: how much is read at once, and what the
planner knows of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from storage.opening import open_repository
from storage.postgres import stored
from storage.postgres.database import Database
from storage.repository import Repository
from tests.backends import PostgresBackend
from tests.making import add_images, new_image

LENGTHS = (300, 300, 300, 2500, 900, 100, 100)


@pytest.fixture
def repository(postgres_dataset_url: str) -> Iterator[Repository]:
    with open_repository(postgres_dataset_url) as opened:
        yield opened


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The lengths of the bytes that each statement gives, as long as at most 1,000 are to be read
    ahead."""
    lengths: list[list[int]] = []
    whole = Database.all

    def spied(database: Database, sql: str, parameters: Sequence[Any] = (), **how: bool) -> Any:
        rows = whole(database, sql, parameters, **how)
        # Bytes are the last column of what reads them; hashes come before.
        lengths.append([len(row[-1]) for row in rows if isinstance(row[-1], bytes)])
        return rows

    monkeypatch.setattr(stored, "READ_AHEAD", 1_000)
    monkeypatch.setattr(Database, "all", spied)
    return lengths


def filled(repository: Repository) -> list[int]:
    """Images of these lengths; their ids."""
    images = (new_image(n, data=bytes([n]) * length) for n, length in enumerate(LENGTHS))
    return add_images(repository, *images)


def test_bytes_are_read_ahead_up_to_a_limit_or_one_image(
    repository: Repository, read: list[list[int]]
) -> None:
    ids = filled(repository)
    got = dict(repository.images.iter_data(ids))
    assert [len(got[image_id]) for image_id in ids] == [*LENGTHS]
    assert [run for run in read if run] == [[300, 300, 300], [2500], [900, 100], [100]]


def test_images_are_taken_out_whole_within_the_same_limit(
    repository: Repository, read: list[list[int]]
) -> None:
    ids = filled(repository)
    got = [image for _, image in repository.images.stored(ids)]
    assert [len(image.data) for image in got] == [*LENGTHS]
    assert [run for run in read if run] == [[300, 300, 300], [2500], [900, 100], [100]]


def test_thumbnails_are_read_within_the_same_limit(
    repository: Repository, read: list[list[int]]
) -> None:
    ids = filled(repository)
    repository.images.set_thumbnails(
        dict(zip(ids[:3], (b"s" * 600, b"m" * 600, b"l"), strict=True))
    )
    assert [len(data) for _, data in repository.images.thumbnails()] == [600, 600, 1]
    assert [run for run in read if run] == [[600], [600, 1]]


def test_one_image_may_be_asked_for_twice(repository: Repository) -> None:
    ids = filled(repository)
    twice = [ids[1], ids[0], ids[1]]
    assert [image_id for image_id, _ in repository.images.iter_data(twice)] == twice


def test_the_planner_learns_how_many_images_there_are_when_they_have_doubled(
    repository: Repository, postgres_dataset_url: str
) -> None:
    def known() -> int:
        backend = PostgresBackend(postgres_dataset_url)
        rows = backend.rows("image", "(SELECT reltuples FROM pg_class WHERE relname = 'image')")
        return int(rows[0][0])

    add_images(repository, *(new_image(n) for n in range(1_500)))
    assert known() == 1_500
    add_images(repository, *(new_image(n) for n in range(1_500, 2_000)))
    assert known() == 1_500
    add_images(repository, *(new_image(n) for n in range(2_000, 2_100)))
    assert known() == 2_100


def test_a_label_with_the_signs_of_an_array_is_stored_as_it_is(repository: Repository) -> None:
    names = ['{a,"b"}', "\\", "NULL", '"', 'a\\"b', "å,%s"]
    ids = add_images(repository, *(new_image(n) for n in range(len(names))))
    given: dict[int, str | None] = dict(zip(ids, names, strict=True))
    repository.images.set_labels(given, actor="test", summary="as they are")
    assert {image: repository.images.get(image).label for image in ids} == given
