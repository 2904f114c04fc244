"""What is wrong with a dataset file, as problems: nothing is changed and nothing is mended.

The quick check reads the tables' pages and no image's bytes beyond their length; the deep one
reads everything.
"""

from __future__ import annotations

from collections.abc import Iterator

from storage.records import Problem
from storage.repository import Models
from storage.row_checks import check_image, check_lengths, check_models, check_rows
from storage.sqlite.database import Database

_CHUNK = 256


def check(database: Database, models: Models, *, deep: bool) -> Iterator[Problem]:
    """See Repository.check."""
    for (answer,) in database.all(f"PRAGMA {'integrity' if deep else 'quick'}_check"):
        if answer != "ok":
            yield Problem(f"structure: {answer}")
    for table, row, parent, _ in database.all("PRAGMA foreign_key_check"):
        yield Problem(f"reference: row {row} of {table} points at nothing in {parent}")
    yield from check_rows(database.all)
    if deep:
        yield from _bytes(database)
        yield from check_models(models)
    else:
        # SQLite tells a blob's length from the head of its row, without reading it.
        yield from check_lengths(database.all)


def _bytes(database: Database) -> Iterator[Problem]:
    last = -1
    while True:
        rows = database.all(
            "SELECT image.id, image.sha256, image.bytes, image_data.data FROM image "
            "JOIN image_data ON image_data.image_id = image.id "
            "WHERE image.id > ? ORDER BY image.id LIMIT ?",
            (last, _CHUNK),
        )
        for row in rows:
            yield from check_image(*row)
        if len(rows) < _CHUNK:
            return
        last = rows[-1][0]
