"""A dataset with a model that needs no training, and the door on it: in this process without a
network, or behind a socket of its own."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.serve.app import create_app
from cli.serve.settings import Limits, ServeSettings
from ml.predicting import Predictor
from storage.opening import open_repository
from storage.pictures import encode_png
from storage.repository import Repository
from tests.ml_fixtures import digits, digits_model, store_digits
from tests.serve.opened import opened

Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of twenty labelled digits and a model of them, to be copied."""
    path = tmp_path_factory.mktemp("made") / "made.db"
    with open_repository(path, create=True) as repo:
        store_digits(repo, 20)
        repo.models.add(digits_model())
    return path


@pytest.fixture
def db(made: Path, tmp_path: Path) -> str:
    """A copy of that dataset, of the test's own."""
    return str(shutil.copy(made, tmp_path / "served.db"))


@pytest.fixture
def repo(db: str) -> Iterator[Repository]:
    """The dataset beside the door's own workers."""
    with open_repository(db) as beside:
        yield beside


@pytest.fixture
def digit() -> bytes:
    """A PNG of a digit, a 3, that the dataset does not hold."""
    return encode_png(digits()[0][3])


@pytest.fixture
async def client(db: str) -> AsyncIterator[httpx.AsyncClient]:
    """Asks a door in this process."""
    async with asking(ServeSettings(db)) as asker:
        yield asker


@asynccontextmanager
async def asking(settings: ServeSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A door in this process, for as long as the block."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    with app.state.door.opened():
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8765"
        ) as asker:
            yield asker


@pytest.fixture
def serve(db: str) -> Serve:
    """`with serve(body=1000) as url`: a door behind a socket, with those limits."""

    @contextmanager
    def start(**limits: Any) -> Iterator[str]:
        settings = ServeSettings(db, port=0, limits=replace(Limits(), **limits))
        with opened(settings) as door:
            yield door.url.rstrip("/")

    return start


class Held:
    """A model that answers only once it is let go. `began` is set when it is first asked."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.free = threading.Event()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """Every prediction waits until `free` is set."""
    state = Held()
    predict = Predictor.predict

    def waiting(predictor: Predictor, batch: Any) -> Any:
        state.began.set()
        assert state.free.wait(20)
        return predict(predictor, batch)

    monkeypatch.setattr(Predictor, "predict", waiting)
    yield state
    state.free.set()
