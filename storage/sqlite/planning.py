"""Which way into the data a query takes, chosen by looking at how many images each word leaves.

A page comes from walking its order until enough images are found, or from a small set of images
that an index gives. Looking ahead is bounded, so that choosing costs little however large the
dataset is; SQLite itself would guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from storage.query import PREDICTION_SORTS, Sort, Term

DRIVING = 3_000
"""From so few images, reading each and sorting is quicker than walking an order to find them."""

LISTED = 12_000
"""So few ids are listed first, and then looked for in the list, not in the tables."""

_ALL = 2**62
_ALWAYS_INDEXED = frozenset({"id", "tag", "predicted", "conf", "margin"})


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One word as SQL. In `text`, {i} stands for the image's row, {p} for the prediction's and
    {id} for the image's id. `ids`, where an index serves the word, selects the ids for which it
    holds; `equal` says that the word asks for one value of one column."""

    text: str
    values: tuple[Any, ...]
    term: Term | None = None
    ids: str | None = None
    id_values: tuple[Any, ...] = ()
    equal: bool = False

    @property
    def of_image(self) -> bool:
        """Whether it reads the image's row."""
        return "{i}" in self.text

    @property
    def compares_id(self) -> str:
        """The sign, where it is a bound on the id; otherwise nothing."""
        term = self.term
        return term.op.strip(":") if term is not None and term.field == "id" else ""

    def sql(self, image: str, *, bare: bool, bare_id: bool, answer: str = "p") -> str:
        """The condition with the image's id as `image` and the prediction as `answer`; columns that
        are not bare are kept from leading to an index."""
        i, p = ("i", answer) if bare else ("+i", f"+{answer}")
        return self.text.format(i=i, p=p, id=image if bare_id else f"+{image}")


