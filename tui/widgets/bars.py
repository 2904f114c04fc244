"""Probabilities as bars: pure functions from (label, share) pairs to Content of a given width.

A bar's length and its figure say the same, so that nothing hangs on colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from textual.content import Content

from tui.plain.text import printable, shorten
from tui.plain.text import width as width_of

_EIGHTHS = " ▏▎▍▌▋▊▉"
_FIGURE = 7
"""Columns of the figure at the right, with the space before it: ' 98.6 %'."""
_LEAST_BAR = 4
_LEAST_LABEL = 3
_TRUTH = "•"


def bars(rows: Sequence[tuple[str, float]], width: int, *, truth: str | None = None) -> Content:
    """One line for each (label, probability), in the order given and each of `width` columns at
    most: the label, a bar, and the figure. The row of `truth` has a dot before its label and is
    bold. Labels may hold anything. A share outside 0 to 1, or none at all, is drawn as the nearer
    of the two and told as it is. Where there is too little room the bar goes first, then the
    figure."""
    labels = [printable(label) for label, _ in rows]
    column = _label_column(labels, width, marked=truth is not None)
    lines = []
    for (label, share), shown in zip(rows, labels, strict=True):
        is_truth = truth is not None and label == truth
        lines.append(
            _line(_marked(shown, truth, is_truth), share, column, width, is_truth=is_truth)
        )
    return Content("\n").join(lines)


def bar(share: float, width: int) -> str:
    """A bar of `width` columns, filled from the left by `share` of 1, to an eighth of a column;
    something is seen of any share above 0."""
    eighths = round(8 * width * _bounded(share))
    if not eighths and share > 0 and width > 0:
        eighths = 1
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def figure(share: float) -> str:
    """A share in at most six columns: '98.6 %', '100 %', '<0.1 %'. Nothing below 1 is told as
    100 %, and nothing above 0 as none."""
    if isnan(share):
        return "?"
    if 0 < share < 0.001:
        return "<0.1 %"
    if share >= 1:
        return "100 %"
    return f"{min(99.9, 100 * share):.1f} %"


def _bounded(share: float) -> float:
    return min(1.0, share) if share > 0 else 0.0


def _label_column(labels: Sequence[str], width: int, *, marked: bool) -> int:
    """How wide the labels' column is: what they need, as far as bar and figure keep some room."""
    wanted = max(map(width_of, labels), default=0) + 2 * marked
    beside = width - _FIGURE
    if beside < _LEAST_LABEL:
        return max(1, min(wanted, width))
    if beside < _LEAST_LABEL + 1 + _LEAST_BAR:
        return min(wanted, beside)
    return min(wanted, max(beside // 2, beside - 25))


def _marked(label: str, truth: str | None, is_truth: bool) -> str:
    if truth is None:
        return label
    return f"{_TRUTH if is_truth else ' '} {label}"


def _line(label: str, share: float, column: int, width: int, *, is_truth: bool) -> Content:
    length = width - column - 1 - _FIGURE
    shown = shorten(label, column)
    parts: list[Content] = [
        Content.styled(shown + " " * (column - width_of(shown)), "bold" if is_truth else "")
    ]
    if length >= _LEAST_BAR:
        parts += [Content(" "), Content.styled(bar(share, length), "$primary on $panel")]
    if column + _FIGURE <= width:
        parts.append(Content(figure(share).rjust(_FIGURE)))
    return Content("").join(parts)
