"""A person's edits of labels, splits, tags and the trash: each one transaction and one action.

An edit writes down as events what each image has and will have, and then does what they say.
Every edit works on all its images or, where one of them is gone, on none. A new action drops what
could have been redone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from storage import deeds
from storage.deeds import Deed, Table
from storage.labels import clean_label, clean_tag
from storage.missing import no_image_to_edit, no_name
from storage.postgres.arrays import as_array
from storage.postgres.database import Connection, Database
from storage.postgres.history import write_events
from storage.postgres.names import drop_unused, ensure, next_id
from storage.records import Action, Split

_MANY = 10_000
_GIVEN = "unnest(%s::bigint[]) AS given (id)"
_GIVEN_TEXTS = "unnest(%s::bigint[], %s::text[]) AS given (id, text)"


def set_label(
    database: Database, image_ids: Sequence[int], label: str | None, *, actor: str
) -> Action:
    """See Images.set_label."""
    name = None if label is None else clean_label(label)
    with _edit(database, deeds.label(name), actor, image_ids) as edit:
        _relabel(edit, "image.id IN (SELECT unnest(%s::bigint[]))", edit.ids, name)
    return edit.done()


def set_labels(
    database: Database, assignments: Mapping[int, str | None], *, actor: str, summary: str
) -> Action:
    """See Images.set_labels."""
    cleaned = {
        name: None if name is None else clean_label(name) for name in set(assignments.values())
    }
    names = as_array([cleaned[name] for name in assignments.values()])
    with _edit(database, Deed("label", summary), actor, list(assignments)) as edit:
        ensure(edit.connection, "label", (name for name in cleaned.values() if name is not None))
        edit.change(
            f"SELECT image.id, label.name, given.text FROM {_GIVEN_TEXTS} "
            "JOIN image ON image.id = given.id LEFT JOIN label ON label.id = image.label_id "
            "WHERE label.name IS DISTINCT FROM given.text",
            edit.ids,
            names,
        )
    return edit.done()


def set_split(
    database: Database, assignments: Mapping[int, Split | None], *, actor: str, summary: str
) -> Action:
    """See Images.set_split."""
    splits = as_array(list(assignments.values()))
    with _edit(database, Deed("split", summary), actor, list(assignments)) as edit:
        edit.change(
            f"SELECT image.id, image.split, given.text FROM {_GIVEN_TEXTS} "
            "JOIN image ON image.id = given.id WHERE image.split IS DISTINCT FROM given.text",
            edit.ids,
            splits,
        )
    return edit.done()


def add_tag(database: Database, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
    """See Images.add_tag."""
    name = clean_tag(tag)
    with _edit(database, deeds.tag(name), actor, image_ids) as edit:
        tag_id = ensure(edit.connection, "tag", [name])[name]
        edit.change(
            f"SELECT DISTINCT given.id, NULL, %s FROM {_GIVEN} WHERE NOT EXISTS "
            "(SELECT 1 FROM image_tag WHERE tag_id = %s AND image_id = given.id)",
            name,
            edit.ids,
            tag_id,
        )
    return edit.done()


def remove_tag(database: Database, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
    """See Images.remove_tag."""
    name = clean_tag(tag)
    with _edit(database, deeds.untag(name), actor, image_ids) as edit:
        _untag(edit, name, "image_id IN (SELECT unnest(%s::bigint[]))", edit.ids)
    return edit.done()


def delete(database: Database, image_ids: Sequence[int], *, actor: str) -> Action:
    """See Images.delete."""
    with _edit(database, deeds.DELETE, actor, image_ids) as edit:
        edit.change(
            f"SELECT DISTINCT given.id, NULL, 'deleted' FROM {_GIVEN} "
            "WHERE NOT EXISTS (SELECT 1 FROM trash WHERE image_id = given.id)",
            edit.ids,
        )
    return edit.done()


def restore(database: Database, image_ids: Sequence[int], *, actor: str) -> Action:
    """See Images.restore."""
    with _edit(database, deeds.RESTORE, actor, image_ids) as edit:
        edit.change(
            "SELECT image_id, 'deleted', NULL FROM trash "
            "WHERE image_id IN (SELECT unnest(%s::bigint[]))",
            edit.ids,
        )
    return edit.done()


def merge_label(database: Database, source: str, target: str, *, actor: str) -> Action:
    """See Labels.merge."""
    name = clean_label(target)
    with _edit(database, deeds.merge(source, name), actor) as edit:
        _relabel(edit, "image.label_id = %s", _id_of(edit.connection, "label", source), name)
        drop_unused(edit.connection, "label", source)
    return edit.done()


def remove_label(database: Database, name: str, *, actor: str) -> Action:
    """See Labels.remove."""
    with _edit(database, deeds.remove_label(name), actor) as edit:
        _relabel(edit, "image.label_id = %s", _id_of(edit.connection, "label", name), None)
        drop_unused(edit.connection, "label", name)
    return edit.done()


def remove_tag_everywhere(database: Database, name: str, *, actor: str) -> Action:
    """See Tags.remove."""
    with _edit(database, deeds.remove_tag(name), actor) as edit:
        _id_of(edit.connection, "tag", name)
        _untag(edit, name, "true")
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
        if connection.execute(f"SELECT 1 FROM {table} WHERE name = %s", (name,)).fetchone():
            raise deeds.name_taken(table, name)
        connection.execute(f"UPDATE {table} SET name = %s WHERE id = %s", (name, row_id))
        edit.images = _number(
            connection,
            "SELECT count(*) FROM image WHERE label_id = %s"
            if table == "label"
            else "SELECT count(*) FROM image_tag WHERE tag_id = %s",
            row_id,
        )
        connection.execute(
            "UPDATE action SET before = %s, after = %s WHERE id = %s", (old, name, edit.action.id)
        )
        edit.renamed = True
    return edit.done()


def empty_trash(database: Database) -> int:
    """Remove the images in the trash for good, and the actions that were about no other; gives
    their number."""
    with database.write() as connection:
        connection.execute(
            "DELETE FROM action WHERE id IN (SELECT action_id FROM event "
            "JOIN trash ON trash.image_id = event.image_id) AND NOT EXISTS "
            "(SELECT 1 FROM event WHERE action_id = action.id AND NOT EXISTS "
            "(SELECT 1 FROM trash WHERE trash.image_id = event.image_id))"
        )
        return connection.execute(
            "DELETE FROM image WHERE id IN (SELECT image_id FROM trash)"
        ).rowcount


@dataclass(slots=True)
class _Edit:
    """An action being written: begun before its events, finished when they can be counted."""

    connection: Connection
    action: Action
    ids: str
    images: int = 0
    renamed: bool = False

    def change(self, select: str, *parameters: object) -> None:
        """Write down what changes, and change it: a SELECT of image, before and after, each image
        once."""
        changed = self.connection.execute(
            "INSERT INTO event (id, action_id, image_id, before, after) "
            "SELECT %s + row_number() OVER (ORDER BY change.image_id), %s, change.* "
            f"FROM ({select}) AS change (image_id, before, after)",
            (next_id(self.connection, "event") - 1, self.action.id, *parameters),
        ).rowcount
        if changed >= _MANY:
            # What the planner thinks of the events of this action is far from what they are.
            self.connection.execute("ANALYZE (SKIP_LOCKED) event")
        if changed:
            write_events(self.connection, self.action.id, self.action.kind, "after")
        self.images += changed

    def finish(self) -> None:
        if not self.images and not self.renamed:
            self.connection.execute("DELETE FROM action WHERE id = %s", (self.action.id,))
            return
        self.connection.execute(
            "UPDATE action SET images = %s WHERE id = %s", (self.images, self.action.id)
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
    ids = as_array(image_ids)
    with database.write() as connection:
        if image_ids:
            _all_there(connection, ids, image_ids)
        at = int(time.time())
        action = Action(next_id(connection, "action"), at, actor, deed.kind, deed.summary, images=0)
        connection.execute(
            "INSERT INTO action (id, at, actor, kind, summary, images) "
            "VALUES (%s, %s, %s, %s, %s, 0)",
            (action.id, at, actor, deed.kind, deed.summary),
        )
        edit = _Edit(connection, action, ids)
        yield edit
        edit.finish()


def _relabel(edit: _Edit, where: str, parameter: object, name: str | None) -> None:
    """Give the label to the images for which `where` holds."""
    label_id = None if name is None else ensure(edit.connection, "label", [name])[name]
    edit.change(
        "SELECT image.id, label.name, %s FROM image "
        "LEFT JOIN label ON label.id = image.label_id "
        f"WHERE {where} AND image.label_id IS DISTINCT FROM %s",
        name,
        parameter,
        label_id,
    )


def _untag(edit: _Edit, name: str, where: str, *parameters: object) -> None:
    """Take the tag off the images for which `where` holds."""
    edit.change(
        "SELECT image_id, tag.name, NULL FROM image_tag JOIN tag ON tag.id = image_tag.tag_id "
        f"WHERE tag.name = %s AND {where}",
        name,
        *parameters,
    )


def _id_of(connection: Connection, table: Table, name: str) -> int:
    row = connection.execute(f"SELECT id FROM {table} WHERE name = %s", (name,)).fetchone()
    if row is None:
        raise no_name(table, name)
    return int(row[0])


def _number(connection: Connection, sql: str, *parameters: object) -> int:
    row = connection.execute(sql, parameters).fetchone()
    return 0 if row is None else int(row[0])


def _all_there(connection: Connection, ids: str, image_ids: Sequence[int]) -> None:
    missing = connection.execute(
        "SELECT given.place FROM unnest(%s::bigint[]) WITH ORDINALITY AS given (id, place) "
        "WHERE NOT EXISTS (SELECT 1 FROM image WHERE image.id = given.id) "
        "ORDER BY given.place LIMIT 1",
        (ids,),
    ).fetchone()
    if missing is not None:
        raise no_image_to_edit(image_ids[missing[0] - 1])
