"""Records as the JSON objects that the command line prints. docs/json.md describes each of them.

Hashes are hexadecimal, times ISO 8601 in UTC, tuples arrays. Nothing here reads or writes.
"""

from __future__ import annotations

from typing import Any

from cli.text import when
from storage.records import (
    DatasetInfo,
    EpochMetrics,
    ImagePrediction,
    ImageRecord,
    ModelRecord,
    Prediction,
    RunRecord,
    Stats,
)


def image_json(image: ImageRecord) -> dict[str, Any]:
    """An image without its bytes, as `ls` and `show` print it."""
    return {
        "id": image.id,
        "sha256": image.sha256.hex(),
        "label": image.label,
        "split": image.split,
        "tags": list(image.tags),
        "width": image.width,
        "height": image.height,
        "channels": image.channels,
        "format": image.format,
        "bytes": image.bytes,
        "source": image.source,
        "added_at": when(image.added_at),
        "prediction": None if image.prediction is None else _beside_image(image.prediction),
    }


def _beside_image(prediction: ImagePrediction) -> dict[str, Any]:
    return {
        "model": prediction.model,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "wrong": prediction.wrong,
    }


def prediction_json(
    prediction: Prediction, model: ModelRecord, probabilities: list[float]
) -> dict[str, Any]:
    """One model's stored answer for one image, as `show` prints it."""
    return {
        "model": prediction.model,
        "name": model.name,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "margin": prediction.margin,
        "truth": prediction.truth,
        "created_at": when(prediction.created_at),
        "probabilities": dict(zip(model.labels, probabilities, strict=True)),
    }


def stats_json(stats: Stats) -> dict[str, Any]:
    """Counts over a dataset, as `stats` prints them."""
    return {
        "images": stats.images,
        "unlabelled": stats.unlabelled,
        "bytes": stats.bytes,
        "labels": dict(stats.labels),
        "splits": dict(stats.splits),
        "formats": dict(stats.formats),
        "sizes": dict(stats.sizes),
    }


def epoch_json(epoch: EpochMetrics) -> dict[str, Any]:
    """One finished epoch of a run."""
    return {
        "epoch": epoch.epoch,
        "step": epoch.step,
        "seconds": epoch.seconds,
        "learning_rate": epoch.learning_rate,
        "train_loss": epoch.train_loss,
        "train_accuracy": epoch.train_accuracy,
        "val_loss": epoch.val_loss,
        "val_accuracy": epoch.val_accuracy,
    }


def run_json(run: RunRecord, state: str | None = None) -> dict[str, Any]:
    """A training in a line, as `runs ls` prints it. `epochs` counts the finished ones; `state` is
    what ml.run_state makes of its status."""
    return {
        "id": run.id,
        "name": run.name,
        "status": state or run.status,
        "seed": run.seed,
        "epochs": len(run.epochs),
        "total_epochs": run.total_epochs,
        "val_accuracy": best_val_accuracy(run),
        "model": run.model,
        "started_at": when(run.started_at),
        "finished_at": None if run.finished_at is None else when(run.finished_at),
        "error": run.error,
    }


def run_detail_json(run: RunRecord, state: str | None = None) -> dict[str, Any]:
    """A training with everything it was told and everything it measured, as `runs show` prints
    it."""
    return {
        **run_json(run, state),
        "total_steps": run.total_steps,
        "labels": list(run.labels),
        "settings": dict(run.settings),
        "versions": dict(run.versions),
        "data_digest": run.data_digest.hex(),
        "metrics": [epoch_json(epoch) for epoch in run.epochs],
    }


def best_val_accuracy(run: RunRecord) -> float | None:
    """The highest validation accuracy of a run's epochs."""
    return max((e.val_accuracy for e in run.epochs if e.val_accuracy is not None), default=None)


def model_json(model: ModelRecord) -> dict[str, Any]:
    """A model in a line, as `models ls` prints it."""
    return {
        "id": model.id,
        "name": model.name,
        "run": model.run,
        "labels": list(model.labels),
        "parameters": model.parameters,
        "val_accuracy": model.val_accuracy,
        "val_loss": model.val_loss,
        "weights_sha256": model.weights_sha256.hex(),
        "created_at": when(model.created_at),
    }


def model_detail_json(model: ModelRecord) -> dict[str, Any]:
    """A model with its architecture, as `models show` prints it."""
    return {**model_json(model), "temperature": model.temperature, "spec": dict(model.spec)}


def info_json(info: DatasetInfo) -> dict[str, Any]:
    """What the dataset itself is, as `db info` prints it."""
    return {
        "url": info.url,
        "backend": info.backend,
        "library": info.library,
        "schema_version": info.schema_version,
        "bytes": info.bytes,
        "images": info.images,
        "models": info.models,
        "runs": info.runs,
        "predictions": info.predictions,
        "details": dict(info.details),
    }
