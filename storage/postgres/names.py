"""Looking labels and tags up by name, making those that are not there yet, and giving ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from storage.deeds import Table
from storage.postgres.database import Connection, Database


def next_id(connection: Connection, table: str) -> int:
    """The id for a new row, within the caller's transaction: under the write lock no other takes
    it."""
    row = connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()
    if row is None:
        raise RuntimeError(f"max(id) of {table} gave no row")
    return int(row[0])


def ids_of(database: Database, table: Table, names: Sequence[Any]) -> list[int]:
    """The ids of the names that are there."""
    statement = f"SELECT id FROM {table} WHERE name = ANY(%s::text[])"
    rows = database.all(statement, (list(names),), prepare=True)
    return [row[0] for row in rows]


def ensure(connection: Connection, table: Table, names: Iterable[str]) -> dict[str, int]:
    """The id of every name, within the caller's transaction."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    found: dict[str, int] = dict(
        connection.execute(f"SELECT name, id FROM {table} WHERE name = ANY(%s)", (wanted,))
    )
    new = [name for name in wanted if name not in found]
    if new:
        first = next_id(connection, table)
        rows = list(enumerate(new, first))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} (id, name) VALUES (%s, %s)", rows)
        found.update({name: row_id for row_id, name in rows})
    return found


_USES = {
    "label": (
        "SELECT 1 FROM image WHERE label_id = label.id",
        "SELECT 1 FROM model_label WHERE label_id = label.id",
        "SELECT 1 FROM prediction WHERE prediction.label_id = label.id",
        "SELECT 1 FROM prediction WHERE truth_id = label.id",
    ),
    "tag": ("SELECT 1 FROM image_tag WHERE tag_id = tag.id",),
}


def drop_unused(connection: Connection, table: Table, name: str) -> None:
    """Forget a name that nothing has any more."""
    unused = " AND ".join(f"NOT EXISTS ({use})" for use in _USES[table])
    connection.execute(f"DELETE FROM {table} WHERE name = %s AND {unused}", (name,))
