"""The three ways to predict: files as they are, stored images, and files that become images.

Each gives rows, as plain JSON values, while the work goes on; what is no picture goes to a list of
refusals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cli.files import in_chunks, read_files
from cli.progress import Update
from ml.predicting import (
    Answer,
    Predictor,
    Refused,
    as_predictions,
    predict_files,
    predict_stored,
)
from storage.errors import RefusedInput
from storage.importing.measuring import Loaded, measure
from storage.importing.sources import Entry, Refusal, printable
from storage.records import NewImage, NewPrediction
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 256

Row = dict[str, Any]


class Work:
    """One prediction of many pictures. `refused` has, in the end, whatever was no picture."""

    def __init__(self, repo: Repository, predictor: Predictor, top: int) -> None:
        self._repo = repo
        self._predictor = predictor
        self._top = top
        self.refused: list[Refused] = []

    def files(self, names: Sequence[str], update: Update) -> Iterator[Row]:
        """Files, of which nothing is kept."""
        answers = predict_files(self._predictor, read_files(names), top=self._top)
        for done, item in enumerate(answers, start=1):
            update(done, None, "")
            if isinstance(item, Refused):
                self.refused.append(item)
            else:
                yield {"source": item.source, **self._answer(item)}

    def stored(self, ids: Sequence[int], update: Update, *, save: bool) -> Iterator[Row]:
        """Images of the dataset, in the order given."""

        def on_progress(done: int, total: int) -> None:
            update(done, total, "")

        for images, probabilities in predict_stored(
            self._repo, self._predictor, ids, progress=on_progress
        ):
            if save:
                self._save(self._predictions(images, probabilities))
            for image, row in zip(images, probabilities, strict=True):
                yield {"image": image, **self._from_probabilities(row)}

    def imported(self, names: Sequence[str], update: Update) -> Iterator[Row]:
        """Files that become images of the dataset, together with what is predicted of them."""
        import_id: int | None = None
        done = 0
        for chunk in in_chunks(read_files(names), CHUNK):
            new = list(self._measured(chunk))
            if not new:
                continue
            if import_id is None:
                import_id = self._repo.images.begin_import("predict --save", {})
            ids = [added.id for added in self._repo.images.add(new, import_id=import_id)]
            stored = self.stored(ids, lambda *_: None, save=True)
            for image, row in zip(new, stored, strict=True):
                yield {"image": row.pop("image"), "source": image.source, **row}
            done += len(chunk)
            update(done, None, "")

    def _measured(self, chunk: Sequence[tuple[str, bytes | RefusedInput]]) -> Iterator[NewImage]:
        loaded = []
        for source, data in chunk:
            if isinstance(data, RefusedInput):
                self.refused.append(Refused(source, data.message))
            else:
                entry = Entry(printable(source), data)
                loaded.append(Loaded(entry, data, sha256(data).digest()))
        for item in measure(loaded, split=None, seed=0):
            if isinstance(item, Refusal):
                self.refused.append(Refused(item.source, item.reason))
            else:
                yield item

    def _predictions(
        self, images: Sequence[int], probabilities: NDArray[np.float32]
    ) -> list[NewPrediction]:
        return as_predictions(images, self._predictor.labels, probabilities)

    def _save(self, predictions: Sequence[NewPrediction]) -> None:
        once = {prediction.image: prediction for prediction in predictions}
        self._repo.predictions.save(self._predictor.model.id, list(once.values()))

    def _from_probabilities(self, row: NDArray[np.float32]) -> Row:
        order = (-row).argsort(kind="stable")[: self._top]
        labels = self._predictor.labels
        best = tuple((labels[place], float(row[place])) for place in order)
        return self._answer(Answer("", best[0][0], best[0][1], best))

    def _answer(self, answer: Answer) -> Row:
        return {
            "label": answer.label,
            "confidence": answer.confidence,
            "top": [{"label": label, "confidence": share} for label, share in answer.top],
            "model": self._predictor.model.name,
        }
