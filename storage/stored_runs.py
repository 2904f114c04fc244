"""Trainings and models as the rows of a dataset hold them: what both backends make of these rows,
and what they say of a run or a model that is not there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from storage.errors import DatasetBusy, DatasetError, NotFound, NotReady, RefusedInput
from storage.expecting import Row, damaged, expect, expect_rows, stored_json
from storage.records import EpochMetrics, ModelRecord, RunRecord

RUN_COLUMNS = """
    SELECT run.id, run.name, run.status, run.seed, run.settings, run.labels, run.data_digest,
        run.versions, run.total_epochs, run.total_steps, run.pid, run.started_at,
        run.finished_at, run.error, (SELECT max(id) FROM model WHERE model.run_id = run.id)
    FROM run
"""
"""What `run_record` reads."""

EPOCH_COLUMNS = (
    "epoch, step, seconds, learning_rate, train_loss, train_accuracy, val_loss, val_accuracy"
)
"""What `run_record` reads of each epoch, in their order."""


def run_record(row: Row, epochs: Sequence[Row]) -> RunRecord:
    """A run, of a row of RUN_COLUMNS and its rows of EPOCH_COLUMNS. Raises DatasetError where they
    hold what no version of pixshelf writes."""
    what = f"run {row[0]}"
    expect(row, "itti??b?iiIiITI", what)
    run_id, name, status, seed, settings, labels, digest, versions = row[:8]
    total_epochs, total_steps, pid, started_at, finished_at, error, model = row[8:]
    return RunRecord(
        id=run_id,
        name=name,
        status=status,
        seed=seed,
        settings=stored_json(settings, dict, what),
        labels=tuple(stored_json(labels, list, what)),
        data_digest=digest,
        versions=stored_json(versions, dict, what),
        total_epochs=total_epochs,
        total_steps=total_steps,
        pid=pid,
        started_at=started_at,
        finished_at=finished_at,
        error=error,
        model=model,
        epochs=tuple(EpochMetrics(*epoch) for epoch in expect_rows(epochs, "iirrrrRR", what)),
    )


def model_record(row: Row) -> ModelRecord:
    """A model, of a row of its columns in the order of ModelRecord, labels and spec as JSON. Raises
    DatasetError as `run_record` does."""
    what = f"model {row[0]}"
    expect(row, "itI??ibrRRi", what)
    if row[7] <= 0:
        raise damaged(f"{what} has the temperature {row[7]}")
    model_id, name, run, *json_columns = row[:5]
    labels = tuple(stored_json(json_columns[0], list, what))
    spec = stored_json(json_columns[1], dict, what)
    return ModelRecord(model_id, name, run, labels, spec, *row[5:])


def checked(data: bytes, sha256: bytes, which: str, model_id: int) -> bytes:
    """The bytes of a model, when they are those of the hash. Raises DatasetError."""
    if hashlib.sha256(data).digest() != sha256:
        raise DatasetError(
            f"the {which} of model {model_id} are not what was stored",
            hint="Train again, or restore a backup.",
        )
    return data


def no_run(run_id: int) -> NotFound:
    """The error to raise for a run that is not there."""
    return NotFound(f"there is no run {run_id}", hint="See 'pixshelf runs ls'.")


def run_is_held(run_id: int) -> DatasetBusy:
    """The error to raise for a run that another process works on."""
    return DatasetBusy(
        f"another process is working on run {run_id}",
        hint="Watch it with 'pixshelf runs attach', or wait for its end.",
    )


def no_model(model: int | str) -> NotFound:
    """The error to raise for a model that is not there: its id, or the name that was asked for."""
    shown = model if isinstance(model, int) else f"'{model}'"
    return NotFound(f"there is no model {shown}", hint="See 'pixshelf models ls'.")


def no_model_yet() -> NotReady:
    """The error to raise where the newest model is asked for and there is none."""
    return NotReady("there is no model yet", hint="Make one with 'pixshelf train'.")


def model_name_taken(model_id: int, name: str) -> RefusedInput:
    """The error to raise for a name that another model has."""
    return RefusedInput(
        f"model {model_id} has the name '{name}' already", hint="Choose another name."
    )
