"""A reliability diagram for the terminal: a bar of accuracy for each band of confidence.

Read without colour as well as with: where the bar ends before the mark, the model is too sure.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ml.metrics import Bin

BAR = 32
MARK = "│"


def reliability_table(
    bins: Sequence[Bin],
    *,
    bar: int = BAR,
    ink: str = "blue",
    mark: str = "bold white on blue",
) -> Table:
    """A row for each bin: its confidence, images, mean confidence, the share that is right, and
    that share as a bar of `bar` cells in which MARK stands at the mean confidence. `ink` is the
    style of the bar, `mark` that of the mark on it."""
    table = Table(box=None, pad_edge=False, title_justify="left", title="Reliability")
    table.add_column("confidence", no_wrap=True)
    table.add_column("images", justify="right")
    table.add_column("mean", justify="right")
    table.add_column("right", justify="right")
    table.add_column(f"bar: right, {MARK}: mean confidence", no_wrap=True)
    for each in bins:
        table.add_row(
            f"{100 * each.low:.0f} to {100 * each.high:.0f} %",
            f"{each.images:,}",
            f"{each.confidence:.1%}",
            f"{each.accuracy:.1%}",
            _bar(each, bar, ink, mark),
        )
    return table


def _bar(each: Bin, cells: int, ink: str, mark: str) -> Text:
    filled = round(each.accuracy * cells)
    at = min(cells - 1, int(each.confidence * cells))
    letters = ["█"] * filled + ["·"] * (cells - filled)
    letters[at] = MARK
    text = Text("".join(letters), no_wrap=True)
    text.stylize(ink, 0, filled)
    text.stylize("dim", filled)
    # On the bar it is drawn on the bar's colour, so that it is seen there as well as beside it.
    text.stylize(mark if at < filled else "not dim bold", at, at + 1)
    return text
