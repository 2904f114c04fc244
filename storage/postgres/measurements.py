"""What was measured of the images of a dataset in PostgreSQL, and the queries that ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from storage.bounds import bounded, refuse_infinite
from storage.postgres.compiling import Selection
from storage.postgres.database import Database
from storage.postgres.selecting import select
from storage.query import Query
from storage.records import Fingerprint, Measures

_CHUNK = 2_000
_COLUMNS = "image_id, version, low, high, contrast, spread, sharpness, animated"
_TYPES = ("int8", "int8", "int8", "int8", "float8", "int8", "float8", "int2")
_SAVE = f"""
    INSERT INTO measure ({_COLUMNS})
    SELECT {_COLUMNS} FROM given WHERE image_id IN (SELECT id FROM image)
    ON CONFLICT (image_id) DO UPDATE SET version = excluded.version, low = excluded.low,
        high = excluded.high, contrast = excluded.contrast, spread = excluded.spread,
        sharpness = excluded.sharpness, animated = excluded.animated
"""


class PostgresMeasurements:
    """What was measured of images: at their import, and of their looks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fingerprints(self, query: Query) -> Iterator[Fingerprint]:
        selection = select(self._database, query.by_id(), with_image=True)
        statement = (
            "SELECT i.id, i.pixel_hash, i.dhash, i.split, i.width, i.height, i.bytes "
            f"FROM {selection.source} WHERE {selection.after_id()} "
            f"ORDER BY {selection.order} LIMIT %s"
        )
        last = 0
        while True:
            # In chunks, so that no read transaction outlives one statement.
            rows = self._database.all(statement, (*selection.parameters, last, _CHUNK))
            for row in rows:
                yield Fingerprint(*row)
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]

    def missing(self, query: Query, *, version: int) -> list[int]:
        selection = select(self._database, query.by_id())
        rows = self._database.all(
            f"SELECT {selection.id} FROM {selection.source} WHERE {_unmeasured(selection)} "
            f"ORDER BY {selection.order}",
            (*selection.parameters, version),
        )
        return [row[0] for row in rows]

    def count_missing(self, query: Query, *, version: int) -> int:
        selection = select(self._database, query.by_id())
        return int(
            self._database.value(
                f"SELECT count(*) FROM {selection.source} WHERE {_unmeasured(selection)}",
                (*selection.parameters, version),
            )
        )

    def save(self, measures: Mapping[int, Measures], *, version: int) -> None:
        for image_id, one in measures.items():
            refuse_infinite(one, f"what was measured of image {image_id}")
        with self._database.write() as connection:
            connection.execute("CREATE TEMPORARY TABLE given (LIKE measure) ON COMMIT DROP")
            with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY given ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.set_types(_TYPES)
                for image_id, one in measures.items():
                    copy.write_row(
                        (
                            bounded(image_id),
                            bounded(version),
                            one.low,
                            one.high,
                            one.contrast,
                            one.spread,
                            one.sharpness,
                            int(one.animated),
                        )
                    )
            connection.execute(_SAVE)

    def get(self, image_id: int) -> Measures | None:
        row = self._database.one(
            "SELECT low, high, contrast, spread, sharpness, animated FROM measure "
            "WHERE image_id = %s",
            (image_id,),
        )
        if row is None:
            return None
        low, high, contrast, spread, sharpness, animated = row
        return Measures(low, high, contrast, spread, sharpness, bool(animated))


def _unmeasured(selection: Selection) -> str:
    return (
        f"{selection.where} AND NOT EXISTS "
        f"(SELECT 1 FROM measure WHERE image_id = {selection.id} AND version = %s)"
    )
