"""Pictures on the terminal: stored bytes as lines of half-blocks, as the terminal can show them."""

from __future__ import annotations

import os
import sys

from storage.pictures import open_picture, to_mode
from tui.plain.halfblocks import colour_depth, render


def picture_lines(data: bytes, columns: int, rows: int | None = None) -> list[str]:
    """The picture in at most `columns` by `rows` cells: coloured on a terminal that has colours,
    shades of plain characters anywhere else. Raises RefusedInput for bytes that are no picture."""
    import numpy as np

    pixels = np.asarray(to_mode(open_picture(data), 3), dtype=np.uint8)
    depth = colour_depth(os.environ, is_terminal=sys.stdout.isatty())
    return render(pixels, columns, rows, colour=depth)
