"""A small chart as lines of text: one series as a curve of braille dots, one as marks on it.

Pure: points in, exactly `height` lines of exactly `width` cells out. The two are told apart by
shape, so the chart is read without colour as well as with; `styled` adds the colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich.text import Text

Points = Sequence[tuple[float, float]]
"""(x, y) in ascending x. Points that are infinite or no number are passed over."""

CURVE = "⣀"
"""A piece of the curve, for legends."""

MARK = "o"

_MARK_EVERY = 4
"""Cells of width for each mark."""

_ACROSS, _DOWN = 2, 4
"""The dots of a braille cell."""

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The dot of a braille letter by row and column (Unicode 15, chapter 21.1)."""


def curve_lines(
    curve: Points,
    marks: Points = (),
    *,
    width: int,
    height: int,
    across: tuple[float, float],
    bounds: tuple[float, float],
) -> list[str]:
    """The chart of `curve` and `marks` where x goes from `across[0]` at the left to `across[1]` at
    the right, y from `bounds[0]` at the bottom to `bounds[1]` at the top.

    Points outside are drawn at the edge. Points that share a column of dots are drawn as their
    mean; columns between two points are joined by a straight line. Marks leave room between them
    to see the curve. Raises ValueError for a width or height under 1.
    """
    if width < 1 or height < 1:
        raise ValueError(f"width={width}, height={height}: a chart has at least one cell")
    cells = [[0] * width for _ in range(height)]
    last: int | None = None
    for column, row in _joined(_columns(curve, width * _ACROSS, across), height * _DOWN, bounds):
        # Rows of neighbouring columns are joined, so that a steep curve is still a line.
        start = row if last is None else last + (row > last) - (row < last)
        for each in range(min(start, row), max(start, row) + 1):
            cells[each // _DOWN][column // _ACROSS] |= _BITS[each % _DOWN][column % _ACROSS]
        last = row
    lines = [[chr(0x2800 + bits) if bits else " " for bits in line] for line in cells]
    for x, y in _thinned(marks, -(-width // _MARK_EVERY), across):
        lines[_row(y, height, bounds)][_place(x, width, *across)] = MARK
    return ["".join(line) for line in lines]


def bounds_of(
    *series: Points, lowest: float = 0.0, highest: float = 0.0, least: float = 1e-6
) -> tuple[float, float]:
    """The lowest and the highest y of all the series, at least `least` apart; (0, 1) for none.

    `lowest` and `highest` are the shares of values at either end that do not count, so that a few
    of a beginning do not press all others flat.
    """
    values = sorted(y for points in series for _, y in _finite(points))
    if not values:
        return 0.0, 1.0
    low = values[min(len(values) - 1, int(lowest * len(values)))]
    high = max(low, values[max(0, len(values) - 1 - int(highest * len(values)))])
    room = max(0.0, least - (high - low)) / 2
    return low - room, high + room


def styled(line: str, curve: str = "cyan", mark: str = "bold yellow") -> Text:
    """A line of a chart in colour."""
    text = Text(line, no_wrap=True)
    for at, letter in enumerate(line):
        if letter != " ":
            text.stylize(mark if letter == MARK else curve, at, at + 1)
    return text


def _finite(points: Points) -> Iterable[tuple[float, float]]:
    return (point for point in points if math.isfinite(point[0]) and math.isfinite(point[1]))


def _columns(points: Points, count: int, across: tuple[float, float]) -> list[tuple[int, float]]:
    """(column, mean of the values that fall into it) for each of `count` columns that has any."""
    found: dict[int, list[float]] = {}
    for x, y in _finite(points):
        found.setdefault(_place(x, count, *across), []).append(y)
    return [(column, math.fsum(ys) / len(ys)) for column, ys in sorted(found.items())]


def _thinned(points: Points, count: int, across: tuple[float, float]) -> Points:
    """The mean of the points in each of `count` parts that has any."""
    found: dict[int, list[tuple[float, float]]] = {}
    for x, y in _finite(points):
        found.setdefault(_place(x, count, *across), []).append((x, y))
    return [
        (math.fsum(x for x, _ in part) / len(part), math.fsum(y for _, y in part) / len(part))
        for part in found.values()
    ]


def _joined(
    columns: Sequence[tuple[int, float]], height: int, bounds: tuple[float, float]
) -> Iterable[tuple[int, int]]:
    """(column, row) for every column from the first to the last, straight lines in the gaps."""
    for (left, low), (right, high) in pairwise(columns):
        for column in range(left, right):
            share = (column - left) / (right - left)
            yield column, _row(low + share * (high - low), height, bounds)
    for column, value in columns[-1:]:
        yield column, _row(value, height, bounds)


def _row(value: float, height: int, bounds: tuple[float, float]) -> int:
    """The row from the top, 0 to height - 1."""
    return height - 1 - _place(value, height, *bounds)


def _place(value: float, count: int, low: float, high: float) -> int:
    """Which of `count` equal parts of low..high a value falls into; the nearest one if none."""
    share = (value - low) / (high - low) if high > low else 0.5
    return min(count - 1, max(0, math.floor(share * count)))
