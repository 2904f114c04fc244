"""From a `Query` to SQL: bound values only, columns from fixed tables, nothing from the text.

Which index leads is not left to SQLite, which keeps no figures about the values: `planning` looks,
and here one way in is left open and every other one closed, with a `+` before the column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from storage.cursors import read_cursor
from storage.looks import MEASURED
from storage.missing import no_predictions
from storage.query import PREDICTION_FIELDS, PREDICTION_SORTS, PREDICTION_STATES, Query, Sort, Term
from storage.records import UNCERTAIN_BELOW
from storage.sqlite.looks import BY_MEDIAN
from storage.sqlite.planning import (
    Condition,
    Plan,
    Probe,
    before,
    plan_answers,
    plan_page,
    plan_whole,
)

_COLUMNS = {
    "id": "{id}",
    "width": "{i}.width",
    "height": "{i}.height",
    "bytes": "{i}.bytes",
    "channels": "{i}.channels",
    "format": "{i}.format",
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
_STATES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "labelled": ("{i}.label_id IS NOT NULL", ()),
    "unlabelled": ("{i}.label_id IS NULL", ()),
    "tagged": ("EXISTS (SELECT 1 FROM image_tag WHERE image_id = {id})", ()),
    "predicted": ("{p}.model_id IS NOT NULL", ()),
    "wrong": ("{p}.wrong = 1", ()),
    "right": ("{p}.wrong = 0", ()),
    "deleted": ("{id} IN (SELECT image_id FROM trash)", ()),
    "uncertain": ("{p}.confidence < ?", (UNCERTAIN_BELOW,)),
    # Looked up for each image: with IN, every page would list all that look so.
    **{
        look: (f"EXISTS (SELECT 1 FROM measure WHERE image_id = {{id}} AND {text})", values)
        for look, (text, values) in MEASURED.items()
    },
    **BY_MEDIAN,
}
_ANSWERED = Term("is", ":", ("predicted",))
_SHOWN = "{id} NOT IN (SELECT image_id FROM trash)"
# Both tables by one index each: the prediction's holds all that a condition can ask of it.
_ANSWER = (
    "prediction AS {p} INDEXED BY prediction_image ON {p}.model_id = ? AND {p}.image_id = {image}"
)

IMAGE_SORTS = frozenset({"width", "height", "bytes"})

LabelIds = Callable[[Sequence[Any]], list[int]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The parts of a SELECT that a query stands for, with the values to bind, in order. `id` is
    the image's id, taken from the table that leads. `open` says that the order leads: then a
    condition on the order's columns may be a way in. `before` is less than every id there is."""

    source: str
    where: str
    parameters: tuple[Any, ...]
    sort: Sort
    id: str
    open: bool = True
    before: int = -1

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
        return f"{self._shut}{self.key} {direction}, {self.id} {direction}"

    def after(self, cursor: str | None) -> tuple[str, tuple[Any, ...]]:
        """The condition and values that continue after a cursor."""
        if cursor is None:
            return self.where, self.parameters
        key, image_id = read_cursor(cursor, self.sort)
        sign = "<" if self.sort.descending else ">"
        if self.sort.key == "id":
            condition = f"({self.where}) AND {self._shut}{self.id} {sign} ?"
            return condition, (*self.parameters, image_id)
        place = f"({self._shut}{self.key}, {self._shut}{self.id}) {sign} (?, ?)"
        return f"({self.where}) AND {place}", (*self.parameters, key, image_id)

    def after_id(self) -> str:
        """The condition that continues, in id order, after an id to be bound last: `before` at
        first. It is for a selection that is `continued`."""
        return f"({self.where}) AND {self._shut}{self.id} > ?"

    @property
    def _shut(self) -> str:
        return "" if self.open else "+"


