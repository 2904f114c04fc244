"""Images in PostgreSQL: adding, reading, paging, and the bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from storage.bounds import all_bounded
from storage.cursors import write_cursor
from storage.labels import clean_label, clean_tag
from storage.missing import no_image
from storage.postgres import edits
from storage.postgres.database import Connection, Database
from storage.postgres.names import ensure, next_id
from storage.postgres.selecting import predicting_model, select
from storage.postgres.stored import TAGS, read_data, read_stored, read_thumbnails
from storage.query import Query
from storage.records import Action, Added, Example, ImageRecord, NewImage, Page, Split
from storage.stored_images import image_record

_RECORDS = f"""
    SELECT image.id, image.sha256, label.name, image.split, {TAGS},
        image.width, image.height, image.channels, image.format, image.bytes, image.source,
        import.started_at, prediction.model_id, predicted.name, prediction.confidence,
        prediction.wrong, EXISTS (SELECT 1 FROM trash WHERE trash.image_id = image.id)
    FROM image
    JOIN import ON import.id = image.import_id
    LEFT JOIN label ON label.id = image.label_id
    LEFT JOIN prediction ON prediction.image_id = image.id AND prediction.model_id = %s::bigint
    LEFT JOIN label AS predicted ON predicted.id = prediction.label_id
    WHERE image.id = ANY(%s::bigint[])
"""
_CHUNK = 2_000

_COLUMNS: dict[str, dict[str, str]] = {
    "image": {
        "id": "int8",
        "sha256": "bytea",
        "pixel_hash": "bytea",
        "dhash": "int8",
        "label_id": "int8",
        "split": "text",
        "width": "int8",
        "height": "int8",
        "channels": "int8",
        "format": "text",
        "bytes": "int8",
        "import_id": "int8",
        "source": "text",
    },
    "image_data": {"image_id": "int8", "data": "bytea"},
    "thumbnail": {"image_id": "int8", "data": "bytea"},
    "image_tag": {"tag_id": "int8", "image_id": "int8"},
}
"""What is copied in, with its types."""

_COUNTED_FROM = 1_024
"""From so many images on, the planner's figures are counted anew when their number has doubled."""
# Nothing is planned by what the bytes are.
_COUNT = "ANALYZE (SKIP_LOCKED) image, label, tag, image_tag, image_data (image_id)"


