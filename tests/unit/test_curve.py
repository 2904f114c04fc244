"""Charts as lines of text, read back dot by dot."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.plain.curve import MARK, Points, bounds_of, curve_lines, styled

ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)
POINTS = st.lists(st.tuples(ANY, ANY), max_size=40)


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """(column, row) of every dot of braille, rows from the top."""
    found = set()
    for down, line in enumerate(lines):
        for across, letter in enumerate(line):
            name = unicodedata.name(letter)
            for dot in name.partition("DOTS-")[2]:
                at = "12345678".index(dot)
                row = at % 3 if at < 6 else 3
                column = at // 3 if at < 6 else at - 6
                found.add((2 * across + column, 4 * down + row))
    return found


def drawn(curve: Points, marks: Points = (), *, width: int = 4, height: int = 2) -> list[str]:
    return curve_lines(
        curve, marks, width=width, height=height, across=(0.0, 8.0), bounds=(0.0, 8.0)
    )


def test_a_straight_line_is_a_diagonal_of_dots() -> None:
    assert dots(drawn([(0, 0), (7.9, 7.9)])) == {(at, 7 - at) for at in range(8)}


def test_a_leap_is_drawn_as_a_vertical_line() -> None:
    assert dots(drawn([(3, 0), (4, 7.9)])) == {(3, 7), *((4, row) for row in range(7))}


def test_a_gap_is_bridged_by_a_straight_line() -> None:
    assert dots(drawn([(0, 4), (7, 4)])) == {(at, 3) for at in range(8)}


def test_one_point_is_one_dot() -> None:
    assert dots(drawn([(8, 8)])) == {(7, 0)}


def test_no_points_are_no_dots() -> None:
    assert drawn([]) == ["    ", "    "]


def test_points_of_one_column_are_drawn_as_their_mean() -> None:
    assert dots(drawn([(0.1, 0), (0.2, 7), (0.3, 2)])) == {(0, 4)}


def test_points_outside_are_drawn_at_the_edge() -> None:
    assert dots(drawn([(-5, 100)])) == {(0, 0)}
    assert dots(drawn([(50, -100)])) == {(7, 7)}


def test_marks_stand_on_the_curve() -> None:
    lines = drawn([(0, 0), (7.9, 7.9)], [(7, 7)])
    assert lines[0][3] == MARK
    assert sum(line.count(MARK) for line in lines) == 1


def test_what_is_no_number_is_passed_over() -> None:
    points = [(0.0, math.nan), (1.0, math.inf), (math.nan, 1.0), (4.0, 4.0)]
    assert drawn(points, points) == drawn([(4, 4)], [(4, 4)])
    assert bounds_of(points) == pytest.approx((4, 4), abs=1e-5)


def test_a_chart_without_a_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="width=0"):
        drawn([], width=0)


def test_the_bounds_are_those_of_all_series_and_never_meet() -> None:
    assert bounds_of([(0, 1), (1, 3)], [(0, -2)]) == (-2, 3)
    low, high = bounds_of([(0, 5.0)])
    assert low < 5 < high
    assert bounds_of([], []) == (0, 1)


def test_a_few_values_at_an_end_can_be_left_out_of_the_bounds() -> None:
    points = [(at, float(value)) for at, value in enumerate([100, *range(19)])]
    assert bounds_of(points, highest=0.1) == (0, 17)
    assert bounds_of(points, lowest=0.1) == (2, 100)
    assert bounds_of(points[:1], highest=0.9, lowest=0.9) == pytest.approx((100, 100))


def test_many_marks_leave_the_curve_to_be_seen() -> None:
    curve = [(at / 10, 4.0) for at in range(80)]
    (line,) = drawn(curve, curve, width=40, height=1)
    assert line.count(MARK) == 10
    assert len(line.replace(MARK, "")) == 30


def test_a_line_in_colour_has_the_same_letters() -> None:
    line = drawn([(0, 0), (7.9, 7.9)], [(7, 7)])[0]
    text = styled(line, curve="red", mark="blue")
    assert text.plain == line
    assert {str(span.style) for span in text.spans} == {"red", "blue"}


@given(POINTS, POINTS, st.integers(1, 50), st.integers(1, 12))
def test_whatever_comes_the_chart_has_its_size(
    curve: Points, marks: Points, width: int, height: int
) -> None:
    lines = curve_lines(
        curve,
        marks,
        width=width,
        height=height,
        across=(0.0, 100.0),
        bounds=bounds_of(curve, marks),
    )
    assert [len(line) for line in lines] == [width] * height
    allowed = {" ", MARK}
    assert all(letter in allowed or 0x2800 < ord(letter) < 0x2900 for letter in "".join(lines))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_every_column_between_the_first_and_the_last_point_has_a_dot(values: list[float]) -> None:
    curve = list(enumerate(values))
    lines = curve_lines(
        curve, width=20, height=4, across=(0, len(values) - 1 or 1), bounds=(0.0, 1.0)
    )
    columns = {column for column, _ in dots(lines)}
    assert columns == set(range(max(columns) + 1))
