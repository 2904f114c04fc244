"""A map over a picture as text for any terminal: in colours, or in shades of plain characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.heat import overlay, strengths
from tui.plain.halfblocks import Colour, render

if TYPE_CHECKING:
    from numpy.typing import NDArray


def heatmap_lines(
    pixels: NDArray[np.uint8],
    heat: NDArray[np.float32],
    columns: int,
    rows: int | None = None,
    *,
    colour: Colour,
) -> list[str]:
    """The map [H, W] over its picture, uint8 [H, W, 1] or [H, W, 3], in at most `columns` by
    `rows` cells. Without colours the map stands alone: characters are denser where it is higher."""
    if colour == "none":
        alone = (strengths(heat) * 255).astype(np.uint8)
        return render(alone, columns, rows, colour=colour)
    return render(overlay(pixels, heat), columns, rows, colour=colour)


def unmapped_lines(
    pixels: NDArray[np.uint8], columns: int, rows: int | None = None, *, colour: Colour
) -> list[str]:
    """The picture alone, in the same cells."""
    shown = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    return render(shown, columns, rows, colour=colour)
