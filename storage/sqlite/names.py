"""Looking labels and tags up by name, and making those that are not there yet."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from storage.deeds import Table
from storage.sqlite.database import Database


def ids_of(database: Database, table: Table, names: Sequence[Any]) -> list[int]:
    """The ids of the names that are there."""
    rows = database.all(
        f"SELECT id FROM {table} WHERE name IN (SELECT value FROM json_each(?))",
        (json.dumps(list(names)),),
    )
    return [row[0] for row in rows]


def ensure(connection: sqlite3.Connection, table: Table, names: Iterable[str]) -> dict[str, int]:
    """The id of every name, within the caller's transaction."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    connection.executemany(
        f"INSERT INTO {table} (name) VALUES (?) ON CONFLICT DO NOTHING",
        [(name,) for name in wanted],
    )
    rows = connection.execute(
        f"SELECT name, id FROM {table} WHERE name IN (SELECT value FROM json_each(?))",
        (json.dumps(wanted),),
    )
    return dict(rows)


_USES = {
    "label": (
        "SELECT 1 FROM image WHERE label_id = ?1",
        "SELECT 1 FROM model_label WHERE label_id = ?1",
        "SELECT 1 FROM prediction WHERE label_id = ?1 OR truth_id = ?1",
    ),
    "tag": ("SELECT 1 FROM image_tag WHERE tag_id = ?1",),
}


def drop_unused(connection: sqlite3.Connection, table: Table, name: str) -> None:
    """Forget a name that nothing has any more."""
    unused = " AND ".join(
        f"NOT EXISTS ({use.replace('?1', f'{table}.id')})" for use in _USES[table]
    )
    connection.execute(f"DELETE FROM {table} WHERE name = ? AND {unused}", (name,))