def compile_query(
    query: Query,
    *,
    model_id: int | None,
    label_ids: LabelIds,
    tag_ids: LabelIds,
    probe: Probe,
    whole: bool = False,
    with_image: bool = False,
    continued: bool = False,
    answers: int | None = None,
) -> Selection:
    """`model_id` is the model whose predictions are meant; `label_ids` and `tag_ids` look names
    up; `probe` looks at the data. A `whole` selection is read to its end, any other a page at a
    time, `continued` from a place in the order that is to be bound. `with_image` asks for `i` in
    the source. With `answers`, a model's id, the source has that model's prediction of each image
    as `a`, images without one are left out, and the order has to be that of the ids. Raises
    NotReady when the query asks for predictions and no model has any."""
    if query.asks_prediction and model_id is None:
        raise no_predictions()
    conditions = [_condition(term, model_id, label_ids, tag_ids) for term in query.terms]
    if not query.asks_trash:
        conditions.insert(0, Condition(_SHOWN, ()))
    if answers is not None:
        answered = _condition(_ANSWERED, answers, label_ids, tag_ids)
        plan = plan_answers(conditions, answered, probe)
        return _assemble_answers(query, plan, conditions, model_id, answers)
    if whole:
        plan = plan_whole(conditions, probe)
    else:
        plan = plan_page(query.sort, conditions, probe, continued=continued)
    by_image = (
        with_image
        or query.sort.key in IMAGE_SORTS
        or any(condition.of_image for condition in conditions)
    )
    return _assemble(
        query, plan, conditions, model_id, whole=whole, by_image=by_image, continued=continued
    )


def _assemble(
    query: Query,
    plan: Plan,
    conditions: Sequence[Condition],
    model_id: int | None,
    *,
    whole: bool,
    by_image: bool,
    continued: bool,
) -> Selection:
    """The SQL of a plan."""
    key = query.sort.key
    needed = query.needs_prediction
    parts: list[str] = []
    values: list[Any] = []
    image = "i.id"
    if not query.asks_prediction:
        source = "image AS i"
    elif plan.driver is None and needed and (whole or key == "id" or key in PREDICTION_SORTS):
        join = "JOIN" if whole else "CROSS JOIN"
        source = "prediction AS p" + (f" {join} image AS i ON i.id = p.image_id" * by_image)
        image = "p.image_id"
        parts.append("p.model_id = ?")
        values.append(model_id)
    else:
        joined = _ANSWER.format(p="p", image="i.id")
        source = f"image AS i {'CROSS' if needed else 'LEFT'} JOIN {joined}"
        values.append(model_id)
    driven = plan.driver is not None
    for condition in conditions:
        ids = condition.ids
        if condition is plan.driver:
            parts.append(f"{image} IN ({ids})")
            values.extend(condition.id_values)
        elif condition in plan.sets:
            parts.append(f"+{image} IN ({ids})")
            values.extend(condition.id_values)
        else:
            bare = condition is plan.lead or (whole and not driven)
            by_id = bare or (key == "id" and not driven and not continued)
            if condition.compares_id:
                by_id = not driven and condition in plan.bounds
            parts.append(condition.sql(image, bare=bare, bare_id=by_id))
            values.extend(condition.values)
    where = " AND ".join(parts) or "1"
    start = before(conditions)
    return Selection(source, where, tuple(values), query.sort, image, not driven, start)


def _assemble_answers(
    query: Query,
    plan: Plan,
    conditions: Sequence[Condition],
    model_id: int | None,
    answers: int,
) -> Selection:
    """The SQL of a plan for a model's answers, which are `a`."""
    driven, walked = plan.driver is not None, plan.driver is None and plan.lead is None
    image = "a.image_id" if walked else "i.id"
    by_image = any(condition.of_image for condition in conditions)
    # Shut: for an open id SQLite would take the place to go on from, and read all that follows.
    same = f"+{image}"
    source = "prediction AS a INDEXED BY prediction_image" if walked else "image AS i"
    values: list[Any] = []
    if walked and by_image:
        source += f" CROSS JOIN image AS i ON i.id = {same}"
    elif not walked:
        source += f" CROSS JOIN {_ANSWER.format(p='a', image=same)}"
        values.append(answers)
    answer = "a"
    if query.asks_prediction and model_id != answers:
        answer = "p"
        join = "CROSS" if query.needs_prediction else "LEFT"
        source += f" {join} JOIN {_ANSWER.format(p='p', image=same)}"
        values.append(model_id)
    parts: list[str] = []
    if walked:
        parts.append("a.model_id = ?")
        values.append(answers)
    for condition in conditions:
        if condition is plan.driver:
            parts.append(f"{image} IN ({condition.ids})")
            values.extend(condition.id_values)
        else:
            bare, by_id = condition is plan.lead, condition in plan.bounds
            parts.append(condition.sql(image, bare=bare, bare_id=by_id, answer=answer))
            values.extend(condition.values)
    where = " AND ".join(parts) or "1"
    start = before(conditions)
    return Selection(source, where, tuple(values), query.sort, image, not driven, start)


