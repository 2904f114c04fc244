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
from storage.pictures import describe
from storage.records import NewImage, NewPrediction
from storage.repository import Repository
from storage.splitting import assign_split

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
            new = [image for item in chunk if (image := self._described(*item)) is not None]
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

    def _described(self, source: str, data: bytes | RefusedInput) -> NewImage | None:
        """The file as an unlabelled image, in the split that an import would put it into."""
        try:
            if isinstance(data, RefusedInput):
                raise data
            facts = describe(data)
        except RefusedInput as error:
            self.refused.append(Refused(source, error.message))
            return None
        return NewImage(
            data=data,
            sha256=sha256(data).digest(),
            pixel_hash=facts.pixel_hash,
            dhash=facts.dhash,
            width=facts.width,
            height=facts.height,
            channels=facts.channels,
            format=facts.format,
            source=source.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
            split=assign_split(facts.pixel_hash, 0),
            thumbnail=facts.thumbnail,
        )

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
