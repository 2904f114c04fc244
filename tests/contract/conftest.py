"""What the contract suite runs on: every backend and the plain model, each in a fresh dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.repository import Repository
from tests.backends import Backend, MemoryBackend, PostgresBackend, SqliteBackend


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """A fresh dataset, and the way to its rows past the code under test."""
    match request.param:
        case "sqlite":
            return SqliteBackend(tmp_path / "dataset.db")
        case "postgres":
            return PostgresBackend(request.getfixturevalue("postgres_dataset_url"))
        case _:
            return MemoryBackend()


@pytest.fixture
def repository(backend: Backend) -> Iterator[Repository]:
    with backend.open() as opened:
        yield opened
