"""From a `Query` to SQL for PostgreSQL: bound values only, columns from fixed tables, nothing from
the text.

The server has figures about the values and plans by them, so a query is its conditions, plainly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from storage.cursors import read_cursor
from storage.looks import MEASURED, by_median
from storage.missing import no_predictions
from storage.postgres.globbing import source_matches
from storage.query import Query, Sort, Term
from storage.records import UNCERTAIN_BELOW

_COLUMNS = {
    "id": "{id}",
    "width": "i.width",
    "height": "i.height",
    "bytes": "i.bytes",
    "channels": "i.channels",
    "format": "i.format",
    "conf": "{p}.confidence",
    "margin": "{p}.margin",
}
_SORT_COLUMNS = {
    "width": "i.width",
    "height": "i.height",
    "bytes": "i.bytes",
    "confidence": "p.confidence",
    "margin": "p.margin",
}


class Condition(NamedTuple):
    """SQL, in which {id} stands for the image's id and {p} for the prediction, and the values to
    bind in it, in order. `sure` says that it is never NULL."""

    text: str
    values: Sequence[Any] = ()
    sure: bool = False


_STATES: dict[str, Condition] = {
    "labelled": Condition("i.label_id IS NOT NULL", sure=True),
    "unlabelled": Condition("i.label_id IS NULL", sure=True),
    "tagged": Condition("EXISTS (SELECT 1 FROM image_tag WHERE image_id = {id})", sure=True),
    "predicted": Condition("{p}.model_id IS NOT NULL", sure=True),
    "wrong": Condition("{p}.wrong = 1"),
    "right": Condition("{p}.wrong = 0"),
    "deleted": Condition("EXISTS (SELECT 1 FROM trash WHERE image_id = {id})", sure=True),
    "uncertain": Condition("{p}.confidence < %s", (UNCERTAIN_BELOW,)),
}
_IMAGE_SORTS = frozenset({"width", "height", "bytes"})
_SHOWN = Condition("NOT EXISTS (SELECT 1 FROM trash WHERE image_id = {id})", sure=True)

Ids = Callable[[Sequence[Any]], list[int]]
Medians = Callable[[], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The parts of a SELECT that a query stands for, with the values to bind, in order. `id` is
    the column of the image's id."""

    source: str
    where: str
    parameters: tuple[Any, ...]
    sort: Sort
    id: str

    @property
    def key(self) -> str:
        """The column that the order goes by."""
        return _SORT_COLUMNS.get(self.sort.key, self.id)

    @property
    def order(self) -> str:
        """The ORDER BY list: the key, then the id, in one direction."""
        direction = "DESC" if self.sort.descending else "ASC"
        if self.sort.key == "id":
            return f"{self.id} {direction}"
        return f"{self.key} {direction}, {self.id} {direction}"

    def after(self, cursor: str | None) -> tuple[str, tuple[Any, ...]]:
        """The condition and values that continue after a cursor. Raises UsageError for a text that
        is no place in this order."""
        if cursor is None:
            return self.where, self.parameters
        key, image_id = read_cursor(cursor, self.sort)
        sign = "<" if self.sort.descending else ">"
        if self.sort.key == "id":
            return f"{self.where} AND {self.id} {sign} %s", (*self.parameters, image_id)
        place = f"({self.key}, {self.id}) {sign} (%s, %s)"
        return f"{self.where} AND {place}", (*self.parameters, key, image_id)

    def after_id(self) -> str:
        """The condition that continues, in id order, after an id to be bound last: 0 at first."""
        return f"{self.where} AND {self.id} > %s"


@dataclass(frozen=True, slots=True)
class Lookups:
    """What a query asks of the dataset before it is SQL: the ids of those labels and tags that are
    there, and the median width and height of the images that are not in the trash."""

    labels: Ids
    tags: Ids
    medians: Medians


def compile_query(
    query: Query,
    *,
    model_id: int | None,
    lookups: Lookups,
    with_image: bool = False,
    answers: int | None = None,
) -> Selection:
    """`model_id` is the model whose predictions are meant. `with_image` asks for `i` in the source.
    With `answers`, a model's id, the source has that model's prediction of each image as `a`,
    images without one are left out, and the order has to be that of the ids. Raises NotReady when
    the query asks for predictions and no model has any."""
    if query.asks_prediction and model_id is None:
        raise no_predictions()
    conditions = [_condition(term, lookups) for term in query.terms]
    if not query.asks_trash:
        conditions.insert(0, _SHOWN)
    of_image = with_image or query.sort.key in _IMAGE_SORTS
    by_image = of_image or any("i." in condition.text for condition in conditions)
    tables = _tables(query, model_id, by_image=by_image, answers=answers)
    conditions = [*tables.conditions, *conditions]
    where = " AND ".join(one.text.format(id=tables.id, p=tables.answer) for one in conditions)
    bound = tuple(value for one in conditions for value in one.values)
    return Selection(
        tables.source, where or "true", (*tables.values, *bound), query.sort, tables.id
    )