class PostgresImages:
    """The images, their bytes, and the labels, splits and tags on them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_import(self, location: str, settings: Mapping[str, Any]) -> int:
        with self._database.write() as connection:
            import_id = next_id(connection, "import")
            connection.execute(
                "INSERT INTO import (id, started_at, location, settings) VALUES (%s, %s, %s, %s)",
                (import_id, int(time.time()), location, json.dumps(dict(settings))),
            )
        return import_id

    def add(self, images: Sequence[NewImage], *, import_id: int) -> list[Added]:
        with self._database.write() as connection:
            ids: dict[bytes, int] = {}
            if images:
                sha256s = [image.sha256 for image in images]
                ids.update(connection.execute(_FIND, (sha256s,), binary=True))
            first = next_id(connection, "image")
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
            if new:
                _insert(connection, new, import_id)
                last = first + len(new) - 1
                if last >= _COUNTED_FROM and last.bit_length() > (first - 1).bit_length():
                    connection.execute(_COUNT)
        return added

    def known(self, sha256s: Iterable[bytes]) -> set[bytes]:
        return set(self.find(sha256s))

    def find(self, sha256s: Iterable[bytes]) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        wanted = iter(sha256s)
        while chunk := list(islice(wanted, _CHUNK)):
            found.update(self._database.all(_FIND, (chunk,)))
        return found

    def stored(self, image_ids: Sequence[int]) -> Iterator[tuple[int, NewImage]]:
        return read_stored(self._database, image_ids)

    def get(self, image_id: int, *, model: int | None = None) -> ImageRecord:
        if model is None:
            model = predicting_model(self._database, None)
        records = self._records([image_id], model)
        if not records:
            raise no_image(image_id)
        return records[image_id]

    def page(self, query: Query, *, limit: int = 100, after: str | None = None) -> Page:
        selection = select(self._database, query)
        # A model that is not there is named before all else that is wrong.
        model = predicting_model(self._database, query.model) if query.model else None
        where, parameters = selection.after(after)
        found = self._database.all(
            f"SELECT {selection.id}, {selection.key} FROM {selection.source} "
            f"WHERE {where} ORDER BY {selection.order} LIMIT %s",
            (*parameters, limit + 1),
        )
        ids = [image_id for image_id, _ in found[:limit]]
        # Apart from finding them, whose plan is another for every query. One that was removed for
        # good since then is left out.
        if ids and model is None:
            model = predicting_model(self._database, None)
        records = self._records(ids, model)
        images = tuple(records[image_id] for image_id in ids if image_id in records)
        if len(found) <= limit:
            return Page(images, None)
        image_id, key = found[limit - 1]
        return Page(images, write_cursor(query.sort, key, image_id))

    def _records(self, image_ids: Sequence[int], model: int | None) -> dict[int, ImageRecord]:
        """Those of the images that are there, by id, with the prediction of a model."""
        if not image_ids:
            return {}
        rows = self._database.all(_RECORDS, (model, all_bounded(image_ids)), prepare=True)
        return {row[0]: image_record(row) for row in rows}

    def count(self, query: Query) -> int:
        selection = select(self._database, query)
        return int(
            self._database.value(
                f"SELECT count(*) FROM {selection.source} WHERE {selection.where}",
                selection.parameters,
            )
        )

    def ids(self, query: Query) -> list[int]:
        selection = select(self._database, query)
        return self._database.column(
            f"SELECT {selection.id} FROM {selection.source} WHERE {selection.where} "
            f"ORDER BY {selection.order}",
            selection.parameters,
        )

    def examples(self, query: Query) -> Iterator[Example]:
        selection = select(self._database, query.by_id(), with_image=True)
        where = selection.after_id()
        last = 0
        while True:
            # In chunks, so that no read transaction outlives one statement.
            rows = self._database.all(
                "SELECT i.id, i.sha256, i.pixel_hash, label.name, i.split, "
                f"i.width, i.height, i.channels FROM {selection.source} "
                "LEFT JOIN label ON label.id = i.label_id "
                f"WHERE {where} ORDER BY {selection.order} LIMIT %s",
                (*selection.parameters, last, _CHUNK),
            )
            for row in rows:
                yield Example(*row)
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]

    def data(self, image_id: int) -> bytes:
        data: bytes | None = self._database.value(
            "SELECT data FROM image_data WHERE image_id = %s", (image_id,)
        )
        if data is None:
            raise no_image(image_id)
        return data

    def iter_data(self, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        return read_data(self._database, image_ids)

    def thumbnail(self, image_id: int) -> bytes | None:
        data: bytes | None = self._database.value(
            "SELECT data FROM thumbnail WHERE image_id = %s", (image_id,)
        )
        return data

    def thumbnails(self) -> Iterator[tuple[int, bytes]]:
        return read_thumbnails(self._database)

    def without_thumbnail(self, *, pixels: int) -> list[int]:
        rows = self._database.all(
            "SELECT id FROM image WHERE width * height >= %s AND NOT EXISTS "
            "(SELECT 1 FROM thumbnail WHERE thumbnail.image_id = image.id) ORDER BY id",
            (pixels,),
        )
        return [row[0] for row in rows]

    def set_thumbnails(self, thumbnails: Mapping[int, bytes | None]) -> None:
        with self._database.write() as connection:
            ids = list(thumbnails)
            there = {
                row[0]
                for row in connection.execute("SELECT id FROM image WHERE id = ANY(%s)", (ids,))
            }
            for image_id in ids:
                if image_id not in there:
                    raise no_image(image_id)
            connection.execute("DELETE FROM thumbnail WHERE image_id = ANY(%s)", (ids,))
            given = ((image_id, data) for image_id, data in thumbnails.items() if data is not None)
            _copy(connection, "thumbnail", given)

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


# Bound in binary: as text, every hash would be searched for what has to be escaped.
_FIND = "SELECT sha256, id FROM image WHERE sha256 = ANY(%b)"


def _insert(connection: Connection, new: Sequence[tuple[int, NewImage]], import_id: int) -> None:
    labels = {image.label: clean_label(image.label) for _, image in new if image.label is not None}
    label_ids = ensure(connection, "label", labels.values())
    tags = {tag: clean_tag(tag) for _, image in new for tag in image.tags}
    tag_ids = ensure(connection, "tag", tags.values())
    _copy(
        connection,
        "image",
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
    _copy(connection, "image_data", ((image_id, image.data) for image_id, image in new))
    _copy(
        connection,
        "thumbnail",
        ((image_id, image.thumbnail) for image_id, image in new if image.thumbnail is not None),
    )
    _copy(
        connection,
        "image_tag",
        ((tag_ids[tag], id_) for id_, image in new for tag in {tags[tag] for tag in image.tags}),
    )


def _copy(connection: Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Put rows into a table that has none of their keys: the caller holds the write lock."""
    first = next(iter(rows := iter(rows)), None)
    if first is None:
        return
    columns = _COLUMNS[table]
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(list(columns.values()))
        copy.write_row(first)
        for row in rows:
            copy.write_row(row)
