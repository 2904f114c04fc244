"""Places in an order come back as they were written, and nothing else is one."""

from __future__ import annotations

from typing import Any

import pytest

from storage.cursors import read_cursor, write_cursor
from storage.errors import UsageError
from storage.query import Sort

SORT = Sort("width")


@pytest.mark.parametrize("key", [0, -3, 2**63 - 1, 0.25])
def test_a_place_comes_back(key: float) -> None:
    assert read_cursor(write_cursor(SORT, key, 7), SORT) == (key, 7)


@pytest.mark.parametrize(
    ("key", "image"),
    [(True, 7), (3, True), (None, 7), ("3", 7), ([3], 7), (3, 7.0), (3, 2**63), (3, None)],
)
def test_what_no_order_has_is_no_place(key: Any, image: Any) -> None:
    with pytest.raises(UsageError, match="place to continue from"):
        read_cursor(write_cursor(SORT, key, image), SORT)


def test_a_place_in_another_order_is_none_in_this() -> None:
    with pytest.raises(UsageError, match="another order"):
        read_cursor(write_cursor(Sort("width", descending=True), 3, 7), SORT)
