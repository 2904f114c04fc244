"""The thread behind a grid: what it reads, and what it no longer does when it is not wanted."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from storage.errors import DatasetError
from storage.opening import open_repository
from storage.repository import Images, Repository
from tests.ml_fixtures import store_digits
from tui.frame.dataset import Dataset
from tui.grid.paint import Box
from tui.grid.reader import FILES_AT_ONCE, Read, Reader, Wish

BOX = Box(16, 16)


class Told:
    """What a reader tells, awaited in order."""

    def __init__(self) -> None:
        self._told: queue.Queue[Read | Exception] = queue.Queue()

    def __call__(self, read: Read | Exception) -> None:
        self._told.put(read)

    def next(self) -> Read:
        read = self._told.get(timeout=20)
        assert isinstance(read, Read), read
        return read

    def error(self) -> Exception:
        error = self._told.get(timeout=20)
        assert isinstance(error, Exception)
        return error


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def reader(dataset: Dataset, told: Told) -> Iterator[Reader]:
    made = Reader(dataset.open, told)
    yield made
    made.close()


def test_what_is_seen_comes_first_and_then_what_is_next(reader: Reader, told: Told) -> None:
    wish = Wish(BOX, pictures=(1, 2), records=(1, 2), ahead=(3,), ahead_records=(3,))
    reader.want(wish)
    first, then = told.next(), told.next()
    assert (set(first.pictures), set(first.records)) == ({1, 2}, {1, 2})
    assert (set(then.pictures), set(then.records)) == ({3}, {3})
    assert first.wish is wish


def test_what_is_gone_is_told_as_none(reader: Reader, told: Told) -> None:
    reader.want(Wish(BOX, pictures=(1, 999_999), records=(1, 999_999)))
    read = told.next()
    assert read.pictures[999_999] is None
    assert read.records[999_999] is None
    assert read.pictures[1] is not None


def test_images_in_the_trash_are_read(reader: Reader, told: Told, db: Path) -> None:
    with open_repository(db) as repo:
        repo.images.delete([2], actor="test")
    reader.want(Wish(BOX, pictures=(2,), records=(1, 2)))
    read = told.next()
    assert read.pictures[2] is not None
    assert (record := read.records[2]) is not None
    assert record.deleted


def test_the_answers_of_the_model_asked_for_are_read(reader: Reader, told: Told) -> None:
    reader.want(Wish(BOX, records=(1,), model="means"))
    record = told.next().records[1]
    assert record is not None
    assert record.prediction is not None


def test_an_error_is_told_and_the_next_wish_is_fulfilled(reader: Reader, told: Told) -> None:
    reader.want(Wish(BOX, records=(1,), model="no such model"))
    assert "no such model" in str(told.error())
    reader.want(Wish(BOX, records=(1,)))
    assert told.next().records[1] is not None


def test_a_dataset_that_is_not_there_is_told(told: Told, tmp_path: Path) -> None:
    reader = Reader(Dataset(str(tmp_path / "no.db")).open, told)
    reader.want(Wish(BOX, records=(1,)))
    assert isinstance(told.error(), DatasetError)
    reader.close()


def test_a_fault_of_the_program_does_not_end_the_thread(told: Told, dataset: Dataset) -> None:
    faults = [ZeroDivisionError("a fault")]

    def opened() -> Repository:
        if faults:
            raise faults.pop()
        return dataset.open()

    reader = Reader(opened, told)
    reader.want(Wish(BOX, records=(1,)))
    assert isinstance(told.error(), ZeroDivisionError)
    reader.want(Wish(BOX, records=(1,)))
    assert told.next().records[1] is not None
    reader.close()


class Slow:
    """Images of a repository that wait, before they read any bytes, until they are let go."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self.asked: list[int] = []
        self.reached = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __getattr__(self, name: str) -> object:
        return getattr(self._images, name)

    def iter_data(self, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        self.asked += image_ids
        self.reached.release()
        assert self.go.acquire(timeout=20)
        return self._images.iter_data(image_ids)


def test_work_for_images_that_have_gone_by_is_dropped(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "many.db"
    with open_repository(path, create=True) as repo:
        ids = store_digits(repo, 1_000)
    slow: list[Slow] = []

    def opened() -> Repository:
        repo = open_repository(path)
        slow.append(Slow(repo.images))
        repo.images = cast("Images", slow[0])
        return repo

    reader = Reader(opened, told)
    reader.want(Wish(BOX, pictures=tuple(ids)))
    while not slow:
        threading.Event().wait(0.001)
    assert slow[0].reached.acquire(timeout=20)
    # While the first files are read, a key is held: many pages go by, one stays.
    for start in range(0, 900, 20):
        reader.want(Wish(BOX, pictures=tuple(ids[start : start + 20])))
    last = Wish(BOX, pictures=tuple(ids[980:]))
    reader.want(last)
    for _ in range(5):
        slow[0].go.release()
    while (read := told.next()).wish is not last:
        pass
    assert set(read.pictures) == set(ids[980:])
    assert slow[0].asked == [*ids[:FILES_AT_ONCE], *ids[980:]]
    reader.close()


def test_a_reader_that_is_closed_reads_no_more(dataset: Dataset, told: Told) -> None:
    reader = Reader(dataset.open, told)
    reader.close()
    reader.want(Wish(BOX, records=(1,)))
    assert told._told.empty()


def test_the_connection_is_closed_with_the_reader(told: Told, dataset: Dataset) -> None:
    opened: list[Repository] = []
    closed = threading.Event()

    def open_one() -> Repository:
        repo = dataset.open()
        opened.append(repo)
        close = repo.close

        def closing() -> None:
            close()
            closed.set()

        repo.close = closing
        return repo

    reader = Reader(open_one, told)
    reader.want(Wish(BOX, records=(1,)))
    told.next()
    reader.close()
    assert closed.wait(20)
    with pytest.raises((DatasetError, sqlite3.ProgrammingError)):
        opened[0].images.get(1)


def test_a_dataset_that_took_the_place_of_another_is_read(
    told: Told, dataset: Dataset, db: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with open_repository(other, create=True) as repo:
        store_digits(repo, 2)
        repo.images.set_label([1], "okapi", actor="another")
    reader = Reader(dataset.open, told, dataset.identity)
    try:
        reader.want(Wish(BOX, records=(1,)))
        assert labels_of(told.next()) != ["okapi"]
        other.replace(db)
        reader.want(Wish(BOX, records=(1,)))
        assert labels_of(told.next()) == ["okapi"]
    finally:
        reader.close()


def labels_of(read: Read) -> list[str | None]:
    return [None if record is None else record.label for record in read.records.values()]
