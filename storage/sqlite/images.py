"""Images in a dataset file: adding, reading, paging, and the bytes."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from storage.bounds import bounded
from storage.cursors import write_cursor
from storage.labels import clean_label, clean_tag
from storage.missing import no_image
from storage.query import Query
from storage.records import (
    Action,
    Added,
    Example,
    ImageRecord,
    NewImage,
    Page,
    Split,
)
from storage.sqlite import edits
from storage.sqlite.database import Database
from storage.sqlite.names import ensure
from storage.sqlite.schema import LARGE, LARGE_INDEXES
from storage.sqlite.selecting import predicting_model, select
from storage.sqlite.stored import read_data, read_stored
from storage.stored_images import image_record

_RECORD = """
    SELECT image.id, image.sha256, label.name, image.split,
        (SELECT json_group_array(name) FROM (
            SELECT tag.name FROM image_tag JOIN tag ON tag.id = image_tag.tag_id
            WHERE image_tag.image_id = image.id ORDER BY tag.name)),
        image.width, image.height, image.channels, image.format, image.bytes, image.source,
        import.started_at, prediction.model_id, predicted.name, prediction.confidence,
        prediction.wrong, image.id IN (SELECT image_id FROM trash)
"""
_RECORD_JOINS = """
    JOIN import ON import.id = image.import_id
    LEFT JOIN label ON label.id = image.label_id
    LEFT JOIN prediction ON prediction.image_id = image.id AND prediction.model_id IS ?
    LEFT JOIN label AS predicted ON predicted.id = prediction.label_id
