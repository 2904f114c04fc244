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


def reliability_table(bins: Sequence[Bin], *, bar: int = BAR) -> Table:
    """A row for each bin: its confidence, images, mean confidence, the share that is right, and
    that share as a bar of `bar` cells in which MARK stands at the mean confidence."""
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
            _bar(each, bar),
        )
    return table


def _bar(each: Bin, cells: int) -> Text:
    filled = round(each.accuracy * cells)
    mark = min(cells - 1, int(each.confidence * cells))
    letters = ["█"] * filled + ["·"] * (cells - filled)
    letters[mark] = MARK
    text = Text("".join(letters), no_wrap=True)
    text.stylize("blue", 0, filled)
    text.stylize("dim", filled)
    # On the bar it is drawn on the bar's colour, so that it is seen there as well as beside it.
    text.stylize("bold white on blue" if mark < filled else "not dim bold", mark, mark + 1)
    return text
