"""What is wrong with a dataset file, as problems: nothing is changed and nothing is mended.

The quick check reads the tables' pages and no image's bytes beyond their length; the deep one
reads everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from storage.errors import PixshelfError
from storage.records import Problem
from storage.repository import Models
from storage.sqlite.database import Database

_CHUNK = 256
_WRONG = "CASE WHEN image.label_id IS NULL THEN NULL ELSE p.label_id <> image.label_id END"


def check(database: Database, models: Models, *, deep: bool) -> Iterator[Problem]:
    """See Repository.check."""
    for (answer,) in database.all(f"PRAGMA {'integrity' if deep else 'quick'}_check"):
        if answer != "ok":
            yield Problem(f"structure: {answer}")
    for table, row, parent, _ in database.all("PRAGMA foreign_key_check"):
        yield Problem(f"reference: row {row} of {table} points at nothing in {parent}")
    for (image,) in database.all(
        "SELECT id FROM image WHERE id NOT IN (SELECT image_id FROM image_data)"
    ):
        yield Problem("the bytes are missing", image)
    yield from _predictions(database)
    if deep:
        yield from _bytes(database)
        yield from _models(models)
    else:
        yield from _lengths(database)


def _predictions(database: Database) -> Iterator[Problem]:
    for image, model in database.all(
        "SELECT image_id, model_id FROM prediction "
        "WHERE id NOT IN (SELECT prediction_id FROM prediction_probabilities)"
    ):
        yield Problem(f"the probabilities of model {model} are missing", image)
    for image, model in database.all(
        "SELECT p.image_id, p.model_id FROM prediction AS p JOIN image ON image.id = p.image_id "
        f"WHERE p.wrong IS NOT {_WRONG}"
    ):
        yield Problem(
            f"model {model}'s prediction is marked wrong or right against its label", image
        )


def _lengths(database: Database) -> Iterator[Problem]:
    # SQLite tells a blob's length from the head of its row, without reading it.
    for image, size, noted in database.all(
        "SELECT image.id, length(data), bytes FROM image "
        "JOIN image_data ON image_id = image.id WHERE length(data) <> bytes"
    ):
        yield _other_length(image, size, noted)
    for (model,) in database.all(
        "SELECT id FROM model WHERE id NOT IN (SELECT model_id FROM model_data)"
    ):
        yield Problem(f"the weights of model {model} are missing")


def _bytes(database: Database) -> Iterator[Problem]:
    last = -1
    while True:
        rows = database.all(
            "SELECT image.id, image.sha256, image.bytes, image_data.data FROM image "
            "JOIN image_data ON image_data.image_id = image.id "
            "WHERE image.id > ? ORDER BY image.id LIMIT ?",
            (last, _CHUNK),
        )
        for image, sha256, noted, data in rows:
            if hashlib.sha256(data).digest() != sha256:
                yield Problem("the bytes are not those that were stored (sha256)", image)
            elif len(data) != noted:
                yield _other_length(image, len(data), noted)
        if len(rows) < _CHUNK:
            return
        last = rows[-1][0]


def _other_length(image: int, size: int, noted: int) -> Problem:
    return Problem(f"has {size} bytes where {noted} are noted", image)


def _models(models: Models) -> Iterator[Problem]:
    for model in models.all():
        for read in (models.weights, models.litert):
            try:
                read(model.id)
            except PixshelfError as error:
                yield Problem(error.message)
