"""The history in PostgreSQL, and undo and redo from it.

An action's events say what each image had before and after; taking it back writes the one, doing
it (again) the other. Which actions, and in which order, storage.ways says.
"""

from __future__ import annotations

from collections.abc import Sequence

from storage.deeds import Table, name_taken_since
from storage.missing import no_action
from storage.postgres.database import Connection, Database, Row
from storage.postgres.names import drop_unused, ensure
from storage.records import Action, Event
from storage.ways import ACTION, Direction, Side, go

_ACTION = f"SELECT {ACTION} FROM action"


class PostgresHistory:
    """What users did to labels, splits, tags and the trash, and the way back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def actions(self, *, limit: int = 100, before: int | None = None) -> list[Action]:
        rows = self._database.all(
            f"{_ACTION} WHERE %s::bigint IS NULL OR id < %s ORDER BY id DESC LIMIT %s",
            (before, before, limit),
        )
        return [Action(*row) for row in rows]

    def get(self, action_id: int) -> Action:
        row = self._database.one(f"{_ACTION} WHERE id = %s", (action_id,))
        if row is None:
            raise no_action(action_id)
        return Action(*row)

    def events(self, action_id: int, *, limit: int = 100, after: int = 0) -> list[Event]:
        self.get(action_id)
        rows = self._database.all(
            "SELECT image_id, before, after FROM event WHERE action_id = %s AND image_id > %s "
            "ORDER BY image_id LIMIT %s",
            (action_id, after, limit),
        )
        return [Event(*row) for row in rows]

    def of_image(self, image_id: int) -> list[tuple[Action, Event]]:
        rows = self._database.all(
            "SELECT action.id, at, actor, kind, summary, images, state, image_id, event.before, "
            "event.after FROM event JOIN action ON action.id = event.action_id "
            "WHERE image_id = %s ORDER BY event.id DESC",
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
                ask=lambda sql, values: connection.execute(
                    sql.replace("?", "%s"), values
                ).fetchall(),
                write=lambda action, side: _write(connection, action, side),
            )


def write_events(connection: Connection, action_id: int, kind: str, side: Side) -> None:
    """Give every image of an action's events what it had on one side of it."""
    match kind:
        case "label":
            _write_labels(connection, action_id, side)
        case "split":
            connection.execute(
                f"UPDATE image SET split = event.{side} FROM event "
                "WHERE event.action_id = %s AND image.id = event.image_id",
                (action_id,),
            )
        case "tag" | "untag":
            _write_tags(connection, action_id, side)
        case "delete" | "restore":
            _write_trash(connection, action_id, side)


def _write(connection: Connection, action: Row, side: Side) -> None:
    """Give everything that an action changed what it had on one side of it."""
    action_id, kind, before, after = action
    if kind in ("rename-label", "rename-tag"):
        table: Table = "label" if kind == "rename-label" else "tag"
        old, new = (after, before) if side == "before" else (before, after)
        _rename(connection, table, old, new)
    else:
        write_events(connection, action_id, kind, side)


def _rename(connection: Connection, table: Table, old: str, new: str) -> None:
    # A name that an action since took into use, and that was taken back, may still be there.
    drop_unused(connection, table, new)
    if connection.execute(f"SELECT 1 FROM {table} WHERE name = %s", (new,)).fetchone():
        raise name_taken_since(table, old, new)
    connection.execute(f"UPDATE {table} SET name = %s WHERE name = %s", (new, old))


def _names(connection: Connection, action_id: int, side: Side) -> list[str]:
    rows = connection.execute(
        f"SELECT DISTINCT {side} FROM event WHERE action_id = %s AND {side} IS NOT NULL",
        (action_id,),
    )
    return [row[0] for row in rows]


def _write_labels(connection: Connection, action_id: int, side: Side) -> None:
    ensure(connection, "label", _names(connection, action_id, side))
    connection.execute(
        "UPDATE image SET label_id = label.id "
        f"FROM event LEFT JOIN label ON label.name = event.{side} "
        "WHERE event.action_id = %s AND image.id = event.image_id",
        (action_id,),
    )


def _write_tags(connection: Connection, action_id: int, side: Side) -> None:
    other = "after" if side == "before" else "before"
    ensure(connection, "tag", _names(connection, action_id, side))
    connection.execute(
        f"DELETE FROM image_tag USING event JOIN tag ON tag.name = event.{other} "
        "WHERE event.action_id = %s AND image_tag.tag_id = tag.id "
        "AND image_tag.image_id = event.image_id",
        (action_id,),
    )
    connection.execute(
        "INSERT INTO image_tag (tag_id, image_id) SELECT tag.id, event.image_id FROM event "
        f"JOIN tag ON tag.name = event.{side} WHERE event.action_id = %s ON CONFLICT DO NOTHING",
        (action_id,),
    )


def _write_trash(connection: Connection, action_id: int, side: Side) -> None:
    connection.execute(
        "DELETE FROM trash WHERE image_id IN "
        f"(SELECT image_id FROM event WHERE action_id = %s AND {side} IS NULL)",
        (action_id,),
    )
    connection.execute(
        "INSERT INTO trash (image_id, at) SELECT event.image_id, action.at FROM event "
        "JOIN action ON action.id = event.action_id "
        f"WHERE action.id = %s AND event.{side} IS NOT NULL ON CONFLICT DO NOTHING",
        (action_id,),
    )
