"""The reliability diagram in the terminal: bars of accuracy with a mark at the mean confidence."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ml.metrics import Bin
from tui.plain.reliability import BAR, MARK, reliability_table


def shown(*bins: Bin) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=100, highlight=False).print(reliability_table(bins))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_row_has_the_bins_figures_and_its_bar() -> None:
    lines = shown(Bin(0.5, 0.75, 1200, 0.625, 0.5))
    assert lines[0] == "Reliability"
    bar = "█" * 16 + "·" * 4 + MARK + "·" * 11
    assert lines[2].split() == ["50", "to", "75", "%", "1,200", "62.5%", "50.0%", bar]


@pytest.mark.parametrize(("confidence", "accuracy"), [(1.0, 1.0), (0.01, 0.0), (1.0, 0.0)])
def test_the_ends_of_the_scale_are_on_the_bar(confidence: float, accuracy: float) -> None:
    bar = shown(Bin(0.0, 1.0, 1, confidence, accuracy))[-1].split()[-1]
    assert len(bar) == BAR
    assert bar.count(MARK) == 1


@settings(deadline=None)
@given(st.floats(0.001, 1), st.floats(0, 1))
def test_a_bar_is_as_long_as_the_share_that_is_right(confidence: float, accuracy: float) -> None:
    bar = shown(Bin(0.0, 1.0, 1, confidence, accuracy))[-1].split()[-1]
    assert abs(bar.count("█") - accuracy * BAR) <= 1.5
