"""Maps of numbers over pictures: one even scale of colours, the overlay, and both as a PNG.

The colours are inferno's (Smith and van der Walt, CC0), whose steps look alike in size, also to
the colour-blind, and in grey: brighter is always more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST = 0.01
"""A map whose highest value is below this is drawn as if it were this: mere noise stays dark."""

_ANCHORS = bytes.fromhex(
    "000004" "0d0829" "280b53" "470b6a" "65156e" "82206c" "9f2a63" "bc3754" "d44842"
    "e8602d" "f57d15" "fc9f07" "fac228" "f3e55d" "fcffa4"
)  # fmt: skip
_PICTURE_SHARE = 0.4
_SHOWN_SIDE = 256
"""Pictures smaller than this grow by whole numbers, so that their pixels stay square."""
_GAP = 8


def strengths(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map [H, W] as shares of its highest value, float32 0 to 1; what is below 0 counts as 0."""
    import numpy as np

    highest = max(float(heat.max()), LEAST)
    shares: NDArray[np.float32] = np.clip(heat / highest, 0, 1).astype(np.float32)
    return shares


def colours(shares: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Numbers from 0 to 1 [H, W] as colours, uint8 [H, W, 3], black to pale yellow."""
    import numpy as np

    anchors = np.frombuffer(_ANCHORS, np.uint8).reshape(-1, 3)
    places = np.linspace(0, 1, len(anchors))
    channels = [np.interp(shares, places, anchors[:, at]) for at in range(3)]
    out: NDArray[np.uint8] = np.stack(channels, axis=-1).round().astype(np.uint8)
    return out


def overlay(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The map [H, W] in colours over the picture, uint8 [H, W, 1] or [H, W, 3], in grey beneath:
    uint8 [H, W, 3]. The share of both is the same everywhere, so that the colours keep their
    order."""
    import numpy as np

    grey = pixels.astype(np.float32).mean(axis=2, keepdims=True)
    mixed = _PICTURE_SHARE * grey + (1 - _PICTURE_SHARE) * colours(strengths(heat))
    out: NDArray[np.uint8] = mixed.round().astype(np.uint8)
    return out


def to_png(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> bytes:
    """The picture and, to its right, the map over it, as a PNG file."""
    import numpy as np

    from storage.pictures import encode_png

    factor = max(1, _SHOWN_SIDE // max(pixels.shape[:2]))
    shown = pixels if pixels.shape[2] == 3 else pixels.repeat(3, axis=2)
    halves = [
        half.repeat(factor, axis=0).repeat(factor, axis=1)
        for half in (shown, overlay(pixels, heat))
    ]
    gap = np.full((halves[0].shape[0], _GAP, 3), 255, np.uint8)
    return encode_png(np.concatenate([halves[0], gap, halves[1]], axis=1))
