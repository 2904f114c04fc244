"""Trainings in a dataset file: their settings, epochs and checkpoints."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from storage.bounds import refuse_infinite
from storage.records import Checkpoint, EpochMetrics, NewRun, RunRecord, RunStatus
from storage.sqlite.database import Database, Row
from storage.sqlite.holding import held, is_held
from storage.stored_runs import EPOCH_COLUMNS, RUN_COLUMNS, no_run, run_record


class SqliteRuns:
    """Trainings, the metrics of their epochs, and the checkpoints to go on from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, run: NewRun) -> int:
        with self._database.write() as connection:
            row = connection.execute(
                "INSERT INTO run (name, status, seed, settings, labels, data_digest, versions, "
                "total_epochs, total_steps, pid, started_at) "
                "VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (
                    run.name,
                    run.seed,
                    json.dumps(dict(run.settings)),
                    json.dumps(run.labels),
                    run.data_digest,
                    json.dumps(dict(run.versions)),
                    run.total_epochs,
                    run.total_steps,
                    run.pid,
                    int(time.time()),
                ),
            ).fetchone()
        return int(row[0])

    @contextmanager
    def hold(self, run_id: int) -> Iterator[None]:
        self._require(run_id)
        with held(self._database.path, run_id):
            yield

    def is_held(self, run_id: int) -> bool:
        return is_held(self._database.path, run_id)

    def reopen(self, run_id: int, pid: int) -> None:
        self._require(run_id)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE run SET status = 'running', pid = ?, finished_at = NULL, error = NULL "
                "WHERE id = ?",
                (pid, run_id),
            )

    def revise(
        self,
        run_id: int,
        *,
        settings: Mapping[str, Any],
        total_epochs: int,
        total_steps: int,
        last: Checkpoint | None = None,
    ) -> None:
        self._require(run_id)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE run SET settings = ?, total_epochs = ?, total_steps = ? WHERE id = ?",
                (json.dumps(dict(settings)), total_epochs, total_steps, run_id),
            )
            if last is not None:
                _put_checkpoint(connection, run_id, "last", last)

    def record_epoch(
        self,
        run_id: int,
        metrics: EpochMetrics,
        *,
        last: Checkpoint,
        best: Checkpoint | None = None,
    ) -> None:
        refuse_infinite(metrics, f"epoch {metrics.epoch}")
        self._require(run_id)
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO epoch (run_id, epoch, step, seconds, learning_rate, "
                "train_loss, train_accuracy, val_loss, val_accuracy) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    metrics.epoch,
                    metrics.step,
                    metrics.seconds,
                    metrics.learning_rate,
                    metrics.train_loss,
                    metrics.train_accuracy,
                    metrics.val_loss,
                    metrics.val_accuracy,
                ),
            )
            _put_checkpoint(connection, run_id, "last", last)
            if best is not None:
                _put_checkpoint(connection, run_id, "best", best)

    def save_checkpoint(
        self, run_id: int, last: Checkpoint, *, best: Checkpoint | None = None
    ) -> None:
        self._require(run_id)
        with self._database.write(durable=False) as connection:
            _put_checkpoint(connection, run_id, "last", last)
            if best is not None:
                _put_checkpoint(connection, run_id, "best", best)

    def checkpoint(self, run_id: int, kind: str) -> Checkpoint | None:
        self._require(run_id)
        row = self._database.one(
            "SELECT epoch, step, weights, optimizer FROM checkpoint WHERE run_id = ? AND kind = ?",
            (run_id, kind),
        )
        return None if row is None else Checkpoint(*row)

    def finish(self, run_id: int, status: RunStatus, *, error: str | None = None) -> None:
        self._require(run_id)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE run SET status = ?, finished_at = ?, error = ? WHERE id = ?",
                (status, int(time.time()), error, run_id),
            )
            if status == "done":
                connection.execute("DELETE FROM checkpoint WHERE run_id = ?", (run_id,))

    def remove(self, run_id: int) -> None:
        with self.hold(run_id), self._database.write() as connection:
            connection.execute("DELETE FROM run WHERE id = ?", (run_id,))

    def get(self, run_id: int) -> RunRecord:
        row = self._database.one(f"{RUN_COLUMNS} WHERE run.id = ?", (run_id,))
        if row is None:
            raise no_run(run_id)
        return self._record(row)

    def all(self) -> list[RunRecord]:
        return [self._record(row) for row in self._database.all(f"{RUN_COLUMNS} ORDER BY id DESC")]

    def _require(self, run_id: int) -> None:
        if self._database.value("SELECT 1 FROM run WHERE id = ?", (run_id,)) is None:
            raise no_run(run_id)

    def _record(self, row: Row) -> RunRecord:
        epochs = self._database.all(
            f"SELECT {EPOCH_COLUMNS} FROM epoch WHERE run_id = ? ORDER BY epoch", (row[0],)
        )
        return run_record(row, epochs)


def _put_checkpoint(
    connection: sqlite3.Connection, run_id: int, kind: str, checkpoint: Checkpoint
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO checkpoint (run_id, kind, epoch, step, weights, optimizer) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            run_id,
            kind,
            checkpoint.epoch,
            checkpoint.step,
            checkpoint.weights,
            checkpoint.optimizer,
        ),
    )
