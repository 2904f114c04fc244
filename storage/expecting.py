"""Whether rows hold what the schema says: a dataset from another hand may hold anything."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from storage.errors import DatasetError

Row = tuple[Any, ...]

_KINDS: dict[str, tuple[type, ...]] = {
    "i": (int,),
    "r": (float, int),
    "t": (str,),
    "b": (bytes,),
    "?": (object,),
}


def expect(row: Row, kinds: str, what: str) -> None:
    """`kinds` has a letter for each column that is looked at: i(nteger), r(eal, finite), t(ext),
    b(lob), in capitals where NULL will do, or `?` for any. Raises DatasetError for others."""
    for place, (value, kind) in enumerate(zip(row, kinds, strict=False)):
        if value is None and (kind.isupper() or kind == "?"):
            continue
        if not isinstance(value, _KINDS[kind.lower()]):
            raise damaged(f"{what} has {type(value).__name__} in column {place + 1}")
        if isinstance(value, float) and not math.isfinite(value):
            raise damaged(f"{what} has {value} in column {place + 1}")


def expect_rows(rows: Sequence[Row], kinds: str, what: str) -> Sequence[Row]:
    """The rows, when all of them pass `expect`."""
    for row in rows:
        expect(row, kinds, what)
    return rows


def stored_json(text: Any, kind: type, what: str) -> Any:
    """The value of a JSON column. Raises DatasetError where it is none, or none of this kind."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged(f"{what} has a column that is not JSON") from error
    if not isinstance(value, kind):
        raise damaged(f"{what} has {type(value).__name__} for {kind.__name__} in JSON")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON knows")


def damaged(message: str) -> DatasetError:
    """The error to raise for a dataset that holds what no version of pixshelf writes."""
    return DatasetError(
        f"the dataset is damaged: {message}",
        hint="See what else is wrong with 'pixshelf db check', or restore a backup.",
    )
