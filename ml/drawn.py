"""How drawings lie in the pictures that a model knows: light on dark or dark on light, how large,
how thick. Whoever draws one for the model can then draw it alike.

Measured from a few stored pictures, in the shape that the model is shown. Nothing is written.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.pixels import InputSpec, border_median, to_array
from storage.errors import RefusedInput
from storage.query import Query, Term

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.records import ModelRecord
    from storage.repository import Repository

_LABELS = 20
_EACH = 10
_LARGEST = 512
"""Pictures with a longer side are not measured: no drawing of a digit is kept so large."""

_INK = 64
_PAPER = 32
"""Steps of 255 from the paper: further away is ink, nearer is paper."""


@dataclass(frozen=True, slots=True)
class DrawnStyle:
    """`dark` says that strokes are light on dark paper. `box` is the longer side of what is
    drawn as a share of the picture's shorter side, `pen` the strokes' width in pixels."""

    dark: bool
    box: float
    pen: float


def drawn_style(repo: Repository, model: ModelRecord) -> DrawnStyle | None:
    """The style of the drawings among the training pictures of the model's labels; None where
    those are no drawings. Without such pictures, MNIST's: a light pen, a box of 20 in 28.
    Damaged pictures are passed over. Raises DatasetError for a model without an input."""
    spec = InputSpec.from_json(model.spec.get("input"))
    pictures = []
    for data in _sample(repo, model):
        # What is damaged says nothing of style, and is for 'db check' to tell.
        with suppress(RefusedInput):
            pictures.append(to_array(data, spec))
    if not pictures:
        return DrawnStyle(dark=True, box=20 / 28, pen=min(spec.height, spec.width) * 2.4 / 28)
    return measured_style(pictures)


def _sample(repo: Repository, model: ModelRecord) -> list[bytes]:
    """Up to ten small training pictures of each of the first twenty labels."""
    fits = (
        Term("split", ":", ("train",)),
        Term("width", "<=", (_LARGEST,)),
        Term("height", "<=", (_LARGEST,)),
    )
    ids: list[int] = []
    for label in model.labels[:_LABELS]:
        query = Query((Term("label", ":", (label,)), *fits))
        ids += (image.id for image in repo.images.page(query, limit=_EACH).images)
    return [data for _, data in repo.images.iter_data(sorted(ids))]


def measured_style(pictures: list[NDArray[np.uint8]]) -> DrawnStyle | None:
    """The medians over pictures of uint8 [H, W, C], at least one; None unless most of them
    have no colour, even paper at the corners and over much of their area, and something on it."""
    import numpy as np

    found = [style for each in pictures if (style := _one(each)) is not None]
    if 2 * len(found) <= len(pictures):
        return None
    return DrawnStyle(
        dark=sum(style.dark for style in found) * 2 > len(found),
        box=min(1.0, float(np.median([style.box for style in found]))),
        pen=float(np.median([style.pen for style in found])),
    )


def _one(picture: NDArray[np.uint8]) -> DrawnStyle | None:
    import numpy as np

    coloured = np.ptp(picture, axis=2) > _PAPER
    grey = picture.mean(axis=2)
    paper = float(border_median(grey.astype(np.uint8)))
    away = np.abs(grey - paper)
    corners = away[[0, 0, -1, -1], [0, -1, 0, -1]]
    ink = away > _INK
    even = (corners <= _PAPER).all() and (away <= _PAPER).mean() >= 0.35
    if not even or coloured.mean() > 0.05 or not ink.any():
        return None
    rows, columns = ink.any(axis=1).nonzero()[0], ink.any(axis=0).nonzero()[0]
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    # A stroke's area over its length: its outline is twice its length, and the sum of steps
    # along rows and columns overstates an outline by 4 / pi.
    inked = np.pad(away, 1)
    steps = np.abs(np.diff(inked, axis=0)).sum() + np.abs(np.diff(inked, axis=1)).sum()
    pen = 2 * inked.sum() / (steps * np.pi / 4)
    return DrawnStyle(paper < 128, float(longer / min(grey.shape)), float(pen))
