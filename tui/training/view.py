"""A training while it goes on, as lines for the app: where it stands, how good, and its curves.

Pure: `ml.figures.Figures` in, Content out. Curve and marks are told apart by shape, so that all is
read without colour as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from textual.content import Content

from tui.plain.curve import CURVE, MARK, bounds_of, curve_lines
from tui.plain.text import percent, printable, shorten
from tui.plain.training_lines import PHASES

if TYPE_CHECKING:
    from ml.figures import Figures, Trace
    from tui.plain.curve import Points

GUTTER = 7
"""The cells at the left of a chart that its scale takes."""

LEAST_WIDTH, LEAST_HEIGHT = 24, 3
"""The cells of a chart below which it is left out."""

_WORST = 0.1
"""The share of the worst values, mostly those of the beginning, that the scales leave out."""

_MOST_BAR = 40
_CURVE_STYLE, _MARK_STYLE, _DIM = "$primary", "$accent bold", "dim"


def clock(seconds: float) -> str:
    """'0:42', '12:05', '1:02:03'."""
    whole = max(0, math.ceil(seconds))
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def running_words(figures: Figures, elapsed: float) -> str:
    """The training in a few words, for the status lines. `elapsed` is how many seconds its phase
    has lasted."""
    name = shorten(printable(figures.name), 24)
    if figures.phase != "training" or figures.total_steps is None:
        words = f"training {name}: {figures.phase}" if name else f"training: {figures.phase}"
        if figures.phase_total:
            return f"{words} {figures.phase_done or 0:,}/{figures.phase_total:,}"
        return f"{words}, {clock(elapsed)}"
    parts = [f"training {name}: epoch {max(1, figures.epoch)}/{figures.epochs}"]
    accuracy = figures.train_accuracy if figures.val_accuracy is None else figures.val_accuracy
    if accuracy is not None:
        parts.append(percent(accuracy, 1))
    if figures.seconds_left is not None:
        parts.append(f"{clock(figures.seconds_left)} left")
    return ", ".join(parts)


def headline(figures: Figures, cells: int, elapsed: float) -> Content:
    """How far the training is, in one line of at most `cells` cells."""
    if figures.phase != "training" or figures.total_steps is None:
        words = PHASES[figures.phase]
        if figures.phase_total:
            words += f"  {figures.phase_done or 0:,}/{figures.phase_total:,}"
        return Content.styled(shorten(f"{words}  {clock(elapsed)}", cells), "bold")
    parts = [f"step {figures.step:,}/{figures.total_steps:,}"]
    if figures.images_per_second is not None:
        parts.append(f"{figures.images_per_second:,.0f} images/s")
    if figures.seconds_left is not None:
        parts.append(f"{clock(figures.seconds_left)} left")
    first, rest = f"epoch {max(1, figures.epoch)}/{figures.epochs}", "  ".join(parts)
    room = min(_MOST_BAR, cells - len(first) - len(rest) - 4)
    if room < 6:
        return Content.styled(shorten(f"{first}  {rest}", cells), "bold")
    full = round(room * min(1.0, figures.step / max(1, figures.total_steps)))
    return Content.assemble(
        (f"{first}  ", "bold"),
        ("━" * full, "$primary"),
        ("┄" * (room - full), _DIM),
        (f"  {rest}", "bold"),
    )


def scores(figures: Figures, cells: int) -> Content:
    """Loss and accuracy on both splits, and the best so far, in one line."""
    if figures.train_loss is None:
        return Content("")
    text = f"train loss {figures.train_loss:.4f}  {percent(figures.train_accuracy)}"
    if figures.val_loss is not None:
        text += f"   val loss {figures.val_loss:.4f}  {percent(figures.val_accuracy)}"
    if figures.best_accuracy is not None:
        text += f"   best {percent(figures.best_accuracy)}"
    return Content(shorten(text, cells))


def charts(figures: Figures, cells: int, height: int) -> Content:
    """Loss and accuracy as curves in at most `height` lines: beside each other where there is room
    for both, else the one above the other, else accuracy alone; nothing where neither fits."""
    if figures.train_loss is None and not figures.val_accuracies.points:
        return Content("")
    across = (0.0, float(figures.total_steps or figures.step or 1))
    loss = (figures.train_losses, figures.val_losses)
    accuracy = (figures.train_accuracies, figures.val_accuracies)
    side = (cells - 2) // 2 - GUTTER
    if side >= LEAST_WIDTH:
        if height <= LEAST_HEIGHT:
            return Content("")
        left = _chart("loss", loss, across, side, height - 1)
        right = _chart("accuracy", accuracy, across, side, height - 1)
        padded = [line.pad_right(GUTTER + side + 2 - line.cell_length) for line in left]
        return Content("\n").join(
            Content("").join(pair) for pair in zip(padded, right, strict=True)
        )
    if cells - GUTTER < LEAST_WIDTH or height <= LEAST_HEIGHT:
        return Content("")
    wide = cells - GUTTER
    if height < 2 * (LEAST_HEIGHT + 1):
        return Content("\n").join(_chart("accuracy", accuracy, across, wide, height - 1))
    above = height // 2
    return Content("\n").join(
        [
            *_chart("loss", loss, across, wide, above - 1),
            *_chart("accuracy", accuracy, across, wide, height - above - 1),
        ]
    )


def epochs_chart(values: Sequence[tuple[float, float]], cells: int, height: int) -> Content:
    """The validation accuracy of finished epochs, (epoch, share), as one chart of `height` lines;
    nothing for fewer than two, or where there is no room."""
    if len(values) < 2 or cells - GUTTER < 8 or height < LEAST_HEIGHT:
        return Content("")
    across = (values[0][0], values[-1][0])
    return Content("\n").join(_plotted(values, (), across, cells - GUTTER, height, loss=False))


def _chart(
    title: str,
    traces: tuple[Trace, Trace],
    across: tuple[float, float],
    cells: int,
    height: int,
) -> list[Content]:
    """A chart of `height` lines below its title, with its bounds at the left."""
    train, val = (trace.points for trace in traces)
    head = [(f"{title:>{GUTTER + 1}}  ", _DIM), (CURVE, _CURVE_STYLE), (" train", _DIM)]
    if val:
        head += [("  ", ""), (MARK, _MARK_STYLE), (" val", _DIM)]
    rows = _plotted(train, val, across, cells, height, loss=title == "loss")
    return [Content.assemble(*head), *rows]


def _plotted(
    curve: Points,
    marks: Points,
    across: tuple[float, float],
    cells: int,
    height: int,
    *,
    loss: bool,
) -> list[Content]:
    bounds = (
        bounds_of(curve, marks, highest=_WORST) if loss else bounds_of(curve, marks, lowest=_WORST)
    )
    rows = curve_lines(curve, marks, width=cells, height=height, across=across, bounds=bounds)
    low, high = (f"{each:.3g}" if loss else percent(each, 1).replace(" ", "") for each in bounds)
    scale = [high, *[""] * (height - 2), low] if height > 1 else [high]
    return [
        Content.assemble((f"{edge:>{GUTTER - 1}} ", _DIM), *_coloured(row))
        for edge, row in zip(scale, rows, strict=True)
    ]


def _coloured(row: str) -> list[tuple[str, str]]:
    """A line of a chart as runs of one style each."""
    runs = ((mark, "".join(part)) for mark, part in groupby(row, lambda each: each == MARK))
    return [(part, _MARK_STYLE if mark else _CURVE_STYLE) for mark, part in runs]
