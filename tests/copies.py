"""Places that datasets are copied from and to: filled with something of everything, and read and
hurt past the code under test.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from storage.opening import open_repository
from storage.records import Measures
from storage.repository import Repository
from tests.making import (
    add_images,
    checkpoint,
    epoch,
    new_image,
    new_model,
    new_prediction,
    new_run,
)
from tests.pg_server import Server

Rows = list[tuple[Any, ...]]
Content = dict[str, tuple[tuple[str, ...], Rows]]
"""By table: the names of its columns, sorted, and its rows, always in the same order."""


class Place(Protocol):
    """Where a dataset is, or may be."""

    @property
    def url(self) -> str:
        """What `open_repository` takes."""
        ...

    def raw(self, sql: str, *values: object, unfinished: bool = False) -> Rows:
        """Run a statement by hand, in the dataset or in an unfinished copy; values are `?`."""
        ...

    def has_unfinished(self) -> bool:
        """Whether an unfinished copy is there."""
        ...

    def tables(self) -> dict[str, tuple[str, ...]]:
        """The tables of the dataset with their columns, sorted."""
        ...


NewPlace = Callable[[str], Place]
"""Gives a place where nothing is yet, of the kind that is named."""

KINDS = ("sqlite", "postgres")

both_ways = pytest.mark.parametrize(
    ("one", "other"), [(one, other) for one in KINDS for other in KINDS]
)
each_kind = pytest.mark.parametrize("kind", KINDS)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A dataset file."""

    path: Path

    @property
    def url(self) -> str:
        return str(self.path)

    @property
    def unfinished(self) -> Path:
        return Path(f"{self.path}.copying")

    def raw(self, sql: str, *values: object, unfinished: bool = False) -> Rows:
        path = self.unfinished if unfinished else self.path
        with (
            closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection,
            connection,
        ):
            return connection.execute(sql, values).fetchall()

    def has_unfinished(self) -> bool:
        return self.unfinished.exists()

    def tables(self) -> dict[str, tuple[str, ...]]:
        rows = self.raw(
            "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c "
            "WHERE t.type = 'table' AND t.name NOT LIKE '\\_%' ESCAPE '\\' "
            "AND t.name NOT LIKE 'sqlite%' ORDER BY 1, 2"
        )
        return _grouped(rows)


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """A database of a server."""

    url: str

    def raw(self, sql: str, *values: object, unfinished: bool = False) -> Rows:
        schema = "pixshelf_copying" if unfinished else "pixshelf"
        with psycopg.connect(self.url, options=f"-c search_path={schema}") as connection:
            cursor = connection.execute(sql.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

    def has_unfinished(self) -> bool:
        return self.raw("SELECT to_regnamespace('pixshelf_copying') IS NOT NULL") == [(True,)]

    def tables(self) -> dict[str, tuple[str, ...]]:
        rows = self.raw(
            "SELECT table_name::text, column_name::text FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = 'pixshelf' AND table_type = 'BASE TABLE' "
            "AND table_name <> 'dataset' ORDER BY table_name, column_name COLLATE \"C\""
        )
        return _grouped(rows)


def _grouped(rows: Rows) -> dict[str, tuple[str, ...]]:
    tables: dict[str, tuple[str, ...]] = {}
    for table, column in rows:
        tables[table] = (*tables.get(table, ()), column)
    return tables


def content(place: Place) -> Content:
    """Every row of every table, but for the note that a copy killed in its last moment leaves."""
    return {
        table: (columns, sorted(place.raw(f"SELECT {', '.join(columns)} FROM {table}"), key=repr))
        for table, columns in place.tables().items()
        if table != "copying"
    }


@pytest.fixture
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewPlace]:
    """Gives a new place of the kind named, 'sqlite' or 'postgres', at each call."""
    made: list[str] = []

    def make(kind: str) -> Place:
        if kind == "sqlite":
            made.append("")
            return FilePlace(tmp_path / f"place{len(made)}.db")
        server: Server = request.getfixturevalue("postgres_server")
        made.append(server.create_database())
        return ServerPlace(server.url(made[-1]))

    yield make
    for name in filter(None, made):
        request.getfixturevalue("postgres_server").drop_database(name)


@contextmanager
def filled(place: Place) -> Iterator[Repository]:
    """A dataset at the place with rows in every table, open."""
    with open_repository(place.url, create=True) as repo:
        fill(repo)
        yield repo


def fill(repo: Repository) -> None:
    """Rows in every table, and things done, undone and dropped in the history."""
    ids = add_images(
        repo,
        *(new_image(n, label=str(n % 3), dhash=n * (-1) ** n * 2**40) for n in range(20)),
        new_image(20, thumbnail=b"small", source="größe/\U0001f600.png"),
        new_image(21, data=bytes(range(256)) * 5_000, split="test"),
    )
    repo.images.add_tag(ids[:5], "checked", actor="test")
    repo.images.set_label(ids[:3], "other", actor="test")
    repo.images.set_split({ids[4]: "train", ids[5]: "val"}, actor="test", summary="split")
    repo.images.delete(ids[6:8], actor="test")
    repo.images.set_label(ids[10:12], None, actor="test")
    repo.history.undo(1)
    repo.measurements.save({ids[0]: _measures(0.5), ids[1]: _measures(None)}, version=1)
    run = repo.runs.create(new_run())
    repo.runs.record_epoch(run, epoch(1), last=checkpoint(1), best=checkpoint(1))
    repo.runs.record_epoch(run, epoch(2, None), last=checkpoint(2))
    done = repo.runs.create(new_run("done"))
    repo.runs.finish(done, "failed", error="it\nfailed")
    model = repo.models.add(new_model("0", "1", "never seen", name="first", run=run))
    repo.models.add(new_model("0", "1", name="second"))
    said = [new_prediction(one, "01"[one % 2], 0.1 + one / 100) for one in ids[:12]]
    repo.predictions.save(model, said)
    repo.images.set_label(ids[1:2], "1", actor="test")


def _measures(sharpness: float | None) -> Measures:
    return Measures(
        low=1, high=250, contrast=0.1 + 0.2, spread=9, sharpness=sharpness, animated=False
    )


@pytest.fixture
def source(new_place: NewPlace) -> Place:
    """A dataset file with rows in every table."""
    place = new_place("sqlite")
    with filled(place):
        pass
    return place


class CutOff(BaseException):
    """As an interrupt is, in a place of the test's choosing."""


def cut_at(what: str) -> Callable[[str, int, int], None]:
    """Progress that ends the copy when it is told of this."""

    def progress(doing: str, done: int, total: int) -> None:
        if doing == what:
            raise CutOff

    return progress


def once(what: str, do: Callable[[], object]) -> Callable[[str, int, int], None]:
    """Progress that does something when it is first told of this."""
    left = [do]

    def progress(doing: str, done: int, total: int) -> None:
        if doing == what and left:
            left.pop()()

    return progress
