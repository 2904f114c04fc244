"""The end of a copy: everything is read back from the target and compared with what was read.

Counts and digests over all rows tell whether there is a difference; only where there is one are
both sides read again, row by row, to say which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from storage.copying.stores import TableReader
from storage.copying.tables import PROMISES, TABLES, Key, Promise, Row, Table, Tally
from storage.errors import DatasetError

STEP = 1_000
"""Rows between two calls of `step`."""

Step = Callable[[str, int], None]
"""Called with (what is being done, rows done since the last call)."""

Ours = TypeVar("Ours")
Theirs = TypeVar("Theirs")


def verify(
    source: TableReader, target: TableReader, read: Mapping[str, Tally], place: str, step: Step
) -> None:
    """Raises DatasetError unless every table of `target` has the rows that were read from `source`,
    and the blobs of images and models have the sha256 that is noted for them. `place` is what the
    target is called."""
    promised: dict[str, Tally] = {}
    for table in TABLES:
        promise = next((one for one in PROMISES if one.table == table.name), None)
        says = Tally()
        tally = _tally(table, target, promise, says, step)
        if not tally.agrees(read[table.name]):
            raise _different(table, source, target, place)
        if promise is not None:
            promised[promise.keeper] = says
        if table.name in promised and not tally.agrees(promised[table.name]):
            raise _damaged(table, source, target)


def lockstep(
    ours: Iterable[Ours],
    theirs: Iterable[Theirs],
    our_key: Callable[[Ours], Key],
    their_key: Callable[[Theirs], Key],
) -> Iterator[tuple[Ours | None, Theirs | None]]:
    """Pairs of what has the same key, in the order of the keys, in which both are; None where only
    one side has it."""
    left, right = iter(ours), iter(theirs)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and our_key(one) < their_key(other)):
            yield one, None
            one = next(left, None)
        elif one is None or their_key(other) < our_key(one):
            yield None, other
            other = next(right, None)
        else:
            yield one, other
            one, other = next(left, None), next(right, None)


def _tally(
    table: Table, target: TableReader, promise: Promise | None, says: Tally, step: Step
) -> Tally:
    """The target's rows, tallied; and in `says` what they promise of another table's."""
    tally = Tally()
    places = [] if promise is None else [table.columns.index(name) for name in promise.columns]
    what = f"verifying {table.name}"
    for row in target.rows(table):
        tally.add(table.abridged(row))
        if places:
            says.add(tuple(row[place] for place in places))
        if tally.rows % STEP == 0:
            step(what, STEP)
    step(what, tally.rows % STEP)
    return tally


def _different(table: Table, source: TableReader, target: TableReader, place: str) -> DatasetError:
    """What to raise where a table is another in the target; names the first row that is."""
    pairs = lockstep(
        map(table.abridged, source.rows(table)),
        map(table.abridged, target.rows(table)),
        table.key_of,
        table.key_of,
    )
    what = "its rows changed while they were read"
    for ours, theirs in pairs:
        if ours != theirs:
            what = _difference(table, ours, theirs)
            break
    return DatasetError(
        f"the copy in {place} is not what {source.place} has: {table.name}, {what}",
        hint="It is not to be seen there. Run the command again: what is wrong is copied anew.",
    )


def _difference(table: Table, ours: Row | None, theirs: Row | None) -> str:
    row = ours if ours is not None else theirs
    named = ", ".join(
        f"{column} {value!r}"
        for column, value in zip(table.key, () if row is None else row, strict=False)
    )
    if ours is None:
        return f"{named} is in the copy only"
    if theirs is None:
        return f"{named} is missing"
    columns = [
        column
        for column, one, other in zip(table.columns, ours, theirs, strict=True)
        if one != other
    ]
    return f"{named} differs in {', '.join(columns)}"


def _damaged(table: Table, source: TableReader, target: TableReader) -> DatasetError:
    """What to raise where both sides have the same, and it is not what the source says of it."""
    promise = next(one for one in PROMISES if one.keeper == table.name)
    keeper = next(one for one in TABLES if one.name == promise.table)
    places = [keeper.columns.index(name) for name in promise.columns]
    pairs = lockstep(
        (tuple(row[place] for place in places) for row in source.rows(keeper)),
        map(table.abridged, target.rows(table)),
        keeper.key_of,
        table.key_of,
    )
    which = next((said or there for said, there in pairs if said != there), None)
    named = "" if which is None else f" {which[0]!r}"
    return DatasetError(
        f"{promise.table}{named} of {source.place} has not the bytes that were stored (sha256)",
        hint="'pixshelf db check --deep' names them all. Restore a backup, or remove what is "
        "damaged, then run the command again.",
    )
