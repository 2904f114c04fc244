"""Predictions in a dataset file: the answer in one narrow row, all probabilities in another."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence

from storage.bounds import bounded
from storage.errors import NotFound
from storage.query import Query
from storage.records import NewPrediction, Prediction
from storage.sqlite.compiling import Selection
from storage.sqlite.database import Database
from storage.sqlite.names import ensure
from storage.sqlite.selecting import select
from storage.stored_runs import no_model

_COLUMNS = """
    a.image_id, a.model_id, predicted.name, a.confidence,
    a.margin, prediction_probabilities.probabilities, truth.name, a.created_at
"""
# Looked up for each answer: CROSS keeps SQLite from beginning with them.
_JOINS = """
    CROSS JOIN prediction_probabilities ON prediction_probabilities.prediction_id = a.id
    CROSS JOIN label AS predicted ON predicted.id = a.label_id
    LEFT JOIN label AS truth ON truth.id = a.truth_id
"""
_CHUNK = 2_000


def statement_of(selection: Selection) -> str:
    """The SELECT of the answers `a` of a selection, in id order; the id that they come after and
    the most rows are bound last."""
    return (
        f"SELECT {_COLUMNS} FROM {selection.source} {_JOINS} "
        f"WHERE {selection.after_id()} ORDER BY {selection.order} LIMIT ?"
    )


class SqlitePredictions:
    """What models said of images."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, model_id: int, predictions: Sequence[NewPrediction]) -> None:
        ids = json.dumps([prediction.image for prediction in predictions])
        # Durable, and with it the images that were added before: a door that answers over HTTP
        # gives their ids away once this is done. For a thousand at a time it costs nothing.
        with self._database.write() as connection:
            model = connection.execute(
                "SELECT 1 FROM model WHERE id = ?", (bounded(model_id),)
            ).fetchone()
            if model is None:
                raise no_model(model_id)
            truths = dict(
                connection.execute(
                    "SELECT id, label_id FROM image WHERE id IN (SELECT value FROM json_each(?))",
                    (ids,),
                )
            )
            for prediction in predictions:
                if prediction.image not in truths:
                    raise NotFound(
                        f"there is no image {prediction.image}", hint="Nothing was stored."
                    )
            labels = ensure(connection, "label", (p.label for p in predictions))
            connection.execute(
                "DELETE FROM prediction WHERE model_id = ? "
                "AND image_id IN (SELECT value FROM json_each(?))",
                (model_id, ids),
            )
            first = 1 + (connection.execute("SELECT max(id) FROM prediction").fetchone()[0] or 0)
            now = int(time.time())
            rows = []
            for row_id, prediction in enumerate(predictions, first):
                label, truth = labels[prediction.label], truths[prediction.image]
                rows.append(
                    (
                        row_id,
                        model_id,
                        prediction.image,
                        label,
                        prediction.confidence,
                        prediction.margin,
                        truth,
                        None if truth is None else int(label != truth),
                        now,
                    )
                )
            connection.executemany(
                "INSERT INTO prediction (id, model_id, image_id, label_id, confidence, margin, "
                "truth_id, wrong, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            connection.executemany(
                "INSERT INTO prediction_probabilities (prediction_id, probabilities) VALUES (?, ?)",
                (
                    (row_id, prediction.probabilities)
                    for row_id, prediction in enumerate(predictions, first)
                ),
            )

    def of_image(self, image_id: int) -> list[Prediction]:
        rows = self._database.all(
            f"SELECT {_COLUMNS} FROM prediction AS a {_JOINS} "
            "WHERE a.image_id = ? ORDER BY a.model_id DESC",
            (image_id,),
        )
        return [Prediction(*row) for row in rows]

    def of_model(self, model_id: int, query: Query) -> Iterator[Prediction]:
        selection = select(self._database, query.by_id(), answers=model_id)
        statement = statement_of(selection)
        last = selection.before
        while True:
            # In chunks, so that no read transaction outlives one statement.
            rows = self._database.all(statement, (*selection.parameters, last, _CHUNK))
            for row in rows:
                yield Prediction(*row)
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]
