"""A confusion matrix as the app goes through it: counts, shares, what each cell means in words.

Rows are true labels, columns predicted ones. Nothing here draws or reads anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from tui.plain.text import percent, plural, printable, width

Mode = Literal["counts", "rows", "columns"]
MODES: tuple[Mode, ...] = ("counts", "rows", "columns")
CORNERS = {"counts": "true\\pred", "rows": "% of row", "columns": "% of col."}
"""What stands where the heads of rows and columns meet: how the cells are to be read."""

LONGEST_LABEL = 20
MOST_PAIRS = 1_000
TAIL = ("images", "recall")
"""The heads of the two columns after the labels'."""

FOOT = ("answers", "precision")
"""The heads of the two rows below the labels'. Precision and recall are in per cent."""

_SHARE, _COUNT, _CUT, _ROOMY = 3, 4, 6, 5
"""Cells for a share without decimals; for a count, longer ones being told in thousands; for a
label where not all fit; at best, where they do."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts [K][K] with the sums of rows and of columns. `confused` holds the cells off the
    diagonal that are not 0, the highest count first, at most MOST_PAIRS of them."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    confused: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Self:
        """From the counts alone. Takes a tenth of a second for 1,000 labels."""
        from ml.metrics import confused_pairs

        places = {label: at for at, label in enumerate(labels)}
        pairs = confused_pairs(counts, labels, MOST_PAIRS)
        return cls(
            tuple(labels),
            tuple(map(tuple, counts)),
            tuple(map(sum, counts)),
            tuple(map(sum, zip(*counts, strict=True))),
            tuple((places[pair.truth], places[pair.predicted]) for pair in pairs),
        )

    @property
    def size(self) -> int:
        """How many labels there are."""
        return len(self.labels)

    def share(self, row: int, column: int, mode: Mode) -> float:
        """A cell's share of its column in the mode 'columns', else of its row; 0 of nothing."""
        whole = self.columns[column] if mode == "columns" else self.rows[row]
        return self.counts[row][column] / whole if whole else 0.0

    def text(self, row: int, column: int, mode: Mode, cells: int = 4) -> str:
        """What stands in a cell so wide: '·' for none, a count, or a share in per cent."""
        count = self.counts[row][column]
        if not count:
            return "·"
        if mode == "counts":
            return short_count(count, cells)
        return short_percent(self.share(row, column, mode), 1 if cells > _SHARE else 0)

    def recall(self, row: int) -> float | None:
        """The share of a label's images that are recognised; None where it has none."""
        return self.counts[row][row] / self.rows[row] if self.rows[row] else None

    def precision(self, column: int) -> float | None:
        """The share of a label's answers that are right; None where it is never the answer."""
        return self.counts[column][column] / self.columns[column] if self.columns[column] else None

    def sentence(self, row: int, column: int) -> str:
        """What a cell means: '7 images of 9 predicted as 4: 3.1 % of all 9, ...'."""
        truth, answer = (printable(self.labels[at]) for at in (row, column))
        count = self.counts[row][column]
        if not self.rows[row]:
            return f"no image here has the label {truth}"
        if not count:
            return f"no image of {truth} predicted as {answer}"
        of_row = percent(self.share(row, column, "rows"), 1)
        of_column = percent(self.share(row, column, "columns"), 1)
        return (
            f"{plural(count, 'image')} of {truth} predicted as {answer}: "
            f"{of_row} of all {truth}, {of_column} of the answers {answer}"
        )

    def next_pair(self, row: int, column: int, by: int) -> tuple[int, int] | None:
        """The most confused pair after (`by` 1) or before (-1) the cell, in a circle; from any
        other cell the first, or the last. None where nothing is confused."""
        if not self.confused:
            return None
        if (row, column) not in self.confused:
            return self.confused[0 if by > 0 else -1]
        return self.confused[(self.confused.index((row, column)) + by) % len(self.confused)]


@dataclass(frozen=True, slots=True)
class Layout:
    """Widths in cells: of the heads of rows, of a label's column, and of the two columns after
    them (0 for one that is left out); the spaces between them are part of each."""

    head: int
    cell: int
    tail: tuple[int, int]

    def across(self, labels: int) -> int:
        """The width of a matrix of so many labels."""
        return self.head + labels * self.cell + sum(self.tail)

    def column_at(self, x: int) -> int:
        """The column that a place right of the heads of rows lies in; it may be past the last."""
        return x // self.cell


def layout(matrix: Matrix, mode: Mode, room: int) -> Layout:
    """How to lay a matrix out in `room` cells: the heads of columns are cut, and the number of
    images left out, as far as is needed for all else to be seen; where that is not enough, the
    matrix is wider than the room."""
    longest = max(width(printable(label)) for label in matrix.labels)
    corner = max(map(len, (*CORNERS.values(), *FOOT)))
    head = min(max(longest, corner), max(corner, min(LONGEST_LABEL, room // 4))) + 1
    largest = max(map(max, matrix.counts)) if mode == "counts" else 0
    need = max(_SHARE, min(_COUNT, len(str(largest))))
    images = max(len(TAIL[0]), len(f"{max(matrix.rows):,}")) + 1
    recall = len(TAIL[1]) + 2
    tail, wide = (images, recall), max(need, min(longest, _CUT))
    for shown in ((images, recall), (0, recall)):
        fits = (room - head - sum(shown)) // matrix.size - 2
        if fits >= need:
            digits = len(str(max(largest, *matrix.columns)))
            tail, wide = shown, min(fits, max(digits, longest, _ROOMY))
            break
    return Layout(head, wide + 2, tail)


def short_count(count: int, cells: int) -> str:
    """A count in `cells` characters, at least 3, where it is below a thousand million: in
    thousands or millions where it is too long."""
    if len(str(count)) <= cells:
        return str(count)
    return f"{count // 1_000}k" if count < 1_000_000 else f"{count // 1_000_000}M"


def short_percent(share: float, decimals: int = 1) -> str:
    """A share in at most four characters: '3.1', '<0.1', '100'. Only the whole is 100."""
    least, most = (0.1, 99.9) if decimals else (1, 99)
    shown = 100 * share
    if 0 < shown < least / 2:
        return f"<{least}"
    return "100" if share >= 1 else f"{min(shown, most):.{decimals}f}"
