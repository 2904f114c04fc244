"""From a `Query` to SQL for PostgreSQL: bound values only, columns from fixed tables, nothing from
the text.

The server has figures about the values and plans by them, so a query is its conditions, plainly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from storage.cursors import read_cursor
from storage.looks import MEASURED, by_median
from storage.missing import no_predictions
from storage.postgres.globbing import source_matches
from storage.query import Query, Sort, Term
from storage.records import UNCERTAIN_BELOW

Condition = tuple[str, Sequence[Any]]
"""SQL, in which {id} stands for the image's id, and the values to bind in it, in order."""

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


def _marked(text: str) -> str:
    """A condition of `storage.looks` with this library's marks for values."""
    return text.replace("?", "%s")


_STATES: dict[str, Condition] = {
    "labelled": ("i.label_id IS NOT NULL", ()),
    "unlabelled": ("i.label_id IS NULL", ()),
    "tagged": ("EXISTS (SELECT 1 FROM image_tag WHERE image_id = {id})", ()),
    "predicted": ("{p}.model_id IS NOT NULL", ()),
    "wrong": ("{p}.wrong = 1", ()),
    "right": ("{p}.wrong = 0", ()),
    "deleted": ("EXISTS (SELECT 1 FROM trash WHERE image_id = {id})", ()),
    "uncertain": ("{p}.confidence < %s", (UNCERTAIN_BELOW,)),
    **{
        look: (
            f"EXISTS (SELECT 1 FROM measure WHERE image_id = {{id}} AND {_marked(text)})",
            values,
        )
        for look, (text, values) in MEASURED.items()
    },
}
_IMAGE_SORTS = frozenset({"width", "height", "bytes"})
_SHOWN = "NOT EXISTS (SELECT 1 FROM trash WHERE image_id = {id})"

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
        conditions.insert(0, (_SHOWN, ()))
    of_image = with_image or query.sort.key in _IMAGE_SORTS
    by_image = of_image or any("i." in text for text, _ in conditions)
    tables = _tables(query, model_id, by_image=by_image, answers=answers)
    conditions = [*tables.conditions, *conditions]
    where = " AND ".join(text.format(id=tables.id, p=tables.answer) for text, _ in conditions)
    bound = tuple(value for _, values in conditions for value in values)
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
    conditions = ((f"{first}.model_id = %s", (leading,)),)
    return _Tables(source, values, conditions, image, "a" if same else "p")


_ANSWER = "prediction AS p ON p.model_id = %s AND p.image_id = {}"


def _condition(term: Term, lookups: Lookups) -> Condition:
    """One word."""
    values = term.values
    match term.field:
        case "label":
            text, bound = _in("i.label_id", lookups.labels(values))
        case "predicted":
            text, bound = _in("{p}.label_id", lookups.labels(values))
        case "tag":
            inner, bound = _in("tag_id", lookups.tags(values))
            text = f"EXISTS (SELECT 1 FROM image_tag WHERE {inner} AND image_id = {{id}})"
        case "split":
            text, bound = _any([_split(str(value)) for value in values])
        case "source":
            text, bound = _any([source_matches("i.source", str(value)) for value in values])
        case "is":
            text, bound = _any([_state(str(value), lookups) for value in values])
        case _ if term.op == ":":
            text, bound = _in(_COLUMNS[term.field], values)
        case _:
            text, bound = f"{_COLUMNS[term.field]} {term.op} %s", values
    return (f"NOT coalesce(({text}), false)" if term.negated else f"({text})"), bound


def _in(column: str, values: Sequence[Any]) -> Condition:
    if len(values) == 1:
        return f"{column} = %s", values
    return (f"{column} = ANY(%s)", (list(values),)) if values else ("false", ())


def _split(value: str) -> Condition:
    return ("i.split IS NULL", ()) if value == "none" else ("i.split = %s", (value,))


def _state(state: str, lookups: Lookups) -> Condition:
    if state in _STATES:
        return _STATES[state]
    wide, high = lookups.medians()
    text, values = by_median(str(wide), str(high))[state]
    return _marked(text).replace("{i}", "i"), values


def _any(parts: Sequence[Condition]) -> Condition:
    condition = " OR ".join(condition for condition, _ in parts)
    return condition, [value for _, values in parts for value in values]
