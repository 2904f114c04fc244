"""The three ways to predict: files as they are, stored images, and files that become images.

Each gives rows, as plain JSON values, while the work goes on; what is no picture goes to a list of
refusals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cli.explaining import Explainer
from cli.files import in_chunks, read_files
from cli.progress import Update
from ml.filing import as_image
from ml.pixels import to_array
from ml.predicting import Predictor, Refused, predict_files, predict_stored, ranked
from storage.errors import RefusedInput
from storage.records import NewImage
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 256

Row = dict[str, Any]


class Work:
    """One prediction of many pictures. With `abstain` a row says whether its confidence is below
    that; with an `explainer` it has a map made.

    In the end `refused` has whatever was no picture, `count` is how many were answered, and
    `unsure` how many of those are below `abstain`.
    """

    def __init__(
        self,
        repo: Repository,
        predictor: Predictor,
        top: int,
        *,
        abstain: float | None = None,
        explainer: Explainer | None = None,
    ) -> None:
        self._repo = repo
        self._predictor = predictor
        self._top = top
        self._abstain = abstain
        self._explainer = explainer
        self.refused: list[Refused] = []
        self.count = 0
        self.unsure = 0

    def files(self, names: Sequence[str], update: Update) -> Iterator[Row]:
        """Files, of which nothing is kept."""
        answers = predict_files(self._predictor, read_files(names), top=self._top)
        for done, item in enumerate(answers, start=1):
            update(done, None, "")
            if isinstance(item, Refused):
                self.refused.append(item)
            else:
                row = {"source": item.source, **self._answer(item.top)}
                self._explain(row, item.pixels)
                yield row

    def stored(self, ids: Sequence[int], update: Update, *, save: bool) -> Iterator[Row]:
        """Images of the dataset, in the order given."""

        def on_progress(done: int, total: int) -> None:
            update(done, total, "")

        # A map costs hundreds of answers: then it is the maps that are counted.
        told = on_progress if self._explainer is None else None
        for images, probabilities in predict_stored(
            self._repo, self._predictor, ids, save=save, progress=told
        ):
            for image, shares in zip(images, probabilities, strict=True):
                best = ranked(self._predictor.labels, shares, self._top)
                row = {"image": image, **self._answer(best)}
                if self._explainer is not None:
                    self._explain(row)
                    update(self.count, len(ids), "")
                yield row

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
        try:
            return as_image(source, data)
        except RefusedInput as error:
            self.refused.append(Refused(source, error.message))
            return None

    def _answer(self, top: Sequence[tuple[str, float]]) -> Row:
        label, confidence = top[0]
        self.count += 1
        row: Row = {
            "label": label,
            "confidence": confidence,
            "top": [{"label": label, "confidence": share} for label, share in top],
            "model": self._predictor.model.name,
        }
        if self._abstain is not None:
            row["unsure"] = confidence < self._abstain
            self.unsure += row["unsure"]
        return row

    def _explain(self, row: Row, pixels: NDArray[np.uint8] | None = None) -> None:
        """Have the row's answer explained; `pixels` of None means those of its image."""
        if self._explainer is None or not self._explainer.takes_another():
            return
        if pixels is None:
            pixels = to_array(self._repo.images.data(row["image"]), self._predictor.input)
        made = self._explainer.explain(row, pixels)
        if made is not None:
            row["explanation"] = made
