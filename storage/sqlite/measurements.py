"""What was measured of the images of a dataset file, and the queries that ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from storage.bounds import bounded, refuse_infinite
from storage.query import Query
from storage.records import Fingerprint, Measures
from storage.sqlite.compiling import Selection
from storage.sqlite.database import Database
from storage.sqlite.selecting import select

_CHUNK = 2_000
_SAVE = """
    INSERT INTO measure (image_id, version, low, high, contrast, spread, sharpness, animated)
    SELECT id, ?, ?, ?, ?, ?, ?, ? FROM image WHERE id = ?
    ON CONFLICT (image_id) DO UPDATE SET version = excluded.version, low = excluded.low,
        high = excluded.high, contrast = excluded.contrast, spread = excluded.spread,
        sharpness = excluded.sharpness, animated = excluded.animated
"""


class SqliteMeasurements:
    """What was measured of images: at their import, and of their looks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fingerprints(self, query: Query) -> Iterator[Fingerprint]:
        selection = select(self._database, query.by_id(), with_image=True, continued=True)
        last = selection.before
        while True:
            # In chunks, so that no read transaction outlives one statement.
            rows = self._database.all(
                "SELECT i.id, i.pixel_hash, i.dhash, i.split, i.width, i.height, i.bytes "
                f"FROM {selection.source} WHERE {selection.after_id()} "
                f"ORDER BY {selection.order} LIMIT ?",
                (*selection.parameters, last, _CHUNK),
            )
            for row in rows:
                yield Fingerprint(*row)
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]

    def missing(self, query: Query, *, version: int) -> list[int]:
        selection = select(self._database, query.by_id(), whole=True)
        rows = self._database.all(
            f"SELECT {selection.id} FROM {selection.source} WHERE {_unmeasured(selection)} "
            f"ORDER BY {selection.order}",
            (*selection.parameters, version),
        )
        return [row[0] for row in rows]

    def count_missing(self, query: Query, *, version: int) -> int:
        selection = select(self._database, query.by_id(), whole=True)
        row = self._database.one(
            f"SELECT count(*) FROM {selection.source} WHERE {_unmeasured(selection)}",
            (*selection.parameters, version),
        )
        return 0 if row is None else int(row[0])

    def save(self, measures: Mapping[int, Measures], *, version: int) -> None:
        for image_id, one in measures.items():
            refuse_infinite(one, f"what was measured of image {image_id}")
        with self._database.write(durable=False) as connection:
            connection.executemany(
                _SAVE,
                (
                    (
                        bounded(version),
                        one.low,
                        one.high,
                        one.contrast,
                        one.spread,
                        one.sharpness,
                        int(one.animated),
                        bounded(image_id),
                    )
                    for image_id, one in measures.items()
                ),
            )

    def get(self, image_id: int) -> Measures | None:
        row = self._database.one(
            "SELECT low, high, contrast, spread, sharpness, animated FROM measure "
            "WHERE image_id = ?",
            (image_id,),
        )
        if row is None:
            return None
        low, high, contrast, spread, sharpness, animated = row
        return Measures(low, high, contrast, spread, sharpness, bool(animated))


def _unmeasured(selection: Selection) -> str:
    return (
        f"({selection.where}) AND {selection.id} NOT IN "
        "(SELECT image_id FROM measure WHERE version = ?)"
    )
