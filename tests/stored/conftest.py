"""What only a stored dataset has - SQL, other processes, damage - on every backend that stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.repository import Repository
from tests.backends import Backend, PostgresBackend, SqliteBackend


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """A fresh dataset, and the way to its rows past the code under test."""
    if request.param == "sqlite":
        return SqliteBackend(tmp_path / "dataset.db")
    return PostgresBackend(request.getfixturevalue("postgres_dataset_url"))


@pytest.fixture
def repository(backend: Backend) -> Iterator[Repository]:
    with backend.open() as opened:
        yield opened


@pytest.fixture
def unchanged(backend: Backend) -> Callable[[], object]:
    """Tells what of a dataset a statement might have changed, to be compared with itself."""

    def told() -> object:
        tables = ("image", "image_data", "label", "import", "event", "action")
        return [backend.rows(table, "*") for table in tables], backend.schema()

    return told
