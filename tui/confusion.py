"""A confusion matrix for the terminal: a Rich table that is read without colour as well as with.

Where the classes are too many for the width, the most confused pairs take the matrix's place.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.table import Table
from rich.text import Text

_BLUES = ("#deebf7", "#9ecae1", "#4292c6", "#08519c")
_EDGES = (0.0, 0.02, 0.1, 0.5)
"""A cell takes the last shade whose edge its share of the row is above."""

_CORNER = "true\\pred"
_LONGEST_LABEL = 20


def confusion_table(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], *, width: int = 80, pairs: int = 10
) -> Table:
    """The matrix (rows true, columns predicted) if it fits `width` columns, else the `pairs` most
    confused pairs. Correct answers stand in bold, nothing as a dot; shades follow a cell's share
    of its row."""
    table = _matrix(confusion, labels, width)
    return confused_pairs(confusion, labels, most=pairs) if table is None else table


def confused_pairs(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], *, most: int = 10
) -> Table:
    """The pairs of labels that are taken for each other most often, one way, with the count and
    its share of the true label's images."""
    table = Table(box=None, pad_edge=False, title_justify="left", title="Most confused")
    table.add_column("true", no_wrap=True)
    table.add_column("predicted", no_wrap=True)
    table.add_column("images", justify="right")
    table.add_column("share", justify="right")
    found = [
        (count, row, column)
        for row, counts in enumerate(confusion)
        for column, count in enumerate(counts)
        if count and row != column
    ]
    found.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    for count, row, column in found[:most]:
        share = count / sum(confusion[row])
        names = [Text(_short(labels[at], _LONGEST_LABEL)) for at in (row, column)]
        table.add_row(*names, f"{count:,}", f"{share:.1%}")
    if len(found) > most:
        table.caption = f"and {len(found) - most:,} pairs more"
        table.caption_justify = "left"
    return table


def _matrix(confusion: Sequence[Sequence[int]], labels: Sequence[str], width: int) -> Table | None:
    """The whole matrix, its column heads cut as far as it needs; None where it cannot fit."""
    names = [_short(label, _LONGEST_LABEL) for label in labels]
    first = max(cell_len(name) for name in [*names, _CORNER])
    digits = max(len(str(count)) for counts in confusion for count in counts)
    # Each cell has a space to its left, and one to its right so that a shade has even margins.
    room = (width - first - 1) // len(labels) - 2
    longest = max(map(cell_len, names))
    wide = min(room, max(digits, longest))
    if wide < digits or (wide < 3 and longest > wide):
        return None
    heads = [_short(name, wide) for name in names]
    if len(set(heads)) < len(heads):
        return None
    table = Table(box=None, pad_edge=False, padding=0)
    table.add_column(_CORNER, no_wrap=True, width=first + 1)
    for head in heads:
        table.add_column(Text(f" {head} "), justify="right", no_wrap=True, width=wide + 2)
    for row, (name, counts) in enumerate(zip(names, confusion, strict=True)):
        total = sum(counts)
        cells = [_cell(count, total, wide, column == row) for column, count in enumerate(counts)]
        table.add_row(Text(name), *cells)
    return table


def _cell(count: int, total: int, wide: int, right: bool) -> Text:
    text = f" {count if count else '·':>{wide}} "
    if not count:
        return Text(text, style="dim")
    share = count / total
    at = max(at for at, edge in enumerate(_EDGES) if share > edge)
    ink = "white" if at >= 2 else "black"
    return Text(text, style=Style(color=ink, bgcolor=_BLUES[at], bold=right))


def _short(label: str, most: int) -> str:
    clean = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in label
    )
    return clean if cell_len(clean) <= most else set_cell_size(clean, most - 1).rstrip() + "…"
