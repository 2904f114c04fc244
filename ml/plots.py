"""Pictures of a model's figures, drawn by matplotlib without any window system.

Colours are one hue from light to dark, which every eye orders alike and paper keeps.
"""

from __future__ import annotations

import math
import os
import secrets
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import PixshelfError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ENDINGS = (".png", ".svg")

_COUNTS_UP_TO = 25
"""With more classes than this, the counts in the cells could not be read."""

_LONGEST_LABEL = 24
_DOTS_PER_INCH = 150


def plot_confusion(
    confusion: Sequence[Sequence[int]] | NDArray[np.int64],
    labels: Sequence[str],
    target: Path,
    *,
    title: str | None = None,
) -> Path:
    """Draw a confusion matrix (rows true, columns predicted) as `.png` or `.svg`, by the ending.

    A cell's shade is its share of the images that truly have the row's label, by its square root,
    so that few mistakes are still seen. Written whole under another name first; an existing file
    is replaced. Raises UsageError for another ending or a matrix that does not fit the labels,
    PixshelfError if the file cannot be written.
    """
    import numpy as np

    counts = np.asarray(confusion, np.int64)
    check_ending(target)
    if not labels or counts.shape != (len(labels), len(labels)):
        raise UsageError(
            f"the confusion matrix has shape {counts.shape}, which does not fit "
            f"{len(labels)} labels"
        )
    return save_figure(_figure(counts, labels, title), target)


def check_ending(target: Path) -> None:
    """Raises UsageError unless `target` is named as one of the kinds of picture that are drawn."""
    if target.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"'{target.name}' ends in neither {' nor '.join(ENDINGS)}",
            hint=f"Name the picture with one of {', '.join(ENDINGS)}.",
        )


def _figure(counts: NDArray[np.int64], labels: Sequence[str], title: str | None) -> Figure:
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    many = len(labels)
    cell = _cell_inches(many, int(counts.max()))
    names = [plain(label, _LONGEST_LABEL) for label in labels]
    margin = 0.7 + 0.075 * max(map(len, names))
    side = max(2.4, many * cell)
    # A Figure of its own, without pyplot, keeps no global state and needs no display.
    figure = Figure(figsize=(side + margin + 1.1, side + margin + 0.4), layout="constrained")
    axes = figure.add_subplot()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, pad=0.02)
    bar.set_ticks([0, 0.01, 0.1, 0.5, 1], labels=["0 %", "1 %", "10 %", "50 %", "100 %"])
    bar.set_label("share of the row")
    bar.ax.tick_params(labelsize=8)
    _name_axes(axes, names, side / many)
    if many <= _COUNTS_UP_TO:
        _write_counts(axes, counts, shares)
    if title is not None:
        axes.set_title(plain(title, 20 + int(side * 10)), fontsize=11, parse_math=False)
    return figure


def _cell_inches(many: int, highest: int) -> float:
    """The side of a cell: room for the highest count, or for a label's height beside it."""
    if many <= _COUNTS_UP_TO:
        return max(0.36, 0.12 + 0.075 * len(f"{highest:,}"))
    return max(0.11, min(0.3, 14 / many)) if many <= 130 else 14 / many


def _name_axes(axes: Axes, names: Sequence[str], cell: float) -> None:
    """Labels beside the rows and under the columns; every second, third … where they would run
    into each other."""
    size = min(9.0, max(5.5, 60 * cell))
    every = max(1, math.ceil(size / 66 / cell))
    places = range(0, len(names), every)
    shown = [names[at] for at in places]
    upright = max(map(len, shown)) * size / 110 > cell * every
    axes.set_xticks(places, shown, fontsize=size, rotation=90 if upright else 0, parse_math=False)
    axes.set_yticks(places, shown, fontsize=size, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.tick_params(length=0 if every == 1 else 2, pad=3)
    for edge in axes.spines.values():
        edge.set_color("0.7")
    # Hairlines between the cells lead the eye along a row.
    between = [at - 0.5 for at in range(1, len(names))]
    for draw in (axes.vlines, axes.hlines):
        draw(between, -0.5, len(names) - 0.5, color="0.88", linewidth=min(0.8, 2 * cell))


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    for row, column in zip(*counts.nonzero(), strict=True):
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if shares[row, column] > 0.3 else "black",
            fontweight="bold" if row == column else "normal",
        )


def plain(text: str, most: int) -> str:
    """Printable, and at most that long; an ellipsis shows that something was cut off."""
    clean = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def save_figure(figure: Figure, target: Path) -> Path:
    """Write a figure as `.png` or `.svg`, by the ending: whole under another name first, so that an
    existing file is replaced or stays as it was. The same figure gives the same bytes. Raises
    PixshelfError if the file cannot be written."""
    import matplotlib as mpl

    kind = target.suffix.lower()
    # Typed Any: matplotlib names every setting in the type, and versions differ in the names.
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "pixshelf"}
    metadata = {"Date": None} if kind == ".svg" else {"Software": "pixshelf"}
    unfinished = target.with_name(f".{secrets.token_hex(8)}{kind}")
    try:
        # Opened here rather than by tempfile, so that the umask decides who may read it.
        with (
            unfinished.open("xb") as file,
            mpl.rc_context(settings),
            warnings.catch_warnings(),
        ):
            # A letter that the font lacks is drawn as a box; that is no news for stderr.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            figure.savefig(file, format=kind[1:], dpi=_DOTS_PER_INCH, metadata=metadata)
        os.replace(unfinished, target)
    except OSError as error:
        raise PixshelfError(
            f"cannot write '{target}': {error.strerror}",
            hint="Name a file in a folder that exists and may be written to.",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target
