"""Numbers from outside against those that a dataset can hold.

Whole numbers have 64 bits. One beyond them is taken for the last one: no id is that large, nothing
is counted so far, and what is compared with it comes out as it would. Others are finite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from storage.errors import RefusedInput

_LEAST, _MOST = -(2**63), 2**63 - 1


def bounded(number: int) -> int:
    """The number, or the nearest that a dataset can hold."""
    return min(max(number, _LEAST), _MOST)


def all_bounded(values: Iterable[Any]) -> list[Any]:
    """Values to bind, the whole numbers among them bounded."""
    return [bounded(value) if isinstance(value, int) else value for value in values]


def refuse_infinite(record: Any, what: str) -> None:
    """Raises RefusedInput for a record with a number that is infinite, or none (NaN): what is
    stored must be readable again."""
    for one in fields(record):
        value = getattr(record, one.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise RefusedInput(
                f"{what} has {value} for {one.name}, which is no finite number",
                hint="Nothing was stored.",
            )
