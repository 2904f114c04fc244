"""The two ways through the history, `undo` and `redo`: which actions they take, in which order, and
all of them in one transaction, alike for every backend with tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Literal

from storage.bounds import bounded
from storage.deeds import history_changed
from storage.records import Action, ActionState

if TYPE_CHECKING:
    from storage.repository import History

Direction = Literal["undo", "redo"]
Side = Literal["before", "after"]
Row = tuple[Any, ...]

ACTION = "id, at, actor, kind, summary, images, state"
"""The columns of an Action."""

_FIND = "SELECT id, kind, before, after FROM action WHERE state = ? ORDER BY id"
_MARK = (
    "UPDATE action SET state = ? WHERE id = ? RETURNING id, at, actor, kind, summary, images, state"
)
_PAGE = 200


@dataclass(frozen=True, slots=True)
class _Way:
    """How actions are found in their order, and in which state; which state they get, and which
    side of their events is written."""

    find: str
    takes: ActionState
    gives: ActionState
    side: Side


_WAYS: dict[Direction, _Way] = {
    "undo": _Way(_FIND + " DESC LIMIT ?", "done", "undone", "before"),
    "redo": _Way(_FIND + " LIMIT ?", "undone", "done", "after"),
}


def go(
    direction: Direction,
    count: int,
    expected: Sequence[int] | None,
    *,
    ask: Callable[[str, Row], list[Row]],
    write: Callable[[Row, Side], None],
) -> list[Action]:
    """See History.undo and History.redo; for use within one transaction. `ask` gives the rows of a
    statement with `?` for its values, `write` gives everything that an action (its id, kind, before
    and after) changed what it had on one side of it."""
    way = _WAYS[direction]
    rows = ask(way.find, (way.takes, bounded(max(count, 0))))
    if expected is not None and [row[0] for row in rows] != list(expected):
        raise history_changed()
    gone = []
    for row in rows:
        write(row, way.side)
        # Told from within: a read after the commit may fail, and what was done would not be told.
        told = ask(_MARK, (way.gives, row[0]))
        gone += [Action(*each) for each in told]
    return gone


def ahead(history: History, direction: Direction, count: int) -> list[Action]:
    """What an `undo` or a `redo` of `count` actions would take now, in that order."""
    if direction == "undo":
        done = (action for action in newest_first(history) if action.state == "done")
        return list(islice(done, bounded(count)))
    # What can be done again is newer than anything that is done.
    newer = takewhile(lambda action: action.state != "done", newest_first(history))
    return [action for action in newer if action.state == "undone"][::-1][:count]


def newest_first(history: History) -> Iterator[Action]:
    """Every action, read in parts."""
    before: int | None = None
    while page := history.actions(limit=_PAGE, before=before):
        yield from page
        before = page[-1].id
