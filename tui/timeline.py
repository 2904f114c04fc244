"""The history as a list to go through: what of it matches a text, how far it is to an action, and
how an action and what it did read in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual.content import Content

from storage.actors import others_name
from storage.errors import NotReady
from storage.records import Action, Event
from tui.plain.text import printable, shorten
from tui.plain.text import width as width_of

if TYPE_CHECKING:
    from storage.repository import Repository
    from storage.ways import Direction

PAGE = 200
MOST_LOOKED_AT = 20_000
"""So many actions are read at a time in search of those that match."""

_LEAST = 50
_AUTHOR = 14
_STATES = {"done": "  ", "undone": "↶ ", "dropped": "✗ "}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the history, newest first. `before` continues it; None at its end."""

    actions: tuple[Action, ...]
    before: int | None


def matches(action: Action, text: str) -> bool:
    """Whether every word of the text is in what is said of the action, whatever the case."""
    said = f"{action.id} {action.kind} {action.summary} {action.actor} {action.state}".casefold()
    return all(word in said for word in text.casefold().split())


def read_part(
    repo: Repository, text: str = "", *, before: int | None = None, limit: int = PAGE
) -> Part:
    """The next actions that match, `limit` or some more; fewer at the end, or where there are few
    among the next 20,000."""
    found: list[Action] = []
    looked_at = 0
    while True:
        page = repo.history.actions(limit=PAGE, before=before)
        found += [action for action in page if matches(action, text)]
        looked_at += len(page)
        if len(page) < PAGE:
            return Part(tuple(found), None)
        before = page[-1].id
        if len(found) >= limit or looked_at >= MOST_LOOKED_AT:
            return Part(tuple(found), before)


@dataclass(frozen=True, slots=True)
class Journey:
    """How to come to an action: by which actions, in that order, back, its own undone with them, or
    forth. `others` names those who did some of them, and are not the user."""

    way: Direction
    actions: tuple[int, ...]
    images: int
    others: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        return len(self.actions)


def journey_to(repo: Repository, action_id: int) -> Journey:
    """How far it is to an action from where the history stands. `images` adds up what each step
    changes. Raises NotFound, and NotReady for an action that was undone for good."""
    action = repo.history.get(action_id)
    if action.state == "dropped":
        raise NotReady(
            f"'{printable(action.summary)}' was undone for good",
            hint="Something else was done after it was undone, so it cannot be done again.",
        )
    if action.state == "done":
        passed = _until(repo, None, lambda each: each.id < action_id)
        return _journey("undo", [each for each in passed if each.state == "done"])
    # What can be done again is newer than anything that is done.
    passed = _until(repo, action_id + 1, lambda each: each.state == "done")
    return _journey("redo", [each for each in reversed(passed) if each.state == "undone"])


def go_to(repo: Repository, journey: Journey) -> list[Action]:
    """Undo or redo what was agreed, whole. Raises NotReady, and does nothing, where the way is
    another one by now."""
    go = repo.history.undo if journey.way == "undo" else repo.history.redo
    return go(journey.steps, expected=journey.actions)


def _journey(way: Direction, passed: list[Action]) -> Journey:
    ids = tuple(action.id for action in passed)
    others = dict.fromkeys(filter(None, (others_name(action.actor) for action in passed)))
    return Journey(way, ids, sum(action.images for action in passed), tuple(others))


def _until(repo: Repository, before: int | None, is_past: Callable[[Action], bool]) -> list[Action]:
    passed: list[Action] = []
    while page := repo.history.actions(limit=PAGE, before=before):
        for action in page:
            if is_past(action):
                return passed
            passed.append(action)
        before = page[-1].id
    return passed


# --- lines


def short_time(at: int, now: datetime) -> str:
    """A stored time in UTC, as everywhere, in 12 columns: '11-21 08:37Z' in this year, by its day
    in another."""
    moment = datetime.fromtimestamp(at, UTC)
    same = moment.year == now.astimezone(UTC).year
    return moment.strftime("%m-%d %H:%MZ" if same else "%Y-%m-%d").ljust(12)


def heading(width: int) -> str:
    """What stands over the lines of actions, in `width` columns."""
    left, right = "  " + "when".ljust(12) + " what", _author("who", width) + "images".rjust(9)
    return left.ljust(width - width_of(right)) + right


def _author(name: str, width: int) -> str:
    """Who did it, in columns of its own; nothing where there is no room for it."""
    if width < _LEAST:
        return ""
    shown = shorten(name, _AUTHOR)
    return f" {shown}{' ' * (_AUTHOR - width_of(shown))}"


def action_line(action: Action, width: int, now: datetime) -> Content:
    """An action in one line of `width` columns: state, time, words, author, images."""
    mark = _STATES[action.state]
    images = f"{action.images:,}".rjust(9)
    author = _author(printable(action.actor), width)
    state = "" if action.state == "done" or width < _LEAST else f" {action.state}"
    room = max(1, width - 2 - 12 - 1 - len(state) - width_of(author) - 9)
    words = shorten(printable(action.summary), room)
    style = "" if action.state == "done" else "$text-muted"
    return Content.assemble(
        (mark, "$accent"),
        (short_time(action.at, now), "$text-muted"),
        " ",
        (words + " " * (room - width_of(words)), style),
        (state, "$text-muted italic"),
        (author, "$text-muted"),
        images,
    )


def event_line(event: Event, width: int) -> Content:
    """What became of one image, in one line of `width` columns."""
    room = max(3, (width - 10 - 3) // 2)
    before, after = (_named(name, room) for name in (event.before, event.after))
    return Content.assemble(
        (f"{event.image:>8}  ", "$text-muted"), before, (" → ", "$text-muted"), after
    )


def _named(name: str | None, room: int) -> Content:
    if name is None:
        return Content.styled("none", "$text-muted italic")
    return Content(shorten(printable(name), room))
