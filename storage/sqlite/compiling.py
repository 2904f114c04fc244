"""From a `Query` to SQL: bound values only, columns from fixed tables, nothing from the text."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from storage.errors import NotReady, UsageError
from storage.query import PREDICTION_SORTS, Query, Sort, Term
from storage.records import UNCERTAIN_BELOW

_COLUMNS = {
    "id": "i.id",
    "width": "i.width",
    "height": "i.height",
    "bytes": "i.bytes",
    "channels": "i.channels",
    "format": "i.format",
    "conf": "p.confidence",
    "margin": "p.margin",
}
_SORT_COLUMNS = {
    "id": "i.id",
    "width": "i.width",
    "height": "i.height",
    "bytes": "i.bytes",
    "confidence": "p.confidence",
    "margin": "p.margin",
}
_STATES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "labelled": ("i.label_id IS NOT NULL", ()),
    "unlabelled": ("i.label_id IS NULL", ()),
    "tagged": ("EXISTS (SELECT 1 FROM image_tag WHERE image_id = i.id)", ()),
    "predicted": ("p.id IS NOT NULL", ()),
    "wrong": ("p.wrong = 1", ()),
    "right": ("p.wrong = 0", ()),
    "uncertain": ("p.confidence < ?", (UNCERTAIN_BELOW,)),
}

LabelIds = Callable[[Sequence[Any]], list[int]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The parts of a SELECT that a query stands for, with the values to bind, in order."""

    source: str
    where: str
    parameters: tuple[Any, ...]
    sort: Sort

    @property
    def key(self) -> str:
        """The column that the order goes by."""
        return _SORT_COLUMNS[self.sort.key]

    @property
    def id(self) -> str:
        """The image's id, taken from the table whose index gives the order."""
        return "p.image_id" if self.sort.key in PREDICTION_SORTS else "i.id"

    @property
    def order(self) -> str:
        """The ORDER BY list: the key, then the id, in one direction."""
        direction = "DESC" if self.sort.descending else "ASC"
        if self.sort.key == "id":
            return f"i.id {direction}"
        return f"{self.key} {direction}, {self.id} {direction}"

    def after(self, cursor: str | None) -> tuple[str, tuple[Any, ...]]:
        """The condition and values that continue after a cursor."""
        if cursor is None:
            return self.where, self.parameters
        key, image_id = read_cursor(cursor, self.sort)
        sign = "<" if self.sort.descending else ">"
        if self.sort.key == "id":
            return f"({self.where}) AND i.id {sign} ?", (*self.parameters, image_id)
        condition = f"({self.where}) AND ({self.key}, {self.id}) {sign} (?, ?)"
        return condition, (*self.parameters, key, image_id)


def compile_query(
    query: Query, *, model_id: int | None, label_ids: LabelIds, tag_ids: LabelIds
) -> Selection:
    """`model_id` is the model whose predictions are meant; `label_ids` and `tag_ids` look names
    up. Raises NotReady when the query asks for predictions and no model has any."""
    source, parameters, conditions = "image AS i", [], []
    if query.asks_prediction:
        if model_id is None:
            raise NotReady(
                "the query asks for predictions, and no model has made any yet",
                hint="'pixshelf eval' and 'pixshelf predict --save' store predictions.",
            )
        by_prediction = query.sort.key in PREDICTION_SORTS
        if by_prediction:
            # CROSS JOIN keeps SQLite from reading the tables the other way round, and sorting.
            source = "prediction AS p CROSS JOIN image AS i ON i.id = p.image_id"
            conditions.append("p.model_id = ?")
        else:
            needed = any(t.asks_prediction and not t.negated for t in query.terms)
            join = "JOIN" if needed else "LEFT JOIN"
            source = f"image AS i {join} prediction AS p ON p.image_id = i.id AND p.model_id = ?"
        parameters.append(model_id)
    for term in query.terms:
        condition, values = _condition(term, label_ids, tag_ids)
        conditions.append(f"NOT coalesce(({condition}), 0)" if term.negated else f"({condition})")
        parameters.extend(values)
    return Selection(source, " AND ".join(conditions) or "1", tuple(parameters), query.sort)


def write_cursor(sort: Sort, key: Any, image_id: int) -> str:
    """A text that names a place in an order, safe in a shell and a URL."""
    raw = json.dumps([str(sort), key, image_id], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str, sort: Sort) -> tuple[int | float, int]:
    """The place that `write_cursor` named. Raises UsageError for anything else."""
    try:
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        order, key, image_id = json.loads(raw)
    except (ValueError, binascii.Error, TypeError, RecursionError) as error:
        raise UsageError(
            f"'{cursor[:40]}' is not a place to continue from",
            hint="Use what the page before gave as the place that it ends at.",
        ) from error
    plain = isinstance(key, int | float) and isinstance(image_id, int)
    if order != str(sort) or not plain or not -(2**63) <= image_id < 2**63:
        raise UsageError(
            f"the place to continue from belongs to another order than 'sort:{sort}'",
            hint="Use the same query as for the page before.",
        )
    return (key if isinstance(key, float) else max(min(key, 2**63 - 1), -(2**63))), image_id


def _condition(term: Term, label_ids: LabelIds, tag_ids: LabelIds) -> tuple[str, Sequence[Any]]:
    """One term, as if it were not negated."""
    values = term.values
    match term.field:
        case "label":
            return _in("i.label_id", label_ids(values))
        case "predicted":
            return _in("p.label_id", label_ids(values))
        case "tag":
            condition, bound = _in("tag_id", tag_ids(values))
            return f"i.id IN (SELECT image_id FROM image_tag WHERE {condition})", bound
        case "split" | "source" | "is":
            return _any([_ALTERNATIVES[term.field](str(value)) for value in values])
        case _ if term.op == ":":
            return _in(_COLUMNS[term.field], values)
        case _:
            return f"{_COLUMNS[term.field]} {term.op} ?", values


def _in(column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    if len(values) == 1:
        return f"{column} = ?", values
    return f"{column} IN ({', '.join('?' * len(values))})", values


def _split(value: str) -> tuple[str, tuple[Any, ...]]:
    return ("i.split IS NULL", ()) if value == "none" else ("i.split = ?", (value,))


def _source(value: str) -> tuple[str, tuple[Any, ...]]:
    """A pattern where there is a wildcard, otherwise a part of the text."""
    if any(character in value for character in "*?["):
        return "i.source GLOB ?", (value,)
    return "instr(i.source, ?) > 0", (value,)


def _any(parts: Sequence[tuple[str, Sequence[Any]]]) -> tuple[str, Sequence[Any]]:
    condition = " OR ".join(condition for condition, _ in parts)
    return condition, [value for _, values in parts for value in values]


_ALTERNATIVES: dict[str, Callable[[str], tuple[str, tuple[Any, ...]]]] = {
    "split": _split,
    "source": _source,
    "is": _STATES.__getitem__,
}
