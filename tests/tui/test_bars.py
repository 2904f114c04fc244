"""Bars: within their width, in step with their figures, and harmless whatever the labels hold."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui.widgets.bars import bar, bars, figure

ROWS = [("cat", 0.973), ("dog", 0.0261), ("大きい猫", 0.0009), ("z" * 50, 0.0)]


@pytest.mark.parametrize("width", [1, 2, 6, 10, 13, 14, 15, 24, 40, 120])
def test_no_line_is_wider_than_asked(width: int) -> None:
    lines = bars(ROWS, width, truth="dog").plain.split("\n")
    assert len(lines) == len(ROWS)
    assert all(cell_len(line) <= width for line in lines)


def test_bars_begin_in_one_column_whatever_the_labels() -> None:
    lines = bars(ROWS, 40).plain.split("\n")
    assert {cell_len(line.split("%")[0]) for line in lines} == {39}


def test_the_truth_is_marked_without_colour() -> None:
    lines = bars(ROWS, 40, truth="dog").plain.split("\n")
    assert [line.startswith("•") for line in lines] == [False, True, False, False]


def test_a_label_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in bars([("a\x1b[2Jb\n[red]", 0.5)], 40).plain
    assert "[red]" in bars([("a[red]", 0.5)], 40).plain


@pytest.mark.parametrize(
    ("share", "filled"), [(0.0, 0), (0.5, 5), (1.0, 10), (2.0, 10), (-1.0, 0), (float("nan"), 0)]
)
def test_a_bar_is_as_long_as_its_share(share: float, filled: int) -> None:
    drawn = bar(share, 10)
    assert (len(drawn), drawn.count("█")) == (10, filled)


def test_a_bar_of_little_is_seen() -> None:
    assert bar(1e-9, 10).strip() != ""


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0 %"),
        (0.0001, "<0.1 %"),
        (0.5, "50.0 %"),
        (0.99999, "99.9 %"),
        (1.0, "100 %"),
        (float("nan"), "?"),
    ],
)
def test_a_figure_is_never_rounded_to_certainty(share: float, text: str) -> None:
    assert figure(share) == text
