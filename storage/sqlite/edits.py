"""A person's edits of labels, splits and tags: each one transaction and one action in the history.

Every edit works on all its images or, where one of them is gone, on none.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from storage.errors import NotFound
from storage.labels import clean_label, clean_tag
from storage.records import Action, Split
from storage.sqlite.database import Database
from storage.sqlite.names import ensure

_GIVEN = "(SELECT value FROM json_each(?))"


def set_label(
    database: Database, image_ids: Sequence[int], label: str | None, *, actor: str
) -> Action:
    """See Images.set_label."""
    name = None if label is None else clean_label(label)
    summary = "label cleared" if name is None else f"label '{name}'"
    ids = json.dumps(list(image_ids))
    with database.write() as connection:
        _all_there(connection, ids)
        label_id = None if name is None else ensure(connection, "label", [name])[name]
        edit = _Edit.begin(connection, "label", summary, actor)
        connection.execute(
            f"""INSERT INTO event (action_id, image_id, before, after)
            SELECT ?, image.id, label.name, ? FROM image
            LEFT JOIN label ON label.id = image.label_id
            WHERE image.id IN {_GIVEN} AND image.label_id IS NOT ?""",
            (edit.action.id, name, ids, label_id),
        )
        connection.execute(
            f"UPDATE image SET label_id = ? WHERE id IN {_GIVEN} AND label_id IS NOT ?",
            (label_id, ids, label_id),
        )
        return edit.finish()


def set_split(
    database: Database, assignments: Mapping[int, Split | None], *, actor: str, summary: str
) -> Action:
    """See Images.set_split."""
    rows = json.dumps(list(assignments.items()))
    given = (
        "(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS split "
        "FROM json_each(?)) AS given"
    )
    with database.write() as connection:
        _all_there(connection, json.dumps(list(assignments)))
        edit = _Edit.begin(connection, "split", summary, actor)
        connection.execute(
            f"""INSERT INTO event (action_id, image_id, before, after)
            SELECT ?, image.id, image.split, given.split FROM {given}
            JOIN image ON image.id = given.id WHERE image.split IS NOT given.split""",
            (edit.action.id, rows),
        )
        connection.execute(
            f"""UPDATE image SET split = given.split FROM {given}
            WHERE image.id = given.id AND image.split IS NOT given.split""",
            (rows,),
        )
        return edit.finish()


def add_tag(database: Database, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
    """See Images.add_tag."""
    name = clean_tag(tag)
    ids = json.dumps(list(image_ids))
    with database.write() as connection:
        _all_there(connection, ids)
        tag_id = ensure(connection, "tag", [name])[name]
        edit = _Edit.begin(connection, "tag", f"tag '{name}'", actor)
        connection.execute(
            f"""INSERT INTO event (action_id, image_id, before, after)
            SELECT ?, id, NULL, ? FROM image WHERE id IN {_GIVEN}
            AND id NOT IN (SELECT image_id FROM image_tag WHERE tag_id = ?)""",
            (edit.action.id, name, ids, tag_id),
        )
        connection.execute(
            f"""INSERT INTO image_tag (tag_id, image_id)
            SELECT ?, id FROM image WHERE id IN {_GIVEN} ON CONFLICT DO NOTHING""",
            (tag_id, ids),
        )
        return edit.finish()


def remove_tag(database: Database, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
    """See Images.remove_tag."""
    name = clean_tag(tag)
    ids = json.dumps(list(image_ids))
    with database.write() as connection:
        _all_there(connection, ids)
        edit = _Edit.begin(connection, "untag", f"tag '{name}' removed", actor)
        row = connection.execute("SELECT id FROM tag WHERE name = ?", (name,)).fetchone()
        if row is not None:
            connection.execute(
                f"""INSERT INTO event (action_id, image_id, before, after)
                SELECT ?, image_id, ?, NULL FROM image_tag
                WHERE tag_id = ? AND image_id IN {_GIVEN}""",
                (edit.action.id, name, row[0], ids),
            )
            connection.execute(
                f"DELETE FROM image_tag WHERE tag_id = ? AND image_id IN {_GIVEN}",
                (row[0], ids),
            )
        return edit.finish()


@dataclass(frozen=True, slots=True)
class _Edit:
    """An action being written: begun before its events, finished when they can be counted."""

    connection: sqlite3.Connection
    action: Action

    @classmethod
    def begin(cls, connection: sqlite3.Connection, kind: str, summary: str, actor: str) -> _Edit:
        at = int(time.time())
        row = connection.execute(
            "INSERT INTO action (at, actor, kind, summary, images) VALUES (?, ?, ?, ?, 0) "
            "RETURNING id",
            (at, actor, kind, summary),
        ).fetchone()
        return cls(connection, Action(row[0], at, actor, kind, summary, images=0))

    def finish(self) -> Action:
        action_id = self.action.id
        images: int = self.connection.execute(
            "SELECT count(*) FROM event WHERE action_id = ?", (action_id,)
        ).fetchone()[0]
        if images == 0:
            self.connection.execute("DELETE FROM action WHERE id = ?", (action_id,))
            return replace(self.action, id=0)
        self.connection.execute("UPDATE action SET images = ? WHERE id = ?", (images, action_id))
        return replace(self.action, images=images)


def _all_there(connection: sqlite3.Connection, ids: str) -> None:
    missing = connection.execute(
        f"SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM image "
        f"WHERE id IN {_GIVEN}) LIMIT 1",
        (ids, ids),
    ).fetchone()
    if missing is not None:
        raise NotFound(
            f"there is no image {missing[0]}", hint="Nothing was changed. See 'pixshelf ls'."
        )
