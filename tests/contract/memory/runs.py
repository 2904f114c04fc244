"""The runs, the models and the predictions of a dataset in memory."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from storage.bounds import refuse_infinite
from storage.errors import DatasetBusy, DatasetError, NotReady, RefusedInput
from storage.labels import clean_label, clean_name
from storage.query import Query
from storage.records import (
    Checkpoint,
    EpochMetrics,
    ModelRecord,
    NewModel,
    NewPrediction,
    NewRun,
    Prediction,
    RunRecord,
    RunStatus,
)
from tests.contract.memory.asking import find_model, matches
from tests.contract.memory.store import Model, Run, Store, next_id


class MemoryRuns:
    """See storage.repository.Runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, run: NewRun) -> int:
        run_id = next_id(self._store.runs)
        self._store.runs[run_id] = Run(
            RunRecord(
                id=run_id,
                name=run.name,
                status="running",
                seed=run.seed,
                settings=_json(run.settings),
                labels=run.labels,
                data_digest=run.data_digest,
                versions=_json(run.versions),
                total_epochs=run.total_epochs,
                total_steps=run.total_steps,
                pid=run.pid,
                started_at=int(time.time()),
                finished_at=None,
                error=None,
                model=None,
            )
        )
        return run_id

    @contextmanager
    def hold(self, run_id: int) -> Iterator[None]:
        self._store.run(run_id)
        if run_id in self._store.held:
            raise DatasetBusy(f"another process is working on run {run_id}")
        self._store.held.add(run_id)
        try:
            yield
        finally:
            self._store.held.remove(run_id)

    def is_held(self, run_id: int) -> bool:
        return run_id in self._store.held

    def reopen(self, run_id: int, pid: int) -> None:
        run = self._store.run(run_id)
        run.record = replace(run.record, status="running", pid=pid, finished_at=None, error=None)

    def revise(
        self,
        run_id: int,
        *,
        settings: Mapping[str, Any],
        total_epochs: int,
        total_steps: int,
        last: Checkpoint | None = None,
    ) -> None:
        run = self._store.run(run_id)
        run.record = replace(
            run.record,
            settings=_json(settings),
            total_epochs=total_epochs,
            total_steps=total_steps,
        )
        if last is not None:
            run.checkpoints["last"] = last

    def record_epoch(
        self,
        run_id: int,
        metrics: EpochMetrics,
        *,
        last: Checkpoint,
        best: Checkpoint | None = None,
    ) -> None:
        refuse_infinite(metrics, f"epoch {metrics.epoch}")
        self._store.run(run_id).epochs[metrics.epoch] = metrics
        self.save_checkpoint(run_id, last, best=best)

    def save_checkpoint(
        self, run_id: int, last: Checkpoint, *, best: Checkpoint | None = None
    ) -> None:
        checkpoints = self._store.run(run_id).checkpoints
        checkpoints["last"] = last
        if best is not None:
            checkpoints["best"] = best

    def checkpoint(self, run_id: int, kind: str) -> Checkpoint | None:
        return self._store.run(run_id).checkpoints.get(kind)

    def finish(self, run_id: int, status: RunStatus, *, error: str | None = None) -> None:
        run = self._store.run(run_id)
        run.record = replace(run.record, status=status, finished_at=int(time.time()), error=error)
        if status == "done":
            run.checkpoints.clear()

    def remove(self, run_id: int) -> None:
        with self.hold(run_id):
            del self._store.runs[run_id]
            for model in self._store.models.values():
                if model.record.run == run_id:
                    model.record = replace(model.record, run=None)

    def get(self, run_id: int) -> RunRecord:
        run = self._store.run(run_id)
        models = [i for i, one in self._store.models.items() if one.record.run == run_id]
        epochs = tuple(run.epochs[number] for number in sorted(run.epochs))
        return replace(run.record, model=max(models, default=None), epochs=epochs)

    def all(self) -> list[RunRecord]:
        return [self.get(run_id) for run_id in sorted(self._store.runs, reverse=True)]


class MemoryModels:
    """See storage.repository.Models."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, model: NewModel) -> int:
        refuse_infinite(model, f"the model '{model.name}'")
        labels = tuple(clean_label(label) for label in model.labels)
        model_id = next_id(self._store.models)
        self._store.labels |= set(labels)
        record = ModelRecord(
            id=model_id,
            name=model.name,
            run=model.run,
            labels=labels,
            spec=_json(model.spec),
            parameters=model.parameters,
            weights_sha256=hashlib.sha256(model.weights).digest(),
            temperature=model.temperature,
            val_accuracy=model.val_accuracy,
            val_loss=model.val_loss,
            created_at=int(time.time()),
        )
        litert_sha256 = hashlib.sha256(model.litert).digest()
        self._store.models[model_id] = Model(record, model, litert_sha256)
        return model_id

    def get(self, model_id: int) -> ModelRecord:
        return self._store.model(model_id).record

    def find(self, name_or_id: str | None) -> ModelRecord:
        if name_or_id is not None:
            return self.get(find_model(self._store, name_or_id))
        if not self._store.models:
            raise NotReady("there is no model yet", hint="Make one with 'pixshelf train'.")
        return self.get(max(self._store.models))

    def all(self) -> list[ModelRecord]:
        return [self.get(model_id) for model_id in sorted(self._store.models, reverse=True)]

    def weights(self, model_id: int) -> bytes:
        model = self._store.model(model_id)
        return _checked(model.given.weights, model.record.weights_sha256, "weights", model_id)

    def litert(self, model_id: int) -> bytes:
        model = self._store.model(model_id)
        return _checked(model.given.litert, model.litert_sha256, "litert", model_id)

    def rename(self, model_id: int, name: str) -> None:
        name = clean_name(name)
        for other, model in self._store.models.items():
            if model.record.name == name and other != model_id:
                raise RefusedInput(f"model {other} has the name '{name}' already")
        model = self._store.model(model_id)
        model.record = replace(model.record, name=name)

    def remove(self, model_id: int) -> None:
        self._store.model(model_id)
        del self._store.models[model_id]
        for key in [key for key in self._store.predictions if key[0] == model_id]:
            del self._store.predictions[key]


class MemoryPredictions:
    """See storage.repository.Predictions. They are kept by model and image."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, model_id: int, predictions: Sequence[NewPrediction]) -> None:
        self._store.model(model_id)
        truths = {one.image: self._store.image(one.image).facts.label for one in predictions}
        for one in predictions:
            self._store.labels.add(one.label)
            self._store.predictions[model_id, one.image] = Prediction(
                one.image,
                model_id,
                one.label,
                one.confidence,
                one.margin,
                one.probabilities,
                truths[one.image],
                int(time.time()),
            )

    def of_image(self, image_id: int) -> list[Prediction]:
        stored = sorted(self._store.predictions.items(), reverse=True)
        return [one for (_, image), one in stored if image == image_id]

    def of_model(self, model_id: int, query: Query) -> Iterator[Prediction]:
        for image_id in matches(self._store, query.by_id()):
            stored = self._store.predictions.get((model_id, image_id))
            if stored is not None:
                yield stored


def _json(value: Mapping[str, Any]) -> dict[str, Any]:
    """The value as JSON gives it back: a copy, with lists for tuples."""
    read: dict[str, Any] = json.loads(json.dumps(dict(value)))
    return read


def _checked(data: bytes, sha256: bytes, which: str, model_id: int) -> bytes:
    if hashlib.sha256(data).digest() != sha256:
        raise DatasetError(f"the {which} of model {model_id} are not what was stored")
    return data
