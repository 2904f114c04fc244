"""A confusion matrix for the terminal: a Rich table that is read without colour as well as with.

Where the labels are too many for the width there is none; the most confused pairs are in a table
of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ml.metrics import Pair
from tui.plain.shades import shade

_CORNER = "true\\pred"
_LONGEST_LABEL = 20


def pairs_table(pairs: Sequence[Pair], *, most: int = 10) -> Table:
    """The first `most` of the pairs of labels that are taken for each other, one way, with the
    count and its share of the true label's images; how many more there are stands below."""
    table = Table(box=None, pad_edge=False, title_justify="left", title="Most confused")
    table.add_column("true", no_wrap=True)
    table.add_column("predicted", no_wrap=True)
    table.add_column("images", justify="right")
    table.add_column("share", justify="right")
    for pair in pairs[:most]:
        names = [Text(_short(label, _LONGEST_LABEL)) for label in (pair.truth, pair.predicted)]
        table.add_row(*names, f"{pair.images:,}", f"{pair.share:.1%}")
    if len(pairs) > most:
        table.caption = f"and {len(pairs) - most:,} pairs more"
        table.caption_justify = "left"
    return table


def matrix_table(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], *, width: int = 80
) -> Table | None:
    """The matrix (rows true, columns predicted), its column heads cut as far as `width` columns
    need; None where it cannot fit. Correct answers stand in bold, nothing as a dot; shades follow
    a cell's share of its row."""
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
    found = shade(count / total) if count else None
    if found is None:
        return Text(text, style="dim")
    return Text(text, style=Style(color=found.ink, bgcolor=found.paper, bold=right))


def _short(label: str, most: int) -> str:
    clean = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in label
    )
    return clean if cell_len(clean) <= most else set_cell_size(clean, most - 1).rstrip() + "…"
