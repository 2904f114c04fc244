"""The way back and forth in the history, where several actions may be one to the user.

What belongs together is undone and redone whole, as long as nothing else came between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.records import Action, ActionState
    from storage.repository import Repository


def undo(repo: Repository, together: Sequence[Sequence[int]]) -> list[Action]:
    """Take back the newest action that is done, and with it those that belong to it. `together`
    are groups of ids, each in the order in which they were done; an id of 0 is of no account."""
    newest = next((action.id for action in _newest_first(repo) if action.state == "done"), 0)
    groups = ([action for action in each if action] for each in together)
    group = next((each for each in groups if each and each[-1] == newest), [newest])
    done = (action.id for action in _newest_first(repo) if action.state == "done")
    whole = list(islice(done, len(group))) == group[::-1]
    return repo.history.undo(len(group) if whole else 1)


def redo(repo: Repository, together: Sequence[Sequence[int]]) -> list[Action]:
    """Do again what was undone last, and with it those actions that belong to it."""
    undone: list[int] = []
    for action in _newest_first(repo):
        if action.state == "done":
            break
        if action.state == "undone":
            undone.append(action.id)
    undone.reverse()
    groups = ([action for action in each if action] for each in together)
    group = next((each for each in groups if each and each[:1] == undone[:1]), [])
    whole = bool(group) and undone[: len(group)] == group
    return repo.history.redo(len(group) if whole else 1)


def states(repo: Repository, actions: Sequence[int]) -> dict[int, ActionState]:
    """The states of the actions; one that is not there is 'dropped'."""
    wanted = set(actions)
    found: dict[int, ActionState] = dict.fromkeys(actions, "dropped")
    if wanted:
        oldest = min(wanted)
        for action in _newest_first(repo):
            if action.id < oldest:
                break
            if action.id in wanted:
                found[action.id] = action.state
    return found


def _newest_first(repo: Repository) -> Iterator[Action]:
    before: int | None = None
    while page := repo.history.actions(limit=100, before=before):
        yield from page
        before = page[-1].id
