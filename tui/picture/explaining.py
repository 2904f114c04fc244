"""What a model's answer for one stored image hangs on, as a picture; and new answers.

For threads: a model is loaded once and kept, and answers one thread at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml.predicting import Predictor
    from storage.repository import Repository


@dataclass(frozen=True, slots=True)
class Explanation:
    """The picture as the model sees it with the map over it, uint8 [H, W, 3]; whose answer it is
    about, and by how much its probability falls at most where a part is hidden."""

    image: int
    model: str
    label: str
    fall: float
    pixels: NDArray[np.uint8]


class Explainer:
    """Answers and explanations of one model at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: tuple[int, Predictor] | None = None

    def explain(
        self, repo: Repository, image: int, model: str | None, *, wanted: Callable[[], bool]
    ) -> Explanation | None:
        """Why the model, None for the newest, answers as it does; None where that is not `wanted`
        any more once it is this call's turn. Raises NotReady, NotFound, RefusedInput,
        DatasetError."""
        from ml.explaining import occlusion_map
        from ml.heat import overlay
        from ml.pixels import to_array

        with self._lock:
            if not wanted():
                return None
            predictor = self._predictor(repo, model)
            pixels = to_array(repo.images.data(image), predictor.input)
            label = predictor.labels[int(predictor.predict(pixels[None])[0].argmax())]
            heat = occlusion_map(predictor, pixels, label=label)
        fall = max(0.0, float(heat.max()))
        return Explanation(image, predictor.model.name, label, fall, overlay(pixels, heat))

    def classify(self, repo: Repository, image: int, model: str | None) -> tuple[str, str, float]:
        """Store the model's answer, None for the newest: its name, the label and the confidence.
        Raises as `explain` does."""
        from ml.predicting import predict_stored, ranked

        with self._lock:
            predictor = self._predictor(repo, model)
            ((_, shares),) = predict_stored(repo, predictor, [image], save=True)
            (label, confidence), *_ = ranked(predictor.labels, shares[0], 1)
        return predictor.model.name, label, confidence

    def _predictor(self, repo: Repository, model: str | None) -> Predictor:
        from ml.predicting import load_predictor

        found = repo.models.find(model).id
        if self._loaded is None or self._loaded[0] != found:
            self._loaded = found, load_predictor(repo, str(found))
        return self._loaded[1]
