"""Why a model answered as it did: an occlusion map (Zeiler and Fergus, 2014).

A patch of one colour slides over the picture, and the fall of a label's probability says how much
the answer hangs on what is hidden. It needs nothing of the model but its answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.pixels import border_median
from storage.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml.predicting import Predictor

MAX_POSITIONS = 4096
"""The most places that a patch is laid on one picture, each of which is one answer to ask for."""

_SHARE = 5
"""A patch is this part of the shorter side: on 8 pixels 2, on 28 pixels 6, on 128 pixels 26."""

_STEPS = 3
"""A patch moves by this part of its side, so that each pixel lies under several places."""


def occlusion_map(
    predictor: Predictor,
    pixels: NDArray[np.uint8],
    *,
    label: str | None = None,
    patch: int | None = None,
    stride: int | None = None,
) -> NDArray[np.float32]:
    """How much of `label`'s probability each pixel holds up: float32 [H, W], from -1 to 1.

    `pixels` is one picture, uint8 [H, W, C] in the model's input shape; `label` is by default the
    model's answer. A square of `patch` pixels, filled with the median colour of the picture's
    border, is laid on the picture every `stride` pixels and at its edges. A pixel's value is the
    mean fall of the probability over the places that hide it: above 0 where the picture speaks for
    the label, below 0 where it speaks against. Raises RefusedInput for another shape or dtype,
    UsageError for a label that the model does not know and for a patch or stride out of bounds.
    """
    import numpy as np

    whole = predictor.predict(pixels[None])[0]
    at = _place(predictor, whole, label)
    side, step = _patch(pixels.shape[0], pixels.shape[1], patch, stride)
    colour = border_median(pixels)
    places = [
        (top, left)
        for top in _starts(pixels.shape[0], side, step)
        for left in _starts(pixels.shape[1], side, step)
    ]
    falls = np.zeros(pixels.shape[:2], np.float64)
    hidden = np.zeros(pixels.shape[:2], np.int64)
    for start in range(0, len(places), predictor.batch):
        part = places[start : start + predictor.batch]
        batch = np.repeat(pixels[None], len(part), axis=0)
        for picture, (top, left) in zip(batch, part, strict=True):
            picture[top : top + side, left : left + side] = colour
        for (top, left), row in zip(part, predictor.predict(batch), strict=True):
            falls[top : top + side, left : left + side] += float(whole[at]) - float(row[at])
            hidden[top : top + side, left : left + side] += 1
    means: NDArray[np.float32] = (falls / hidden).astype(np.float32)
    return means


def _place(predictor: Predictor, whole: NDArray[np.float32], label: str | None) -> int:
    """The index of the label in question."""
    if label is None:
        return int(whole.argmax())
    if label not in predictor.labels:
        raise UsageError(
            f"label: received {label!r}, which the model '{predictor.model.name}' does not know",
            hint=f"it knows {', '.join(predictor.labels[:10])}"
            + (" and more" if len(predictor.labels) > 10 else ""),
        )
    return predictor.labels.index(label)


def _patch(height: int, width: int, patch: int | None, stride: int | None) -> tuple[int, int]:
    """The patch's side and how far it moves, both in pixels."""
    shorter = min(height, width)
    side = max(min(2, shorter), round(shorter / _SHARE)) if patch is None else patch
    if not 1 <= side <= shorter:
        raise UsageError(f"patch: received {side}, expected 1 to {shorter} pixels")
    step = max(1, side // _STEPS) if stride is None else stride
    if not 1 <= step <= side:
        raise UsageError(
            f"stride: received {step}, expected 1 to {side}, the patch's side, so that every "
            "pixel is hidden once"
        )
    while stride is None and step < side and _count(height, width, side, step) > MAX_POSITIONS:
        step += 1
    if (count := _count(height, width, side, step)) > MAX_POSITIONS:
        raise UsageError(
            f"a patch of {side} pixels moved by {step} has {count:,} places, more than "
            f"{MAX_POSITIONS:,}",
            hint="move it further, or make it larger",
        )
    return side, step


def _count(height: int, width: int, side: int, step: int) -> int:
    return len(_starts(height, side, step)) * len(_starts(width, side, step))


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where the patch begins along one axis: at the first pixel, so that it ends at the last one,
    and evenly in between, no further than `step` apart."""
    last = length - side
    count = -(-last // step) + 1
    return [round(at * last / max(1, count - 1)) for at in range(count)]