"""
_CHUNK = 2_000


class SqliteImages:
    """The images, their bytes, and the labels, splits and tags on them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_import(self, location: str, settings: Mapping[str, Any]) -> int:
        with self._database.write(durable=False) as connection:
            row = connection.execute(
                "INSERT INTO import (started_at, location, settings) VALUES (?, ?, ?) RETURNING id",
                (int(time.time()), location, json.dumps(dict(settings))),
            ).fetchone()
        return int(row[0])

    def add(self, images: Sequence[NewImage], *, import_id: int) -> list[Added]:
        with self._database.write(durable=False) as connection:
            ids = _ids_by_sha256(connection, [image.sha256 for image in images])
            first = 1 + (connection.execute("SELECT max(id) FROM image").fetchone()[0] or 0)
            new: list[tuple[int, NewImage]] = []
            added = []
            for image in images:
                known = ids.get(image.sha256)
                if known is None:
                    known = ids[image.sha256] = first + len(new)
                    new.append((known, image))
                    added.append(Added(known, new=True))
                else:
                    added.append(Added(known, new=False))
            _insert(connection, new, import_id)
            if new and first <= LARGE <= first + len(new) - 1:
                for statement in LARGE_INDEXES:
                    connection.execute(statement)
        return added

    def known(self, sha256s: Iterable[bytes]) -> set[bytes]:
        return set(self.find(sha256s))

    def find(self, sha256s: Iterable[bytes]) -> dict[bytes, int]:
        with self._database.errors():
            return _ids_by_sha256(self._database.reader, list(sha256s))

    def stored(self, image_ids: Sequence[int]) -> Iterator[tuple[int, NewImage]]:
        return read_stored(self._database, image_ids)

    def get(self, image_id: int, *, model: int | None = None) -> ImageRecord:
        if model is None:
            model = predicting_model(self._database, None)
        row = self._database.one(
            f"{_RECORD} FROM image {_RECORD_JOINS} WHERE image.id = ?", (model, image_id)
        )
        if row is None:
            raise no_image(image_id)
        return image_record(row)

    def page(self, query: Query, *, limit: int = 100, after: str | None = None) -> Page:
        selection = select(self._database, query, continued=after is not None)
        model = predicting_model(self._database, query.model)
        where, parameters = selection.after(after)
        direction = "DESC" if query.sort.descending else "ASC"
        rows = self._database.all(
            f"""{_RECORD}, page.key FROM (
                SELECT {selection.id} AS id, {selection.key} AS key FROM {selection.source}
                WHERE {where} ORDER BY {selection.order} LIMIT ?
            ) AS page CROSS JOIN image ON image.id = page.id {_RECORD_JOINS}
            ORDER BY page.key {direction}, page.id {direction}""",
            (*parameters, limit + 1, model),
        )
        images = tuple(image_record(row) for row in rows[:limit])
        if len(rows) <= limit:
            return Page(images, None)
        return Page(images, write_cursor(query.sort, rows[limit - 1][-1], images[-1].id))

    def count(self, query: Query) -> int:
        selection = select(self._database, query, whole=True)
        return int(
            self._database.value(
                f"SELECT count(*) FROM {selection.source} WHERE {selection.where}",
                selection.parameters,
            )
        )

    def ids(self, query: Query) -> list[int]:
        selection = select(self._database, query, whole=True)
        # One by one: a million rows, held together, would take three times what the ids do.
        rows = self._database.rows(
            f"SELECT {selection.id} FROM {selection.source} WHERE {selection.where} "
            f"ORDER BY {selection.order}",
            selection.parameters,
        )
        return [row[0] for row in rows]

    def examples(self, query: Query) -> Iterator[Example]:
        selection = select(self._database, query.by_id(), with_image=True, continued=True)
        where = selection.after_id()
        last = selection.before
        while True:
            # In chunks, so that no read transaction outlives one statement.
            rows = self._database.all(
                "SELECT i.id, i.sha256, i.pixel_hash, label.name, i.split, "
                f"i.width, i.height, i.channels FROM {selection.source} "
                "LEFT JOIN label ON label.id = i.label_id "
                f"WHERE {where} ORDER BY {selection.order} LIMIT ?",
                (*selection.parameters, last, _CHUNK),
            )
            for row in rows:
                yield Example(*row)
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]

    def data(self, image_id: int) -> bytes:
        data: bytes | None = self._database.value(
            "SELECT data FROM image_data WHERE image_id = ?", (image_id,)
        )
        if data is None:
            raise no_image(image_id)
        return data

    def iter_data(self, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        return read_data(self._database, image_ids)

    def thumbnail(self, image_id: int) -> bytes | None:
        data: bytes | None = self._database.value(
            "SELECT data FROM thumbnail WHERE image_id = ?", (image_id,)
        )
        return data

    def thumbnails(self) -> Iterator[tuple[int, bytes]]:
        last = -1
        while True:
            rows = self._database.all(
                "SELECT image_id, data FROM thumbnail WHERE image_id > ? ORDER BY image_id LIMIT ?",
                (last, _CHUNK),
            )
            yield from rows
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]

    def without_thumbnail(self, *, pixels: int) -> list[int]:
        rows = self._database.all(
            "SELECT id FROM image WHERE width * height >= ? "
            "AND id NOT IN (SELECT image_id FROM thumbnail) ORDER BY id",
            (pixels,),
        )
        return [row[0] for row in rows]

    def set_thumbnails(self, thumbnails: Mapping[int, bytes | None]) -> None:
        with self._database.write(durable=False) as connection:
            for image_id, data in thumbnails.items():
                if connection.execute(
                    "SELECT 1 FROM image WHERE id = ?", (bounded(image_id),)
                ).fetchone():
                    connection.execute("DELETE FROM thumbnail WHERE image_id = ?", (image_id,))
                else:
                    raise no_image(image_id)
                if data is not None:
                    connection.execute(
                        "INSERT INTO thumbnail (image_id, data) VALUES (?, ?)", (image_id, data)
                    )

    def set_label(self, image_ids: Sequence[int], label: str | None, *, actor: str) -> Action:
        return edits.set_label(self._database, image_ids, label, actor=actor)

    def set_labels(
        self, assignments: Mapping[int, str | None], *, actor: str, summary: str
    ) -> Action:
        return edits.set_labels(self._database, assignments, actor=actor, summary=summary)

    def set_split(
        self, assignments: Mapping[int, Split | None], *, actor: str, summary: str
    ) -> Action:
        return edits.set_split(self._database, assignments, actor=actor, summary=summary)

    def add_tag(self, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
        return edits.add_tag(self._database, image_ids, tag, actor=actor)

    def remove_tag(self, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
        return edits.remove_tag(self._database, image_ids, tag, actor=actor)

    def delete(self, image_ids: Sequence[int], *, actor: str) -> Action:
        return edits.delete(self._database, image_ids, actor=actor)

    def restore(self, image_ids: Sequence[int], *, actor: str) -> Action:
        return edits.restore(self._database, image_ids, actor=actor)


def _ids_by_sha256(connection: sqlite3.Connection, sha256s: Sequence[bytes]) -> dict[bytes, int]:
    """The ids of the hashes that are there."""
    found: dict[bytes, int] = {}
    for start in range(0, len(sha256s), 500):
        chunk = sha256s[start : start + 500]
        marks = ", ".join("?" * len(chunk))
        found.update(
            connection.execute(
                f"SELECT sha256, id FROM image WHERE substr(sha256, 1, 16) IN ({marks})",
                [sha256[:16] for sha256 in chunk],
            )
        )
    return found


def _insert(
    connection: sqlite3.Connection, new: Sequence[tuple[int, NewImage]], import_id: int
) -> None:
    labels = {image.label: clean_label(image.label) for _, image in new if image.label is not None}
    label_ids = ensure(connection, "label", labels.values())
    tags = {tag: clean_tag(tag) for _, image in new for tag in image.tags}
    tag_ids = ensure(connection, "tag", tags.values())
    connection.executemany(
        "INSERT INTO image (id, sha256, pixel_hash, dhash, label_id, split, width, height, "
        "channels, format, bytes, import_id, source) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                image_id,
                image.sha256,
                image.pixel_hash,
                image.dhash,
                None if image.label is None else label_ids[labels[image.label]],
                image.split,
                image.width,
                image.height,
                image.channels,
                image.format,
                len(image.data),
                import_id,
                image.source,
            )
            for image_id, image in new
        ),
    )
    connection.executemany(
        "INSERT INTO image_data (image_id, data) VALUES (?, ?)",
        ((image_id, image.data) for image_id, image in new),
    )
    connection.executemany(
        "INSERT INTO thumbnail (image_id, data) VALUES (?, ?)",
        ((image_id, image.thumbnail) for image_id, image in new if image.thumbnail is not None),
    )
    connection.executemany(
        "INSERT INTO image_tag (tag_id, image_id) VALUES (?, ?)",
        ((tag_ids[tag], id_) for id_, image in new for tag in {tags[tag] for tag in image.tags}),
    )
