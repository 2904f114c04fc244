"""Small records for tests of storage: images that are only bytes, models that are only names."""

from __future__ import annotations

import hashlib
from array import array
from typing import Any

from storage.records import (
    Checkpoint,
    EpochMetrics,
    NewImage,
    NewModel,
    NewPrediction,
    NewRun,
)
from storage.repository import Repository


def new_image(number: int, **changes: Any) -> NewImage:
    """An image whose bytes, and so whose identity, follow from its number."""
    data = changes.pop("data", b"image %d" % number)
    facts: dict[str, Any] = {
        "sha256": hashlib.sha256(data).digest(),
        "pixel_hash": hashlib.sha256(data).digest()[:16],
        "dhash": number,
        "width": 28,
        "height": 28,
        "channels": 1,
        "format": "png",
        "source": f"{number}.png",
    }
    return NewImage(data=data, **(facts | changes))


def add_images(repository: Repository, *images: NewImage) -> list[int]:
    """Store them; gives their ids."""
    import_id = repository.images.begin_import("made", {})
    return [added.id for added in repository.images.add(images, import_id=import_id)]


def new_model(*labels: str, name: str = "model", run: int | None = None) -> NewModel:
    return NewModel(
        name=name,
        labels=labels,
        spec={"kind": "none"},
        parameters=3,
        weights=b"weights of " + name.encode(),
        litert=b"litert of " + name.encode(),
        temperature=1.5,
        run=run,
        val_accuracy=0.5,
        val_loss=0.25,
    )


def new_prediction(image: int, label: str, confidence: float, margin: float = 0.5) -> NewPrediction:
    probabilities = array("f", [confidence, 1 - confidence]).tobytes()
    return NewPrediction(image, label, confidence, margin, probabilities)


def new_run(name: str = "run") -> NewRun:
    return NewRun(
        name=name,
        seed=7,
        settings={"preset": "quick"},
        labels=("a", "b"),
        data_digest=b"d" * 32,
        versions={"pixshelf": "0"},
        total_epochs=2,
        total_steps=20,
        pid=1,
    )


def epoch(number: int, val_accuracy: float | None = 0.5) -> EpochMetrics:
    return EpochMetrics(number, number * 10, 1.5, 0.01, 0.7, 0.6, 0.8, val_accuracy)


def checkpoint(number: int) -> Checkpoint:
    return Checkpoint(number, number * 10, b"w%d" % number, b"o%d" % number)
