"""Trainings in PostgreSQL: their settings, epochs and checkpoints."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from storage.bounds import refuse_infinite
from storage.errors import ConnectionLost
from storage.postgres.database import Connection, Database, Row
from storage.postgres.holding import confirm, held, is_held
from storage.postgres.names import next_id
from storage.records import Checkpoint, EpochMetrics, NewRun, RunRecord, RunStatus
from storage.stored_runs import EPOCH_COLUMNS, RUN_COLUMNS, no_run, run_record


class PostgresRuns:
    """Trainings, the metrics of their epochs, and the checkpoints to go on from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, run: NewRun) -> int:
        with self._database.write() as connection:
            run_id = next_id(connection, "run")
            connection.execute(
                "INSERT INTO run (id, name, status, seed, settings, labels, data_digest, "
                "versions, total_epochs, total_steps, pid, started_at) "
                "VALUES (%s, %s, 'running', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    run_id,
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
            )
        return run_id

    @contextmanager
    def hold(self, run_id: int) -> Iterator[None]:
        pid = self._require(run_id)
        with held(self._database, run_id, pid):
            yield

    def is_held(self, run_id: int) -> bool:
        return is_held(self._database, run_id)

    def reopen(self, run_id: int, pid: int) -> None:
        self._change(
            run_id,
            lambda connection: connection.execute(
                "UPDATE run SET status = 'running', pid = %s, finished_at = NULL, error = NULL "
                "WHERE id = %s",
                (pid, run_id),
            ),
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
        def put(connection: Connection) -> None:
            connection.execute(
                "UPDATE run SET settings = %s, total_epochs = %s, total_steps = %s WHERE id = %s",
                (json.dumps(dict(settings)), total_epochs, total_steps, run_id),
            )
            _put_checkpoints(connection, run_id, last=last)

        self._change(run_id, put)

    def record_epoch(
        self,
        run_id: int,
        metrics: EpochMetrics,
        *,
        last: Checkpoint,
        best: Checkpoint | None = None,
    ) -> None:
        refuse_infinite(metrics, f"epoch {metrics.epoch}")

        def put(connection: Connection) -> None:
            _put_epoch(connection, run_id, metrics)
            _put_checkpoints(connection, run_id, last=last, best=best)

        self._change(run_id, put)

    def save_checkpoint(
        self, run_id: int, last: Checkpoint, *, best: Checkpoint | None = None
    ) -> None:
        self._change(
            run_id,
            lambda connection: _put_checkpoints(connection, run_id, last=last, best=best),
        )

    def checkpoint(self, run_id: int, kind: str) -> Checkpoint | None:
        self._require(run_id)
        row = self._database.one(
            "SELECT epoch, step, weights, optimizer FROM checkpoint "
            "WHERE run_id = %s AND kind = %s",
            (run_id, kind),
        )
        return None if row is None else Checkpoint(*row)

    def finish(self, run_id: int, status: RunStatus, *, error: str | None = None) -> None:
        def put(connection: Connection) -> None:
            connection.execute(
                "UPDATE run SET status = %s, finished_at = %s, error = %s WHERE id = %s",
                (status, int(time.time()), error, run_id),
            )
            if status == "done":
                connection.execute("DELETE FROM checkpoint WHERE run_id = %s", (run_id,))

        self._change(run_id, put)

    def remove(self, run_id: int) -> None:
        with self.hold(run_id), self._database.write() as connection:
            connection.execute("DELETE FROM run WHERE id = %s", (run_id,))

    def get(self, run_id: int) -> RunRecord:
        row = self._database.one(f"{RUN_COLUMNS} WHERE run.id = %s", (run_id,))
        if row is None:
            raise no_run(run_id)
        epochs = self._database.all(
            f"SELECT {EPOCH_COLUMNS} FROM epoch WHERE run_id = %s ORDER BY epoch", (run_id,)
        )
        return run_record(row, epochs)

    def all(self) -> list[RunRecord]:
        rows = self._database.all(f"{RUN_COLUMNS} ORDER BY id DESC")
        epochs: dict[int, list[Row]] = defaultdict(list)
        for run_id, *epoch in self._database.all(
            f"SELECT run_id, {EPOCH_COLUMNS} FROM epoch ORDER BY run_id, epoch"
        ):
            epochs[run_id].append(tuple(epoch))
        return [run_record(row, epochs[row[0]]) for row in rows]

    def _require(self, run_id: int) -> int | None:
        """The process that the run names. Raises NotFound."""
        row = self._database.one("SELECT pid FROM run WHERE id = %s", (run_id,))
        if row is None:
            raise no_run(run_id)
        return None if row[0] is None else int(row[0])

    def _change(self, run_id: int, work: Callable[[Connection], object]) -> None:
        """Do in one transaction what may be done twice: again, where the connection broke, so that
        a training outlives a server that is started anew."""
        deadline = time.monotonic() + self._database.wait
        while True:
            try:
                with self._database.write() as connection:
                    row = connection.execute(
                        "SELECT pid FROM run WHERE id = %s", (run_id,)
                    ).fetchone()
                    if row is None:
                        raise no_run(run_id)
                    confirm(self._database, connection, run_id, row[0])
                    work(connection)
                return
            except ConnectionLost:
                if time.monotonic() >= deadline:
                    raise


def _put_epoch(connection: Connection, run_id: int, metrics: EpochMetrics) -> None:
    connection.execute(
        "DELETE FROM epoch WHERE run_id = %s AND epoch = %s", (run_id, metrics.epoch)
    )
    connection.execute(
        f"INSERT INTO epoch (run_id, {EPOCH_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
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


def _put_checkpoints(connection: Connection, run_id: int, **checkpoints: Checkpoint | None) -> None:
    """Put each checkpoint that is given in the place of the one of its kind."""
    for kind, checkpoint in checkpoints.items():
        if checkpoint is None:
            continue
        connection.execute("DELETE FROM checkpoint WHERE run_id = %s AND kind = %s", (run_id, kind))
        connection.execute(
            "INSERT INTO checkpoint (run_id, kind, epoch, step, weights, optimizer) "
            "VALUES (%s, %s, %s, %s, %b, %b)",
            (
                run_id,
                kind,
                checkpoint.epoch,
                checkpoint.step,
                checkpoint.weights,
                checkpoint.optimizer,
            ),
        )
