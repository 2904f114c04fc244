"""The history in a dataset file, and undo and redo from it.

An action's events say what each image had before and after; taking it back writes the one, doing
it again the other. Both work on whole actions, in order, each in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from storage.deeds import Table, name_taken_since
from storage.missing import no_action
from storage.records import Action, Event
from storage.sqlite.database import Database, Row
from storage.sqlite.names import drop_unused, ensure
from storage.ways import ACTION, Direction, Side, go

_ACTION = f"SELECT {ACTION} FROM action"


class SqliteHistory:
    """What users did to labels, splits, tags and the trash, and the way back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def actions(self, *, limit: int = 100, before: int | None = None) -> list[Action]:
        rows = self._database.all(
            f"{_ACTION} WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2", (before, limit)
        )
        return [Action(*row) for row in rows]

    def get(self, action_id: int) -> Action:
        row = self._database.one(f"{_ACTION} WHERE id = ?", (action_id,))
        if row is None:
            raise no_action(action_id)
        return Action(*row)

    def events(self, action_id: int, *, limit: int = 100, after: int = 0) -> list[Event]:
        self.get(action_id)
        rows = self._database.all(
            "SELECT image_id, before, after FROM event WHERE action_id = ? AND image_id > ? "
            "ORDER BY image_id LIMIT ?",
            (action_id, after, limit),
        )
        return [Event(*row) for row in rows]

    def of_image(self, image_id: int) -> list[tuple[Action, Event]]:
        rows = self._database.all(
            "SELECT action.id, at, actor, kind, summary, images, state, image_id, event.before, "
            "event.after FROM event JOIN action ON action.id = event.action_id "
            "WHERE image_id = ? ORDER BY event.id DESC",
            (image_id,),
        )
        return [(Action(*row[:7]), Event(*row[7:])) for row in rows]

    def undo(self, count: int = 1, *, expected: Sequence[int] | None = None) -> list[Action]:
        return self._go("undo", count, expected)

    def redo(self, count: int = 1, *, expected: Sequence[int] | None = None) -> list[Action]:
        return self._go("redo", count, expected)

    def _go(self, direction: Direction, count: int, expected: Sequence[int] | None) -> list[Action]:
        with self._database.write() as connection:
            return go(
                direction,
                count,
                expected,
                ask=lambda sql, values: connection.execute(sql, values).fetchall(),
                write=lambda action, side: _write(connection, action, side),
            )


def _write(connection: sqlite3.Connection, action: Row, side: Side) -> None:
    """Give everything that an action changed what it had on one side of it."""
    action_id, kind, before, after = action
    match kind:
        case "label":
            _write_labels(connection, action_id, side)
        case "split":
            connection.execute(
                f"UPDATE image SET split = event.{side} FROM event "
                "WHERE event.action_id = ? AND image.id = event.image_id",
                (action_id,),
            )
        case "tag" | "untag":
            _write_tags(connection, action_id, side)
        case "delete" | "restore":
            _write_trash(connection, action_id, side)
        case "rename-label" | "rename-tag":
            table: Table = "label" if kind == "rename-label" else "tag"
            old, new = (after, before) if side == "before" else (before, after)
            _rename(connection, table, old, new)


def _rename(connection: sqlite3.Connection, table: Table, old: str, new: str) -> None:
    # A name that an action since took into use, and that was taken back, may still be there.
    drop_unused(connection, table, new)
    if connection.execute(f"SELECT 1 FROM {table} WHERE name = ?", (new,)).fetchone():
        raise name_taken_since(table, old, new)
    connection.execute(f"UPDATE {table} SET name = ? WHERE name = ?", (new, old))


def _names(connection: sqlite3.Connection, action_id: int, side: Side) -> list[str]:
    rows = connection.execute(
        f"SELECT DISTINCT {side} FROM event WHERE action_id = ? AND {side} IS NOT NULL",
        (action_id,),
    )
    return [row[0] for row in rows]


def _write_labels(connection: sqlite3.Connection, action_id: int, side: Side) -> None:
    ensure(connection, "label", _names(connection, action_id, side))
    connection.execute(
        f"UPDATE image SET label_id = (SELECT id FROM label WHERE name = event.{side}) "
        "FROM event WHERE event.action_id = ? AND image.id = event.image_id",
        (action_id,),
    )


def _write_tags(connection: sqlite3.Connection, action_id: int, side: Side) -> None:
    other = "after" if side == "before" else "before"
    ensure(connection, "tag", _names(connection, action_id, side))
    connection.execute(
        "DELETE FROM image_tag WHERE (tag_id, image_id) IN (SELECT tag.id, event.image_id "
        f"FROM event JOIN tag ON tag.name = event.{other} WHERE event.action_id = ?)",
        (action_id,),
    )
    connection.execute(
        "INSERT INTO image_tag (tag_id, image_id) SELECT tag.id, event.image_id FROM event "
        f"JOIN tag ON tag.name = event.{side} WHERE event.action_id = ? ON CONFLICT DO NOTHING",
        (action_id,),
    )


def _write_trash(connection: sqlite3.Connection, action_id: int, side: Side) -> None:
    connection.execute(
        "DELETE FROM trash WHERE image_id IN "
        f"(SELECT image_id FROM event WHERE action_id = ? AND {side} IS NULL)",
        (action_id,),
    )
    connection.execute(
        "INSERT INTO trash (image_id, at) SELECT event.image_id, action.at FROM event "
        "JOIN action ON action.id = event.action_id "
        f"WHERE action.id = ? AND event.{side} IS NOT NULL ON CONFLICT DO NOTHING",
        (action_id,),
    )
