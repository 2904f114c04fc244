"""Whole numbers from outside against those that a dataset can hold, which have 64 bits.

A number beyond them is taken for the last one: no id is that large, nothing is counted so far, and
what is compared with it comes out as it would.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_LEAST, _MOST = -(2**63), 2**63 - 1


def bounded(number: int) -> int:
    """The number, or the nearest that a dataset can hold."""
    return min(max(number, _LEAST), _MOST)


def all_bounded(values: Iterable[Any]) -> list[Any]:
    """Values to bind, the whole numbers among them bounded."""
    return [bounded(value) if isinstance(value, int) else value for value in values]
