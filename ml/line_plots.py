"""Reliability diagrams and learning curves as picture files, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ml.curves import Curve
from ml.metrics import Bin
from ml.plots import check_ending, plain, save_figure
from storage.errors import NotReady

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BLUE, _ORANGE, _GREY = "#1f6fb4", "#b8560b", "0.45"


def plot_reliability(
    bins: Sequence[Bin],
    target: Path,
    *,
    before: Sequence[Bin] | None = None,
    title: str | None = None,
) -> Path:
    """Draw accuracy over confidence as `.png` or `.svg`, with the images of each bin below;
    `before` is the same without temperature scaling, drawn dashed.

    An existing file is replaced. Raises UsageError for another ending, NotReady without bins,
    PixshelfError if the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    check_ending(target)
    if not bins:
        raise NotReady("there are no images to draw a reliability diagram of")
    figure = Figure(figsize=(4.6, 5.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    above.plot([0, 1], [0, 1], color=_GREY, linewidth=1, label="perfect")
    if before is not None:
        _draw_bins(above, before, _ORANGE, "--", "before temperature scaling")
    _draw_bins(above, bins, _BLUE, "-", "as it predicts")
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    above.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    above.legend(fontsize=8, frameon=False, loc="upper left")
    left, wide = [each.low for each in bins], [each.high - each.low for each in bins]
    counts = [each.images for each in bins]
    below.bar(left, counts, wide, align="edge", color=_BLUE, edgecolor="white", linewidth=0.6)
    below.set(xlabel="confidence", ylabel="images")
    below.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    for axes in (above, below):
        _lighten(axes)
    if title is not None:
        figure.suptitle(plain(title, 50), fontsize=11, parse_math=False)
    return save_figure(figure, target)


def plot_curves(curves: Sequence[Curve], target: Path, *, title: str | None = None) -> Path:
    """Draw loss and accuracy over the epochs as `.png` or `.svg`, train dashed, val drawn through,
    each network of an ensemble a line of its own.

    An existing file is replaced. Raises UsageError for another ending, NotReady without curves,
    PixshelfError if the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    check_ending(target)
    if not curves:
        raise NotReady("there are no epochs to draw learning curves of")
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    for axes, what in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for curve in curves:
            if curve.what == what:
                _draw_curve(axes, curve)
        axes.set(xlabel="epoch", ylabel=what)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _lighten(axes)
        axes.legend(fontsize=8, frameon=False)
        if what == "loss":
            axes.set_ylim(bottom=0)
        else:
            axes.set_ylim(top=1.01)
            axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    if title is not None:
        figure.suptitle(plain(title, 90), fontsize=11, parse_math=False)
    return save_figure(figure, target)


def _draw_bins(axes: Axes, bins: Sequence[Bin], colour: str, dashes: str, name: str) -> None:
    across = [each.confidence for each in bins]
    down = [each.accuracy for each in bins]
    axes.plot(across, down, dashes, color=colour, linewidth=1.6, marker="o", ms=4, label=name)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    train = curve.part == "train"
    across, down = zip(*curve.points, strict=True)
    axes.plot(
        across,
        down,
        "--" if train else "-",
        color=_ORANGE if train else _BLUE,
        linewidth=1.6,
        marker="o" if len(across) == 1 else None,
        # One entry in the legend, however many networks there are.
        label=curve.part if curve.member == 0 else None,
    )


def _lighten(axes: Axes) -> None:
    axes.grid(color="0.9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, length=0)
    for name, edge in axes.spines.items():
        edge.set_visible(name in ("left", "bottom"))
        edge.set_color("0.7")
