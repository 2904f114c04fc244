"""What the contract suite runs on: every backend, each in a fresh dataset."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.opening import open_repository
from storage.repository import Repository

Raw = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(params=["sqlite"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "dataset.db", create=True) as opened:
        yield opened


@pytest.fixture
def raw(repository: Repository) -> Raw:
    """Reads the stored rows past the code under test."""

    def read(sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{repository.url}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    return read
