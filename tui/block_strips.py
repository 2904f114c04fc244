"""A picture as strips of half-blocks: true styled segments, runs of one colour merged.

For one picture on a screen. Every filter, cut and export of Textual works on them as on text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def block_strips(pixels: NDArray[np.uint8], ground: int) -> list[Strip]:
    """uint8 [H, W, 3] as ceil(H / 2) strips of W cells, the upper pixel of a cell as the
    foreground of '▀'. `ground`, 0xRRGGBB, is below an odd last row."""
    import numpy as np

    wide = pixels.astype(np.int32)
    codes = wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2]
    if len(codes) % 2:
        codes = np.vstack([codes, np.full((1, codes.shape[1]), ground, np.int32)])
    return [_strip(upper, lower) for upper, lower in zip(codes[::2], codes[1::2], strict=True)]


def _strip(upper: NDArray[np.int32], lower: NDArray[np.int32]) -> Strip:
    import numpy as np

    changes = np.flatnonzero((np.diff(upper) != 0) | (np.diff(lower) != 0)) + 1
    starts = [0, *changes.tolist()]
    ends = [*changes.tolist(), len(upper)]
    tops, bottoms = upper[starts].tolist(), lower[starts].tolist()
    return Strip(
        [
            Segment((" " if top == bottom else "▀") * (end - start), style_of(top, bottom))
            for start, end, top, bottom in zip(starts, ends, tops, bottoms, strict=True)
        ],
        len(upper),
    )


@lru_cache(maxsize=16384)
def style_of(top: int, bottom: int) -> Style:
    """Foreground and background from 0xRRGGBB."""
    return Style.from_color(_colour(top), _colour(bottom))


@lru_cache(maxsize=16384)
def _colour(code: int) -> Color:
    return Color.from_rgb(code >> 16, code >> 8 & 255, code & 255)
