"""Names in the order in which people expect them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage.ordering import natural_key


def test_runs_of_digits_are_compared_as_numbers() -> None:
    names = ["img10", "img9", "10", "9", "b", "A"]
    assert sorted(names, key=natural_key) == ["9", "10", "A", "b", "img9", "img10"]


@given(st.lists(st.text(), max_size=8))
def test_the_order_does_not_depend_on_where_one_begins(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(backwards, key=natural_key) == sorted(names, key=natural_key)
