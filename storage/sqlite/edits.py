"""A person's edits of labels, splits, tags and the trash: each one transaction and one action.

Every edit works on all its images or, where one of them is gone, on none. A new action drops what
could have been redone.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from storage import deeds
from storage.deeds import Deed, Table
from storage.labels import clean_label, clean_tag
from storage.missing import no_image_to_edit, no_name
from storage.records import Action, Split
from storage.sqlite.database import Database
from storage.sqlite.names import drop_unused, ensure

_AT_ONCE = 10_000
_GIVEN = "(SELECT value FROM json_each(?))"


def set_label(
    database: Database, image_ids: Sequence[int], label: str | None, *, actor: str
) -> Action:
    """See Images.set_label."""
    name = None if label is None else clean_label(label)
    with _edit(database, deeds.label(name), actor, image_ids) as edit:
        _relabel(edit, f"image.id IN {_GIVEN}", edit.ids, name)
    return edit.done()


def set_labels(
    database: Database, assignments: Mapping[int, str | None], *, actor: str, summary: str
) -> Action:
    """See Images.set_labels."""
    cleaned = {name: clean_label(name) for name in set(assignments.values()) if name is not None}
    given = (
        "(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS label_id "
        "FROM json_each(?)) AS given"
    )
    with _edit(database, Deed("label", summary), actor, list(assignments)) as edit:
        label_ids = ensure(edit.connection, "label", cleaned.values())
        rows = _json(
            [
                (image, None if name is None else label_ids[cleaned[name]])
                for image, name in assignments.items()
            ]
        )
        edit.note(
            f"SELECT ?, image.id, old.name, new.name FROM {given} "
            "JOIN image ON image.id = given.id LEFT JOIN label AS old ON old.id = image.label_id "
            "LEFT JOIN label AS new ON new.id = given.label_id "
            "WHERE image.label_id IS NOT given.label_id",
            rows,
        )
        edit.connection.execute(
            f"UPDATE image SET label_id = given.label_id FROM {given} "
            "WHERE image.id = given.id AND image.label_id IS NOT given.label_id",
            (rows,),
        )
    return edit.done()


def set_split(
    database: Database, assignments: Mapping[int, Split | None], *, actor: str, summary: str
) -> Action:
    """See Images.set_split."""
    rows = _json(list(assignments.items()))
    given = (
        "(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS split "
        "FROM json_each(?)) AS given"
    )
    with _edit(database, Deed("split", summary), actor, list(assignments)) as edit:
        edit.note(
            f"SELECT ?, image.id, image.split, given.split FROM {given} "
            "JOIN image ON image.id = given.id WHERE image.split IS NOT given.split",
            rows,
        )
        edit.connection.execute(
            f"UPDATE image SET split = given.split FROM {given} "
            "WHERE image.id = given.id AND image.split IS NOT given.split",
            (rows,),
        )
    return edit.done()


def add_tag(database: Database, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
    """See Images.add_tag."""
    name = clean_tag(tag)
    with _edit(database, deeds.tag(name), actor, image_ids) as edit:
        tag_id = ensure(edit.connection, "tag", [name])[name]
        edit.note(
            f"SELECT ?, id, NULL, ? FROM image WHERE id IN {_GIVEN} "
            "AND id NOT IN (SELECT image_id FROM image_tag WHERE tag_id = ?)",
            name,
            edit.ids,
            tag_id,
        )
        edit.connection.execute(
            "INSERT INTO image_tag (tag_id, image_id) "
            f"SELECT ?, id FROM image WHERE id IN {_GIVEN} ON CONFLICT DO NOTHING",
            (tag_id, edit.ids),
        )
    return edit.done()


def remove_tag(database: Database, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
    """See Images.remove_tag."""
    name = clean_tag(tag)
    with _edit(database, deeds.untag(name), actor, image_ids) as edit:
        _untag(edit, name, f"image_id IN {_GIVEN}", edit.ids)
    return edit.done()


def delete(database: Database, image_ids: Sequence[int], *, actor: str) -> Action:
    """See Images.delete."""
    with _edit(database, deeds.DELETE, actor, image_ids) as edit:
        edit.note(
            f"SELECT ?, id, NULL, 'deleted' FROM image WHERE id IN {_GIVEN} "
            "AND id NOT IN (SELECT image_id FROM trash)",
            edit.ids,
        )
        edit.connection.execute(
            f"INSERT INTO trash (image_id, at) SELECT id, ? FROM image WHERE id IN {_GIVEN} "
            "ON CONFLICT DO NOTHING",
            (edit.action.at, edit.ids),
        )
    return edit.done()


def restore(database: Database, image_ids: Sequence[int], *, actor: str) -> Action:
    """See Images.restore."""
    with _edit(database, deeds.RESTORE, actor, image_ids) as edit:
        edit.note(
            f"SELECT ?, image_id, 'deleted', NULL FROM trash WHERE image_id IN {_GIVEN}", edit.ids
        )
        edit.connection.execute(f"DELETE FROM trash WHERE image_id IN {_GIVEN}", (edit.ids,))
    return edit.done()


def merge_label(database: Database, source: str, target: str, *, actor: str) -> Action:
    """See Labels.merge."""
    name = clean_label(target)
    with _edit(database, deeds.merge(source, name), actor) as edit:
        _relabel(edit, "image.label_id = ?", _id_of(edit.connection, "label", source), name)
        drop_unused(edit.connection, "label", source)
    return edit.done()


def remove_label(database: Database, name: str, *, actor: str) -> Action:
    """See Labels.remove."""
    with _edit(database, deeds.remove_label(name), actor) as edit:
        _relabel(edit, "image.label_id = ?", _id_of(edit.connection, "label", name), None)
        drop_unused(edit.connection, "label", name)
    return edit.done()


def remove_tag_everywhere(database: Database, name: str, *, actor: str) -> Action:
    """See Tags.remove."""
    with _edit(database, deeds.remove_tag(name), actor) as edit:
        _id_of(edit.connection, "tag", name)
        _untag(edit, name, "1")
        drop_unused(edit.connection, "tag", name)
    return edit.done()


def rename(database: Database, table: Table, old: str, new: str, *, actor: str) -> Action:
    """See Labels.rename and Tags.rename."""
    name = clean_label(new) if table == "label" else clean_tag(new)
    with _edit(database, deeds.rename(table, old, name), actor) as edit:
        connection = edit.connection
        row_id = _id_of(connection, table, old)
        if name == old:
            return edit.done()
        if connection.execute(f"SELECT 1 FROM {table} WHERE name = ?", (name,)).fetchone():
            raise deeds.name_taken(table, name)
        connection.execute(f"UPDATE {table} SET name = ? WHERE id = ?", (name, row_id))
        images = connection.execute(
            "SELECT count(*) FROM image WHERE label_id = ?"
            if table == "label"
            else "SELECT count(*) FROM image_tag WHERE tag_id = ?",
            (row_id,),
        ).fetchone()[0]
        connection.execute(
            "UPDATE action SET before = ?, after = ? WHERE id = ?", (old, name, edit.action.id)
        )
        edit.images = images
        edit.renamed = True
    return edit.done()


@dataclass(slots=True)
class _Edit:
    """An action being written: begun before its events, finished when they can be counted."""

    connection: sqlite3.Connection
    action: Action
    ids: str
    images: int = 0
    renamed: bool = False

    def note(self, select: str, *parameters: object) -> None:
        """Record what is about to change: a SELECT of action, image, before and after."""
        self.images += self.connection.execute(
            f"INSERT INTO event (action_id, image_id, before, after) {select}",
            (self.action.id, *parameters),
        ).rowcount

    def finish(self) -> None:
        if not self.images and not self.renamed:
            self.connection.execute("DELETE FROM action WHERE id = ?", (self.action.id,))
            return
        self.connection.execute(
            "UPDATE action SET images = ? WHERE id = ?", (self.images, self.action.id)
        )
        self.connection.execute("UPDATE action SET state = 'dropped' WHERE state = 'undone'")

    def done(self) -> Action:
        """The action as it was recorded; with id 0 where nothing needed to change."""
        recorded = self.images or self.renamed
        return replace(self.action, id=self.action.id if recorded else 0, images=self.images)


@contextmanager
def _edit(
    database: Database, deed: Deed, actor: str, image_ids: Sequence[int] = ()
) -> Iterator[_Edit]:
    """One edit in one transaction. Raises NotFound if an image is gone."""
    ids = _json(image_ids)
    with database.write() as connection:
        _all_there(connection, ids, image_ids)
        at = int(time.time())
        row = connection.execute(
            "INSERT INTO action (at, actor, kind, summary, images) VALUES (?, ?, ?, ?, 0) "
            "RETURNING id",
            (at, actor, deed.kind, deed.summary),
        ).fetchone()
        action = Action(row[0], at, actor, deed.kind, deed.summary, images=0)
        edit = _Edit(connection, action, ids)
        yield edit
        edit.finish()


def _relabel(edit: _Edit, where: str, parameter: object, name: str | None) -> None:
    """Give the label to the images for which `where` holds."""
    label_id = None if name is None else ensure(edit.connection, "label", [name])[name]
    edit.note(
        "SELECT ?, image.id, label.name, ? FROM image "
        "LEFT JOIN label ON label.id = image.label_id "
        f"WHERE {where} AND image.label_id IS NOT ?",
        name,
        parameter,
        label_id,
    )
    edit.connection.execute(
        f"UPDATE image SET label_id = ? WHERE {where} AND label_id IS NOT ?",
        (label_id, parameter, label_id),
    )


def _untag(edit: _Edit, name: str, where: str, *parameters: object) -> None:
    """Take the tag off the images for which `where` holds."""
    row = edit.connection.execute("SELECT id FROM tag WHERE name = ?", (name,)).fetchone()
    if row is not None:
        edit.note(
            f"SELECT ?, image_id, ?, NULL FROM image_tag WHERE tag_id = ? AND {where}",
            name,
            row[0],
            *parameters,
        )
        edit.connection.execute(
            f"DELETE FROM image_tag WHERE tag_id = ? AND {where}", (row[0], *parameters)
        )


def _id_of(connection: sqlite3.Connection, table: Table, name: str) -> int:
    row = connection.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise no_name(table, name)
    found: int = row[0]
    return found


def _all_there(connection: sqlite3.Connection, ids: str, image_ids: Sequence[int]) -> None:
    missing = connection.execute(
        "SELECT key FROM json_each(?) WHERE value NOT IN (SELECT id FROM image "
        f"WHERE id IN {_GIVEN}) LIMIT 1",
        (ids, ids),
    ).fetchone()
    if missing is not None:
        raise no_image_to_edit(image_ids[missing[0]])


def _json(values: Sequence[object]) -> str:
    """A list as JSON. It is written in parts, since one call for a million would let no other
    thread of the process work meanwhile."""
    parts = (
        json.dumps(list(values[at : at + _AT_ONCE]))[1:-1] for at in range(0, len(values), _AT_ONCE)
    )
    return f"[{','.join(parts)}]"
