"""The worst mistakes of a model: wrong answers that it was most sure of.

Often it is the label that is wrong, which is why they are the first to look at (Northcutt, Jiang
and Chuang 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.errors import UsageError
from storage.query import Query, Sort, Term

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.repository import Repository


@dataclass(frozen=True, slots=True)
class Mistake:
    """An image of the label `truth` that was taken for `predicted`, with which probability."""

    image: int
    truth: str
    predicted: str
    confidence: float


def worst_mistakes(
    repo: Repository, model: str | None, query: Query, most: int
) -> tuple[Mistake, ...]:
    """The first `most` wrong answers by confidence, highest first, of those that are stored.

    `model` is a name or an id; None means the newest model that has predictions. Of `query` only
    the words count, not its order or model. Wrong is what differs from the label of now. Costs the
    same however many predictions there are. Raises NotFound for an unknown model, UsageError for
    a `most` below 1.
    """
    if most < 1:
        raise UsageError(f"most is {most}: expected 1 or more")
    wrong = Query((*query.terms, Term("is", ":", ("wrong",))), Sort("confidence", True), model)
    found = []
    for image in repo.images.page(wrong, limit=most).images:
        # Both are there, or the image would not be wrong; the check is for the types.
        if image.prediction is not None and image.label is not None:
            answer = image.prediction
            found.append(Mistake(image.id, image.label, answer.label, answer.confidence))
    return tuple(found)


def worst(
    ids: NDArray[np.integer],
    truth: NDArray[np.integer],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    labels: Sequence[str],
    most: int,
) -> tuple[Mistake, ...]:
    """The same from arrays [N]: images' ids, numbers of labels, probabilities of the answers. Of
    equally sure ones the image with the higher id comes first, as in a query."""
    import numpy as np

    wrong = np.flatnonzero(truth != predicted)
    order = np.lexsort((ids[wrong], confidence[wrong]))[::-1][:most]
    return tuple(
        Mistake(int(ids[at]), labels[truth[at]], labels[predicted[at]], float(confidence[at]))
        for at in wrong[order].tolist()
    )
