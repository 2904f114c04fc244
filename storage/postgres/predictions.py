"""Predictions in PostgreSQL: the answer in one narrow row, all probabilities in another."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from storage.errors import NotFound
from storage.postgres.database import Connection, Database
from storage.postgres.names import ensure, next_id
from storage.postgres.selecting import select
from storage.query import Query
from storage.records import NewPrediction, Prediction
from storage.stored_runs import no_model

_COLUMNS = """
    a.image_id, a.model_id, predicted.name, a.confidence,
    a.margin, prediction_probabilities.probabilities, truth.name, a.created_at
"""
_JOINS = """
    JOIN prediction_probabilities ON prediction_probabilities.prediction_id = a.id
    JOIN label AS predicted ON predicted.id = a.label_id
    LEFT JOIN label AS truth ON truth.id = a.truth_id
"""
_ANSWERS = (
    "COPY prediction (id, model_id, image_id, label_id, confidence, margin, truth_id, wrong, "
    "created_at) FROM STDIN (FORMAT BINARY)"
)
_ANSWER_TYPES = ("int8", "int8", "int8", "int8", "float8", "float8", "int8", "int2", "int8")
_PROBABILITIES = (
    "COPY prediction_probabilities (prediction_id, probabilities) FROM STDIN (FORMAT BINARY)"
)
_CHUNK = 2_000

_COUNTED_FROM = 1_024
"""From so many answers on, the planner's figures are counted anew when their number has doubled."""
# Nothing is planned by what the probabilities are.
_COUNT = "ANALYZE (SKIP_LOCKED) prediction, prediction_probabilities (prediction_id)"


class PostgresPredictions:
    """What models said of images."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, model_id: int, predictions: Sequence[NewPrediction]) -> None:
        ids = [prediction.image for prediction in predictions]
        with self._database.write() as connection:
            model = connection.execute("SELECT 1 FROM model WHERE id = %s", (model_id,)).fetchone()
            if model is None:
                raise no_model(model_id)
            truths = _truths(connection, ids)
            labels = ensure(connection, "label", (p.label for p in predictions))
            connection.execute(
                "DELETE FROM prediction WHERE model_id = %s AND image_id = ANY(%s)",
                (model_id, ids),
            )
            first = next_id(connection, "prediction")
            now = int(time.time())
            with connection.cursor() as cursor, cursor.copy(_ANSWERS) as copy:
                copy.set_types(_ANSWER_TYPES)
                for row_id, prediction in enumerate(predictions, first):
                    label, truth = labels[prediction.label], truths[prediction.image]
                    copy.write_row(
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
            with connection.cursor() as cursor, cursor.copy(_PROBABILITIES) as copy:
                copy.set_types(("int8", "bytea"))
                for row_id, prediction in enumerate(predictions, first):
                    copy.write_row((row_id, prediction.probabilities))
            last = first + len(predictions) - 1
            if last >= _COUNTED_FROM and last.bit_length() > (first - 1).bit_length():
                connection.execute(_COUNT)

    def of_image(self, image_id: int) -> list[Prediction]:
        rows = self._database.all(
            f"SELECT {_COLUMNS} FROM prediction AS a {_JOINS} "
            "WHERE a.image_id = %s ORDER BY a.model_id DESC",
            (image_id,),
        )
        return [Prediction(*row) for row in rows]

    def of_model(self, model_id: int, query: Query) -> Iterator[Prediction]:
        selection = select(self._database, query.by_id(), answers=model_id)
        statement = (
            f"SELECT {_COLUMNS} FROM {selection.source} {_JOINS} "
            f"WHERE {selection.after_id()} ORDER BY {selection.order} LIMIT %s"
        )
        last = 0
        while True:
            # In chunks, so that no read transaction outlives one statement.
            rows = self._database.all(statement, (*selection.parameters, last, _CHUNK))
            for row in rows:
                yield Prediction(*row)
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]


def _truths(connection: Connection, ids: Sequence[int]) -> dict[int, int | None]:
    """The label's id that each image has. Raises NotFound where one is gone."""
    truths: dict[int, int | None] = dict(
        connection.execute("SELECT id, label_id FROM image WHERE id = ANY(%s)", (list(ids),))
    )
    for image_id in ids:
        if image_id not in truths:
            raise NotFound(f"there is no image {image_id}", hint="Nothing was stored.")
    return truths
