"""Models in PostgreSQL. Weights lie in a table of their own and are checked when read."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Literal

from storage.bounds import refuse_infinite
from storage.labels import clean_label, clean_name
from storage.postgres.database import Database
from storage.postgres.names import ensure, next_id
from storage.postgres.selecting import find_model
from storage.records import ModelRecord, NewModel
from storage.stored_runs import checked, model_name_taken, model_record, no_model, no_model_yet

_COLUMNS = """
    SELECT model.id, model.name, model.run_id,
        coalesce((SELECT json_agg(label.name ORDER BY model_label.position)
            FROM model_label JOIN label ON label.id = model_label.label_id
            WHERE model_label.model_id = model.id)::text, '[]'),
        model.spec, model.parameters, model.weights_sha256, model.temperature,
        model.val_accuracy, model.val_loss, model.created_at
    FROM model
"""


class PostgresModels:
    """Weights that can predict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, model: NewModel) -> int:
        refuse_infinite(model, f"the model '{model.name}'")
        labels = [clean_label(label) for label in model.labels]
        with self._database.write() as connection:
            label_ids = ensure(connection, "label", labels)
            model_id = next_id(connection, "model")
            connection.execute(
                "INSERT INTO model (id, run_id, name, spec, parameters, temperature, "
                "val_accuracy, val_loss, weights_sha256, litert_sha256, created_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    model_id,
                    model.run,
                    model.name,
                    json.dumps(dict(model.spec)),
                    model.parameters,
                    model.temperature,
                    model.val_accuracy,
                    model.val_loss,
                    hashlib.sha256(model.weights).digest(),
                    hashlib.sha256(model.litert).digest(),
                    int(time.time()),
                ),
            )
            connection.execute(
                "INSERT INTO model_label (model_id, position, label_id) "
                "SELECT %s, place - 1, label_id "
                "FROM unnest(%s::bigint[]) WITH ORDINALITY AS given (label_id, place)",
                (model_id, [label_ids[label] for label in labels]),
            )
            connection.execute(
                "INSERT INTO model_data (model_id, weights, litert) VALUES (%b, %b, %b)",
                (model_id, model.weights, model.litert),
            )
        return model_id

    def get(self, model_id: int) -> ModelRecord:
        row = self._database.one(f"{_COLUMNS} WHERE model.id = %s", (model_id,))
        if row is None:
            raise no_model(model_id)
        return model_record(row)

    def find(self, name_or_id: str | None) -> ModelRecord:
        if name_or_id is not None:
            return self.get(find_model(self._database, name_or_id))
        newest = self._database.value("SELECT max(id) FROM model")
        if newest is None:
            raise no_model_yet()
        return self.get(newest)

    def all(self) -> list[ModelRecord]:
        return [model_record(row) for row in self._database.all(f"{_COLUMNS} ORDER BY id DESC")]

    def weights(self, model_id: int) -> bytes:
        return self._data(model_id, "weights")

    def litert(self, model_id: int) -> bytes:
        return self._data(model_id, "litert")

    def rename(self, model_id: int, name: str) -> None:
        name = clean_name(name)
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT id FROM model WHERE name = %s AND id <> %s ORDER BY id", (name, model_id)
            ).fetchone()
            if row is not None:
                raise model_name_taken(row[0], name)
            cursor = connection.execute(
                "UPDATE model SET name = %s WHERE id = %s", (name, model_id)
            )
            if cursor.rowcount == 0:
                raise no_model(model_id)

    def remove(self, model_id: int) -> None:
        with self._database.write() as connection:
            cursor = connection.execute("DELETE FROM model WHERE id = %s", (model_id,))
            if cursor.rowcount == 0:
                raise no_model(model_id)

    def _data(self, model_id: int, which: Literal["weights", "litert"]) -> bytes:
        row = self._database.one(
            f"SELECT model_data.{which}, model.{which}_sha256 FROM model "
            "JOIN model_data ON model_data.model_id = model.id WHERE model.id = %s",
            (model_id,),
        )
        if row is None:
            raise no_model(model_id)
        return checked(row[0], row[1], which, model_id)