@dataclass(frozen=True, slots=True)
class Plan:
    """`driver` gives the images, to be sorted if need be; without it the order leads, at `lead`
    where an index has both. `sets` are listed, to be looked into. `bounds` are the comparisons of
    the id that may lead, too."""

    driver: Condition | None = None
    lead: Condition | None = None
    sets: tuple[Condition, ...] = ()
    bounds: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Looks at the data: `count` gives how many rows a SELECT has, up to a limit; `large` says
    whether the file has the indexes that large datasets have."""

    count: Callable[[str, tuple[Any, ...], int], int]
    large: Callable[[], bool]


def plan_page(
    sort: Sort, conditions: Sequence[Condition], probe: Probe, *, continued: bool = False
) -> Plan:
    """For a page at a time; `continued` where one begins at a place in the order."""
    few = _few(conditions, probe)
    rarest_first = [*(condition for _, condition in few), *conditions]
    lead = next((c for c in rarest_first if _leads(sort, conditions, c, continued)), None)
    most = LISTED if sort.key == "id" else DRIVING
    if few and few[0][0] <= most and few[0][1] is not lead:
        return Plan(driver=few[0][1])
    bounds = _bounds(conditions, sort if continued else None) if sort.key == "id" else ()
    return Plan(lead=lead, sets=tuple(c for _, c in few if c is not lead), bounds=bounds)


def plan_whole(conditions: Sequence[Condition], probe: Probe) -> Plan:
    """For everything at once: with few images, from them; otherwise as SQLite sees fit."""
    few = _few(conditions, probe)
    reading = [c for c in conditions if "{i}" in c.text or "{p}" in c.text]
    rarest = few[0][1] if few else None
    if rarest is not None and rarest.of_image and rarest.equal and reading == [rarest]:
        # The only word that reads a row has an index that gives the ids in order as well.
        rarest = None
    return Plan(driver=rarest, bounds=_bounds(conditions))


def plan_answers(conditions: Sequence[Condition], answered: Condition, probe: Probe) -> Plan:
    """For a model's answers in id order, `answered` being the condition that there is one: from
    few images, or else from the fewer of the answers and the images that an index gives in id
    order. A plan without driver and lead walks the answers."""
    few = _few(conditions, probe)
    bounds = _bounds(conditions, Sort())
    if few:
        rarest = few[0][1]
        return Plan(lead=rarest, bounds=bounds) if _by_id(rarest) else Plan(driver=rarest)
    ordered = [c for c in conditions if _by_id(c) and c.ids is not None and _indexed(c, probe)]
    if not ordered or _count(answered, probe, LISTED + 1) <= LISTED:
        return Plan(bounds=bounds)
    # Counting both takes a few hundredths of the time that reading them takes.
    size, lead = min(((_count(c, probe, _ALL), c) for c in ordered), key=lambda pair: pair[0])
    return Plan(lead=lead if size <= _count(answered, probe, size) else None, bounds=bounds)


def _count(condition: Condition, probe: Probe, most: int) -> int:
    return probe.count(condition.ids or "", condition.id_values, most)


def _few(conditions: Sequence[Condition], probe: Probe) -> list[tuple[int, Condition]]:
    """The conditions that hold for at most LISTED images, the rarest first."""
    served = [c for c in conditions if c.ids is not None and _indexed(c, probe)]
    sizes = [(_count(c, probe, LISTED + 1), c) for c in served]
    return sorted((pair for pair in sizes if pair[0] <= LISTED), key=lambda pair: pair[0])


def _indexed(condition: Condition, probe: Probe) -> bool:
    term = condition.term
    if term is None:
        return False
    always = term.field in _ALWAYS_INDEXED or (
        term.field == "is" and "unlabelled" not in term.values
    )
    return always or probe.large()


def _leads(
    sort: Sort, conditions: Sequence[Condition], condition: Condition, continued: bool
) -> bool:
    """Whether an index has the images of a condition, and they in this order."""
    term = condition.term
    if term is None or term.negated:
        return False
    of_key = sort.key == ("confidence" if term.field == "conf" else term.field)
    if sort.key != "id" and (of_key or (sort.key, term.values) == _BELOW):
        # SQLite keeps to one bound on a side, and the place is then the nearer one.
        below = term.op.startswith("<") or term.field == "is"
        begins = (term.op == ":" and term.field != "is") or below == sort.descending
        return len(term.values) == 1 and not (continued and begins)
    if not condition.equal:
        return False
    if sort.key in PREDICTION_SORTS:
        answers = term.field == "predicted" or term.values in {("wrong",), ("right",)}
        return sort.key == "confidence" and answers
    of_answers = any("{p}" in other.text for other in conditions)
    return sort.key == "id" and _by_id(condition) and not of_answers


def before(conditions: Sequence[Condition]) -> int:
    """An id that is less than all that the conditions leave: where reading by ids begins."""
    above = (c for c in conditions if c.compares_id.startswith(">"))
    return max((math.floor(c.values[0]) - (c.compares_id == ">=") for c in above), default=-1)


def _bounds(
    conditions: Sequence[Condition], continued: Sort | None = None
) -> tuple[Condition, ...]:
    """The nearest comparison of the id on each side. SQLite keeps to one bound on a side, the one
    that it reads first: in an order that is `continued`, the place has the side that it begins at,
    or each part would be read from the query's bound on."""
    above = [c for c in conditions if c.compares_id.startswith(">")]
    below = [c for c in conditions if c.compares_id.startswith("<")]
    if continued is not None:
        (below if continued.descending else above).clear()
    above.sort(key=lambda c: -c.values[0])
    below.sort(key=lambda c: c.values[0])
    return (*above[:1], *below[:1])


def _by_id(condition: Condition) -> bool:
    """Whether the images of a condition lie in one place of an index, in id order."""
    term = condition.term
    return (
        term is not None
        and condition.equal
        and (term.field in {"label", "split", "format"} or term.values == ("unlabelled",))
    )


_BELOW = ("confidence", ("uncertain",))
