"""The way back and forth in the history, where several actions may be one to the user.

What belongs together is undone and redone whole, as long as nothing else came between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.ways import ahead, newest_first

if TYPE_CHECKING:
    from storage.records import Action, ActionState
    from storage.repository import Repository
    from storage.ways import Direction


def undo(repo: Repository, together: Sequence[Sequence[int]]) -> list[Action]:
    """Take back the newest action that is done, and with it those that belong to it. `together`
    are groups of ids, each in the order in which they were done; an id of 0 is of no account.
    Raises NotReady, and does nothing, where something else is done at that moment."""
    steps = _steps(repo, "undo", [each[::-1] for each in _real(together)])
    return repo.history.undo(len(steps), expected=steps) if steps else []


def redo(repo: Repository, together: Sequence[Sequence[int]]) -> list[Action]:
    """Do again what was undone last, and with it those actions that belong to it. Raises as `undo`
    does."""
    steps = _steps(repo, "redo", _real(together))
    return repo.history.redo(len(steps), expected=steps) if steps else []


def states(repo: Repository, actions: Sequence[int]) -> dict[int, ActionState]:
    """The states of the actions; one that is not there is 'dropped'."""
    wanted = set(actions)
    found: dict[int, ActionState] = dict.fromkeys(actions, "dropped")
    if wanted:
        oldest = min(wanted)
        for action in newest_first(repo.history):
            if action.id < oldest:
                break
            if action.id in wanted:
                found[action.id] = action.state
    return found


def _real(together: Sequence[Sequence[int]]) -> list[list[int]]:
    return [[action for action in each if action] for each in together]


def _steps(repo: Repository, way: Direction, groups: list[list[int]]) -> list[int]:
    """The group that comes next on the way, if it comes whole; else the next action alone."""
    longest = max((len(each) for each in groups), default=1)
    coming = [action.id for action in ahead(repo.history, way, max(longest, 1))]
    whole = (each for each in groups if each and coming[: len(each)] == each)
    return next(whole, coming[:1])
