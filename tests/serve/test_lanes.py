"""Lanes: batches, errors of one and of all, and a dataset that is opened anew."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cli.serve.lanes import Lane
from cli.serve.problems import Problem
from storage.errors import ConnectionLost, DatasetBusy, DatasetError, RefusedInput
from storage.opening import open_repository
from storage.repository import Repository

Open = Callable[[], Repository]


@pytest.fixture
def opener(tmp_path: Path) -> Open:
    """Opens an empty dataset."""
    path = tmp_path / "empty.db"
    open_repository(path, create=True).close()
    return lambda: open_repository(path)


async def test_what_waits_is_taken_together_and_answered_apart(opener: Open) -> None:
    gate = threading.Event()
    batches: list[list[int]] = []

    def work(_: Repository, tasks: Sequence[int]) -> list[int | Exception]:
        assert gate.wait(20)
        batches.append(list(tasks))
        return [RefusedInput("odd") if task % 2 else 10 * task for task in tasks]

    lane: Lane[int, int] = Lane("test", opener, work, most=4)
    lane.start()
    futures = [lane.ask(number) for number in range(9)]
    gate.set()
    results = await asyncio.gather(*futures, return_exceptions=True)
    lane.close()
    assert [result for result in results if isinstance(result, int)] == [0, 20, 40, 60, 80]
    assert sum(isinstance(result, RefusedInput) for result in results) == 4
    assert [task for batch in batches for task in batch] == list(range(9))
    assert max(map(len, batches)) == 4


async def test_no_more_waits_than_may(opener: Open) -> None:
    gate = threading.Event()

    def work(_: Repository, tasks: Sequence[int]) -> list[int | Exception]:
        assert gate.wait(20)
        return list(tasks)

    lane: Lane[int, int] = Lane("test", opener, work, waiting=2)
    lane.start()
    futures = [lane.ask(1), lane.ask(2)]
    with pytest.raises(Problem) as refused:
        lane.ask(3)
    assert refused.value.status == 503
    gate.set()
    assert await asyncio.gather(*futures) == [1, 2]
    assert await lane.ask(4) == 4
    lane.close()


async def test_what_nobody_waits_for_is_not_done(opener: Open) -> None:
    gate = threading.Event()
    done: list[int] = []

    def work(_: Repository, tasks: Sequence[int]) -> list[int | Exception]:
        assert gate.wait(20)
        done.extend(tasks)
        return list(tasks)

    lane: Lane[int, int] = Lane("test", opener, work)
    lane.start()
    first, second, third = lane.ask(1), lane.ask(2), lane.ask(3)
    second.cancel()
    gate.set()
    assert await asyncio.gather(first, third) == [1, 3]
    lane.close()
    assert done == [1, 3]


@pytest.mark.parametrize(("error", "opened"), [(DatasetError("gone"), 2), (DatasetBusy("busy"), 1)])
async def test_a_broken_dataset_is_opened_anew_for_the_next(
    opener: Open, error: Exception, opened: int
) -> None:
    opens: list[Repository] = []

    def open_() -> Repository:
        opens.append(opener())
        return opens[-1]

    def work(_: Repository, tasks: Sequence[bool]) -> list[bool | Exception]:
        return [error if fails else True for fails in tasks]

    lane: Lane[bool, bool] = Lane("test", open_, work)
    lane.start()
    with pytest.raises(DatasetError):
        await lane.ask(True)
    assert await lane.ask(False) is True
    lane.close()
    assert len(opens) == opened


async def test_who_waits_while_the_dataset_is_found_gone_is_told_with_the_first(
    opener: Open,
) -> None:
    gate = threading.Event()
    tried: list[int] = []

    def work(_: Repository, tasks: Sequence[int]) -> list[int | Exception]:
        assert gate.wait(20)
        tried.extend(tasks)
        return [ConnectionLost("gone") if task < 5 else task for task in tasks]

    lane: Lane[int, int] = Lane("test", opener, work)
    lane.start()
    futures = [lane.ask(number) for number in range(5)]
    gate.set()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert all(isinstance(result, ConnectionLost) for result in results)
    assert await lane.ask(5) == 5
    lane.close()
    assert tried == [0, 5]


async def test_a_dataset_that_cannot_be_opened_again_is_tried_once_for_all_who_wait(
    opener: Open,
) -> None:
    gate = threading.Event()
    tried: list[str] = []

    def open_() -> Repository:
        if tried:
            assert gate.wait(20)
        tried.append("open")
        if len(tried) == 2:
            raise DatasetError("gone")
        return opener()

    def work(_: Repository, tasks: Sequence[bool]) -> list[bool | Exception]:
        return [DatasetError("gone") if fails else True for fails in tasks]

    lane: Lane[bool, bool] = Lane("test", open_, work)
    lane.start()
    with pytest.raises(DatasetError):
        await lane.ask(True)
    futures = [lane.ask(False) for _ in range(8)]
    gate.set()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert all(isinstance(result, DatasetError) for result in results)
    assert len(tried) == 2
    assert await lane.ask(False) is True
    lane.close()


async def test_closing_finishes_what_waits(opener: Open) -> None:
    def work(_: Repository, tasks: Sequence[int]) -> list[int | Exception]:
        return list(tasks)

    lane: Lane[int, int] = Lane("test", opener, work, most=3, threads=2)
    lane.start()
    futures = [lane.ask(number) for number in range(20)]
    await asyncio.to_thread(lane.close)
    assert await asyncio.gather(*futures) == list(range(20))


def test_a_dataset_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    lane: Lane[int, int] = Lane(
        "test", lambda: open_repository(tmp_path / "none.db"), lambda _, tasks: list(tasks)
    )
    with pytest.raises(DatasetError):
        lane.start()
    lane.close()
