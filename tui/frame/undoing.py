"""The way back and forth in the history, where several actions may be one to the user.

What belongs together is undone and redone whole, as long as nothing else came between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.actors import others_name
from storage.ways import ahead, newest_first
from tui.plain.text import plural

if TYPE_CHECKING:
    from storage.records import Action, ActionState
    from storage.repository import Repository
    from storage.ways import Direction


class OthersError(Exception):
    """What would be undone or done again is by somebody else: nothing was done yet."""

    def __init__(self, way: Direction, actions: list[Action]) -> None:
        super().__init__(way)
        self.way: Direction = way
        self.actions = actions


def undo(
    repo: Repository, together: Sequence[Sequence[int]], *, only_own: bool = False
) -> list[Action]:
    """Take back the newest action that is done, and with it those that belong to it. `together`
    are groups of ids, each in the order in which they were done; an id of 0 is of no account.
    Raises NotReady, and does nothing, where something else is done at that moment; with `only_own`
    OthersError, where it is somebody else's."""
    steps = _steps(repo, "undo", [each[::-1] for each in _real(together)])
    return _go(repo, "undo", steps, only_own=only_own)


def redo(
    repo: Repository, together: Sequence[Sequence[int]], *, only_own: bool = False
) -> list[Action]:
    """Do again what was undone last, and with it those actions that belong to it. Raises as `undo`
    does."""
    return _go(repo, "redo", _steps(repo, "redo", _real(together)), only_own=only_own)


def go(repo: Repository, way: Direction, actions: Sequence[int]) -> list[Action]:
    """Undo or redo these and no others. Raises NotReady, and does nothing, where they are not next
    any more."""
    if not actions:
        return []
    step = repo.history.undo if way == "undo" else repo.history.redo
    return step(len(actions), expected=actions)


def told(action: Action) -> str:
    """An action in words: whose it is, where it is not the user's, what, and of how many images."""
    name = others_name(action.actor)
    whose = f"{name}'s " if name else ""
    return f"{whose}{action.summary} ({plural(action.images, 'image')})"


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


def _go(repo: Repository, way: Direction, steps: list[Action], *, only_own: bool) -> list[Action]:
    if only_own and any(others_name(action.actor) for action in steps):
        raise OthersError(way, steps)
    return go(repo, way, [action.id for action in steps])


def _steps(repo: Repository, way: Direction, groups: list[list[int]]) -> list[Action]:
    """The group that comes next on the way, if it comes whole; else the next action alone."""
    longest = max((len(each) for each in groups), default=1)
    coming = ahead(repo.history, way, max(longest, 1))
    ids = [action.id for action in coming]
    whole = (len(each) for each in groups if each and ids[: len(each)] == each)
    return coming[: next(whole, 1)]
