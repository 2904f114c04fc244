"""Explanations on the command line: maps drawn beside their pictures, or written as PNG files."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.text import percent, printable, shorten
from storage.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml.predicting import Predictor

DRAWN = 8
"""So many are drawn on the terminal; a folder takes them all."""

WIDEST = 32
HIGHEST = 16
GAP = 2
_LONGEST_NAME = 100


class Explainer:
    """Makes maps for answers, and keeps the first ones for `drawings` if `draw` is set.

    `target` is where all of them are written: a file, if it ends in .png, else a folder. `left_out`
    counts the pictures that got no map.
    """

    def __init__(self, predictor: Predictor, *, draw: bool, target: Path | None) -> None:
        self._predictor = predictor
        self._draw = draw
        self._target = target
        self._taken: set[str] = set()
        self._kept: list[tuple[str, NDArray[np.uint8], NDArray[np.float32], str]] = []
        self.left_out = 0
        if target is not None and not is_file(target):
            target.mkdir(parents=True, exist_ok=True)

    def takes_another(self) -> bool:
        """Whether one more map is drawn or written; one that is not is counted as left out."""
        wanted = self._target is not None or len(self._kept) < DRAWN
        self.left_out += not wanted
        return wanted

    def explain(self, row: Mapping[str, Any], pixels: NDArray[np.uint8]) -> dict[str, Any] | None:
        """Make the map of one row's answer: where it was written and the most that the
        probability falls, or None where it was not written."""
        from ml.explaining import occlusion_map

        heat = occlusion_map(self._predictor, pixels, label=row["label"])
        fall = float(heat.max())
        name = row["source"] if "source" in row else str(row["image"])
        if self._draw and len(self._kept) < DRAWN:
            title = Path(name).name if "source" in row else f"image {name}"
            answer = f"{row['label']}  {percent(row['confidence'], 1)}"
            self._kept.append((title, pixels, heat, answer))
        if self._target is None:
            return None
        from ml.heat import to_png

        path = self._target if is_file(self._target) else self._target / self._file_name(name)
        path.write_bytes(to_png(pixels, heat))
        return {"path": str(path), "fall": fall}

    def drawings(self) -> Iterator[str]:
        """The kept pictures, each with its map to its right, as lines for the terminal."""
        from tui.plain.halfblocks import colour_depth, side_by_side
        from tui.plain.heatmap import heatmap_lines, unmapped_lines

        depth = colour_depth(os.environ, is_terminal=sys.stdout.isatty())
        width = shutil.get_terminal_size((80, 24)).columns
        wide = max(1, min(WIDEST, (width - GAP) // 2))
        for title, pixels, heat, answer in self._kept:
            fall = f"falls by up to {100 * max(0.0, float(heat.max())):.1f} points"
            blocks = [
                (
                    unmapped_lines(pixels, wide, HIGHEST, colour=depth),
                    shorten(printable(title), wide),
                ),
                (heatmap_lines(pixels, heat, wide, HIGHEST, colour=depth), f"{answer}\n{fall}"),
            ]
            yield ""
            yield from side_by_side(blocks, width, gap=GAP)

    def _file_name(self, name: str) -> str:
        """`name`'s last part with .png in place of its ending; numbered where it is taken."""
        stem = "stdin" if name == "-" else Path(name).stem[:_LONGEST_NAME]
        free = stem
        count = 1
        while free.casefold() in self._taken:
            count += 1
            free = f"{stem}-{count}"
        self._taken.add(free.casefold())
        return f"{free}.png"


def is_file(target: Path) -> bool:
    """Whether one PNG file is meant, rather than a folder for many."""
    return target.suffix.lower() == ".png" and not target.is_dir()


def check_target(target: Path, *, several: bool) -> None:
    """Refuse, before the work, what cannot be written. `several` says that there may be more than
    one picture. Raises UsageError."""
    if is_file(target):
        if several:
            raise UsageError(
                f"--explain-to is {str(target)!r}, one file, and there may be several pictures",
                hint="name a folder",
            )
        if not target.parent.is_dir():
            raise UsageError(
                f"--explain-to is {str(target)!r}, and there is no folder {target.parent}"
            )
    elif target.suffix.lower() in (".jpg", ".jpeg", ".svg", ".gif", ".webp", ".pdf"):
        raise UsageError(
            f"--explain-to is {str(target)!r}; maps are written as PNG",
            hint="name a folder, or a file that ends in .png",
        )
    elif target.exists() and not target.is_dir():
        raise UsageError(f"--explain-to is {str(target)!r}, which is a file and no folder")