@dataclass(frozen=True, slots=True)
class _Tables:
    """What a query reads: tables joined, with the values to bind in that, the conditions on the
    first of them, the column of the image's id, and the prediction that the words are about."""

    source: str
    values: tuple[Any, ...]
    conditions: tuple[Condition, ...]
    id: str
    answer: str = "p"


def _tables(query: Query, model_id: int | None, *, by_image: bool, answers: int | None) -> _Tables:
    same = answers is not None and model_id == answers
    if answers is None and not query.asks_prediction:
        return _Tables("image AS i", (), (), "i.id")
    if answers is None and not query.needs_prediction:
        return _Tables(f"image AS i LEFT JOIN {_ANSWER.format('i.id')}", (model_id,), (), "i.id")
    first, leading = ("p", model_id) if answers is None else ("a", answers)
    source = f"prediction AS {first}"
    image = f"{first}.image_id"
    if by_image:
        source += f" JOIN image AS i ON i.id = {image}"
    values: tuple[Any, ...] = ()
    if first == "a" and query.asks_prediction and not same:
        join = "JOIN" if query.needs_prediction else "LEFT JOIN"
        source += f" {join} {_ANSWER.format(image)}"
        values = (model_id,)
    if query.sort.key in _IMAGE_SORTS:
        # The order's column and the id are in one index.
        image = "i.id"
    conditions = (Condition(f"{first}.model_id = %s", (leading,)),)
    return _Tables(source, values, conditions, image, "a" if same else "p")


_ANSWER = "prediction AS p ON p.model_id = %s AND p.image_id = {}"


def _condition(term: Term, lookups: Lookups) -> Condition:
    """One word."""
    condition = _asked(term, lookups)
    text = condition.text
    if not term.negated:
        return Condition(f"({text})", condition.values)
    # NOT EXISTS can be planned as a join, which IS NOT TRUE cannot.
    return Condition(
        f"NOT ({text})" if condition.sure else f"({text}) IS NOT TRUE", condition.values
    )


def _asked(term: Term, lookups: Lookups) -> Condition:
    """One word without its `-`."""
    values = term.values
    match term.field:
        case "label":
            asked = _in("i.label_id", lookups.labels(values))
        case "predicted":
            asked = _in("{p}.label_id", lookups.labels(values))
        case "tag":
            tags, bound, _ = _in("tag_id", lookups.tags(values))
            text = f"EXISTS (SELECT 1 FROM image_tag WHERE {tags} AND image_id = {{id}})"
            asked = Condition(text, bound, sure=True)
        case "split":
            asked = _any([_split(str(value)) for value in values])
        case "source":
            found = [source_matches("i.source", str(value)) for value in values]
            asked = _any([Condition(text, bound, sure=True) for text, bound in found])
        case "is":
            asked = _states([str(value) for value in values], lookups)
        case _ if term.op == ":":
            asked = _in(_COLUMNS[term.field], values)
        case _:
            asked = Condition(f"{_COLUMNS[term.field]} {term.op} %s", values)
    return asked


def _in(column: str, values: Sequence[Any]) -> Condition:
    if len(values) == 1:
        return Condition(f"{column} = %s", values)
    return Condition(f"{column} = ANY(%s)", (list(values),)) if values else _NONE


_NONE = Condition("false", sure=True)


def _split(value: str) -> Condition:
    if value == "none":
        return Condition("i.split IS NULL", sure=True)
    return Condition("i.split = %s", (value,))


def _states(states: Sequence[str], lookups: Lookups) -> Condition:
    parts = [_STATES[state] for state in states if state in _STATES]
    measured = [Condition(*_looks(MEASURED[state])) for state in states if state in MEASURED]
    if measured:
        text, bound, _ = _any(measured)
        text = f"EXISTS (SELECT 1 FROM measure WHERE image_id = {{id}} AND ({text}))"
        parts.append(Condition(text, bound, sure=True))
    odd = [state for state in states if state not in _STATES and state not in MEASURED]
    if odd:
        wide, high = lookups.medians()
        by = by_median(str(wide), str(high))
        parts += [Condition(*_looks(by[state]), sure=True) for state in odd]
    return _any(parts)


def _looks(condition: tuple[str, tuple[Any, ...]]) -> tuple[str, tuple[Any, ...]]:
    """A condition of `storage.looks` with this library's marks for values."""
    text, values = condition
    return text.replace("?", "%s").replace("{i}", "i"), values


def _any(parts: Sequence[Condition]) -> Condition:
    text = " OR ".join(f"({part.text})" if " OR " in part.text else part.text for part in parts)
    values = [value for part in parts for value in part.values]
    return Condition(text, values, sure=all(part.sure for part in parts))
