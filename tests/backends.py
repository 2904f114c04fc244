"""Every kind of dataset that tests run on, each with a way past the code under test: what is read
or changed there goes through no Repository.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from storage.opening import open_repository
from storage.repository import Repository
from tests.contract.memory.repository import MemoryRepository
from tests.contract.memory.store import Store

Rows = list[tuple[Any, ...]]

_KEYS = {"image_data": "image_id", "model_data": "model_id", "model": "id", "run": "id"}


class Backend(Protocol):
    """One dataset of one kind. Tables and columns are called alike in all kinds."""

    @property
    def url(self) -> str:
        """What `open_repository` takes."""
        ...

    def open(self) -> Repository:
        """Open the dataset, once more where it is open; it is made where it is not there."""
        ...

    def rows(self, table: str, *columns: str) -> Rows:
        """What a table holds, ordered by the first of the columns."""
        ...

    def change(self, table: str, key: int, **values: object) -> None:
        """Put values into the row of an image's data, a model or a model's data, or a run."""
        ...

    def remove(self, table: str, key: int) -> None:
        """Take such a row away."""
        ...

    def schema(self) -> Rows:
        """Every table and view that there is, with what it is made of."""
        ...


@dataclass(frozen=True, slots=True)
class SqliteBackend:
    """A dataset file."""

    path: Path

    @property
    def url(self) -> str:
        return str(self.path)

    def open(self) -> Repository:
        return open_repository(self.path, create=True)

    def rows(self, table: str, *columns: str) -> Rows:
        return self._execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1")

    def change(self, table: str, key: int, **values: object) -> None:
        sets = ", ".join(f"{name} = ?" for name in values)
        self._execute(f"UPDATE {table} SET {sets} WHERE {_KEYS[table]} = ?", *values.values(), key)

    def remove(self, table: str, key: int) -> None:
        self._execute(f"DELETE FROM {table} WHERE {_KEYS[table]} = ?", key)

    def schema(self) -> Rows:
        return self._execute("SELECT name, sql FROM sqlite_schema ORDER BY name")

    def _execute(self, sql: str, *values: object) -> Rows:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(sql, values).fetchall()


@dataclass(frozen=True, slots=True)
class PostgresBackend:
    """A database of a PostgreSQL server."""

    url: str

    def open(self) -> Repository:
        return open_repository(self.url, create=True)

    def rows(self, table: str, *columns: str) -> Rows:
        return self._execute(f"SELECT {', '.join(columns)} FROM pixshelf.{table} ORDER BY 1")

    def change(self, table: str, key: int, **values: object) -> None:
        sets = ", ".join(f"{name} = %s" for name in values)
        self._execute(
            f"UPDATE pixshelf.{table} SET {sets} WHERE {_KEYS[table]} = %s", *values.values(), key
        )

    def remove(self, table: str, key: int) -> None:
        self._execute(f"DELETE FROM pixshelf.{table} WHERE {_KEYS[table]} = %s", key)

    def schema(self) -> Rows:
        return self._execute(
            "SELECT table_schema, table_name, column_name, data_type "
            "FROM information_schema.columns ORDER BY 1, 2, ordinal_position"
        )

    def _execute(self, sql: str, *values: object) -> Rows:
        import psycopg

        with psycopg.connect(self.url) as connection:
            cursor = connection.cursor()
            cursor.execute(sql.encode(), values)
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True, slots=True)
class MemoryBackend:
    """The plain model: no code lies between it and what it holds, which is told here as rows."""

    store: Store = field(default_factory=Store)

    @property
    def url(self) -> str:
        return self.open().url

    def open(self) -> Repository:
        return MemoryRepository(self.store)

    def rows(self, table: str, *columns: str) -> Rows:
        return sorted(
            (tuple(row[column] for column in columns) for row in self._table(table)),
            key=lambda row: row[0],
        )

    def change(self, table: str, key: int, **values: object) -> None:
        changes: dict[str, Any] = values
        if table == "image_data":
            image = self.store.images[key]
            image.facts = replace(image.facts, **changes)
        else:
            model = self.store.models[key]
            model.given = replace(model.given, **changes)

    def remove(self, table: str, key: int) -> None:
        self.change(table, key, data=b"")

    def schema(self) -> Rows:
        return []

    def _table(self, table: str) -> Iterator[dict[str, object]]:
        match table:
            case "image" | "image_data":
                for image_id, image in self.store.images.items():
                    yield {"id": image_id, "image_id": image_id, "data": image.facts.data}
            case "measure":
                for image_id in self.store.measures:
                    yield {"image_id": image_id}
            case "event":
                for action_id, done in self.store.actions.items():
                    for one in done.events.values():
                        yield {
                            "action_id": action_id,
                            "image_id": one.image,
                            "before": one.before,
                            "after": one.after,
                        }
            case _:
                raise LookupError(f"the model tells no rows of {table}")