def _condition(
    term: Term, model_id: int | None, label_ids: LabelIds, tag_ids: LabelIds
) -> Condition:
    """One word."""
    values = term.values
    match term.field:
        case "label":
            text, bound = _in("{i}.label_id", label_ids(values))
        case "predicted":
            text, bound = _in("{p}.label_id", label_ids(values))
        case "tag":
            inner, bound = _in("tag_id", tag_ids(values))
            text = f"EXISTS (SELECT 1 FROM image_tag WHERE {inner} AND image_id = {{id}})"
        case "split" | "source" | "is":
            text, bound = _any([_ALTERNATIVES[term.field](str(value)) for value in values])
        case _ if term.op == ":":
            text, bound = _in(_COLUMNS[term.field], values)
        case _:
            text, bound = f"{_COLUMNS[term.field]} {term.op} ?", values
    if term.negated:
        return Condition(f"NOT coalesce(({text}), 0)", tuple(bound))
    ids, id_values = _ids(term, text, tuple(bound), model_id)
    equal = len(bound) <= 1 and term.op == ":" and len(values) == 1
    return Condition(f"({text})", tuple(bound), term, ids, id_values, equal=equal)


def _ids(
    term: Term, text: str, bound: tuple[Any, ...], model_id: int | None
) -> tuple[str | None, tuple[Any, ...]]:
    """A SELECT of the ids for which a word holds, where an index gives them."""
    state = str(term.values[0]) if term.field == "is" and len(term.values) == 1 else None
    here = text.format(i="image", p="prediction", id="id")
    if term.field in PREDICTION_FIELDS or state in PREDICTION_STATES:
        return f"SELECT image_id FROM prediction WHERE model_id = ? AND {here}", (model_id, *bound)
    if state in {"tagged", "deleted"}:
        return f"SELECT image_id FROM {'image_tag' if state == 'tagged' else 'trash'}", ()
    if state in MEASURED:
        return f"SELECT image_id FROM measure WHERE {MEASURED[state][0]}", bound
    if term.field == "tag":
        inner = _in("tag_id", bound)[0]
        return f"SELECT image_id FROM image_tag WHERE {inner}", bound
    if term.field in _INDEXED or state == "unlabelled":
        return f"SELECT id FROM image WHERE {here}", bound
    return None, ()


# By the table's own order, or by the indexes that large datasets have.
_INDEXED = frozenset({"id", "label", "split", "width", "height", "bytes", "format"})


def _in(column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    if len(values) == 1:
        return f"{column} = ?", values
    return f"{column} IN ({', '.join('?' * len(values))})", values


def _split(value: str) -> tuple[str, tuple[Any, ...]]:
    return ("{i}.split IS NULL", ()) if value == "none" else ("{i}.split = ?", (value,))


def _source(value: str) -> tuple[str, tuple[Any, ...]]:
    """A pattern where there is a wildcard, otherwise a part of the text."""
    if any(character in value for character in "*?["):
        return "{i}.source GLOB ?", (value,)
    return "instr({i}.source, ?) > 0", (value,)


def _any(parts: Sequence[tuple[str, Sequence[Any]]]) -> tuple[str, Sequence[Any]]:
    condition = " OR ".join(condition for condition, _ in parts)
    return condition, [value for _, values in parts for value in values]


_ALTERNATIVES: dict[str, Callable[[str], tuple[str, tuple[Any, ...]]]] = {
    "split": _split,
    "source": _source,
    "is": _STATES.__getitem__,
}
