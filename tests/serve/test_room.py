"""What requests hold in memory is counted until the last thread is done with it, and a body is
taken apart by few threads at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from cli.serve import bodies, predicting
from cli.serve.app import create_app
from cli.serve.aside import Aside
from cli.serve.door import Door
from cli.serve.problems import Problem
from cli.serve.room import Room, holding, shared, take
from cli.serve.settings import Limits, ServeSettings
from storage.pictures import encode_png
from tests.ml_fixtures import digits
from tests.serve.conftest import Held
from tests.serve.opened import tries

LARGE = b"[" + b" " * 200_000 + b"]"
PNG = {"Content-Type": "image/png"}
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def door_and_client(db: str, **limits: Any) -> AsyncIterator[tuple[Door, httpx.AsyncClient]]:
    app = create_app(ServeSettings(db, limits=replace(Limits(), **limits)))
    door: Door = app.state.door
    with door.opened():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8765"
        ) as client:
            yield door, client


async def all_is_given_back(door: Door) -> None:
    for _ in tries():
        if door.room.free == door.settings.limits.held:
            return
        await asyncio.sleep(0.01)


class Slow:
    """Work that waits until `free` is set, and counts how much of it is done at a time."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.count = threading.Semaphore(0)
        self.working = 0

    def wait(self) -> None:
        self.working += 1
        self.count.release()
        assert self.free.wait(60)


@pytest.fixture
def slow() -> Iterator[Slow]:
    work = Slow()
    yield work
    work.free.set()


async def test_a_body_counts_until_its_thread_has_ended_though_nobody_waits(
    db: str, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bodies._batch_of

    def waiting(*given: Any) -> Any:
        slow.wait()
        return real(*given)

    monkeypatch.setattr(bodies, "_batch_of", waiting)
    async with door_and_client(db, seconds=0.2) as (door, client):
        sent = [client.post("/predict/batch", content=LARGE, headers=JSON) for _ in range(12)]
        answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {504}
        assert door.settings.limits.held - door.room.free == 12 * len(LARGE)
        assert slow.working == 2
        slow.free.set()
        await all_is_given_back(door)
        # What nobody waited for any more was not done.
        assert slow.working == 2


async def test_a_picture_counts_until_the_model_is_done_with_it(
    db: str, digit: bytes, held: Held
) -> None:
    async with door_and_client(db, seconds=0.2) as (door, client):
        late = await client.post("/predict?save=false", content=digit, headers=PNG)
        assert late.status_code == 504
        assert door.settings.limits.held - door.room.free == len(digit)
        held.free.set()
        await all_is_given_back(door)


async def test_a_large_picture_counts_until_it_is_decoded(
    db: str, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "_LARGE_PIXELS", 10)
    monkeypatch.setattr(predicting, "worth_trying", lambda *_: False)
    real = predicting._decode

    def waiting(*given: Any) -> Any:
        slow.wait()
        return real(*given)

    monkeypatch.setattr(predicting, "_decode", waiting)
    picture = encode_png(digits()[0][3])
    async with door_and_client(db, seconds=0.2) as (door, client):
        late = await client.post("/predict?save=false", content=picture, headers=PNG)
        assert late.status_code == 504
        assert door.settings.limits.held - door.room.free == len(picture)
        slow.free.set()
        await all_is_given_back(door)


async def test_work_aside_is_bounded_and_its_errors_come_back(slow: Slow) -> None:
    aside = Aside("test", threads=1, waiting=2)
    first = asyncio.ensure_future(aside.ask(slow.wait))
    second = asyncio.ensure_future(aside.ask(lambda: 1 // 0))
    await asyncio.to_thread(slow.count.acquire)
    with pytest.raises(Problem) as refused:
        await aside.ask(lambda: None)
    assert refused.value.status == 503
    slow.free.set()
    await first
    with pytest.raises(ZeroDivisionError):
        await second
    assert await aside.ask(lambda: 3) == 3
    aside.close()


def test_room_comes_back_with_the_last_who_leaves() -> None:
    room = Room(10)
    with holding(room):
        take(4)
        leave = shared()
        take(3)
    assert room.free == 3
    leave()
    assert room.free == 10


def test_what_there_is_no_room_for_is_not_taken() -> None:
    room = Room(10)
    with holding(room):
        take(8)
        with pytest.raises(Problem):
            take(3)
        assert room.free == 2
    assert room.free == 10


def test_only_a_request_takes_room() -> None:
    shared()()
    with pytest.raises(RuntimeError):
        take(1)
