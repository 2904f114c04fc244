"""What every model said of one image, as the JSON objects that are printed and served."""

from __future__ import annotations

import struct
from typing import Any

from cli.records import prediction_json
from storage.records import ModelRecord, Prediction
from storage.repository import Repository


def predictions_of(repo: Repository, image: int) -> list[dict[str, Any]]:
    """The stored answers for one image, the newest model's first."""
    models: dict[int, ModelRecord] = {}
    answers = []
    for prediction in repo.predictions.of_image(image):
        if prediction.model not in models:
            models[prediction.model] = repo.models.get(prediction.model)
        model = models[prediction.model]
        answers.append(prediction_json(prediction, model, _probabilities(prediction)))
    return answers


def _probabilities(prediction: Prediction) -> list[float]:
    count = len(prediction.probabilities) // 4
    return list(struct.unpack(f"<{count}f", prediction.probabilities))
