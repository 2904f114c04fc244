"""Edits on their way into the dataset: stored in the order in which they were asked for, or asked
about.

Once one is refused, those that came after it are held back, so that an older edit never goes over
a newer one. What is not stored waits until it is tried again or given up by the user.
"""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from storage.errors import PixshelfError
from tui.frame.background import begin, tell_running
from tui.frame.changes import Change
from tui.frame.faults import message_of
from tui.frame.undoing import OthersError, go, redo, told, undo
from tui.plain.text import plural, printable

if TYPE_CHECKING:
    from storage.records import Action
    from storage.repository import Repository
    from storage.ways import Direction
    from tui.app import PixshelfApp
    from tui.frame.dialogs import Question
    from tui.frame.edits import Edit

Result = TypeVar("Result")

_DONE: dict[Direction, str] = {"undo": "undone", "redo": "done again"}
_AGAIN, _GIVE_UP, _ONE, _ALL = "Try again", "Give up", "Give up this one", "Give up all"


class _HeldBackError(Exception):
    """What came before was refused; this was not tried."""


class Storing:
    """The edits of one app. For the event loop's thread only, but for what it hands to others."""

    def __init__(self, app: PixshelfApp) -> None:
        self._app = app
        self._serial = count()
        self._waiting: list[tuple[int, Edit]] = []
        self._under_way = 0
        self._stuck = threading.Event()
        self._retry = False
        self._unasked = False
        self._leaving = False
        self._question: Question | None = None
        self._reason = ""
        self._hint: str | None = None
        self.together: list[list[int]] = []
        """Actions of the history that are one to the user: undone and redone whole."""

    @property
    def waiting(self) -> list[Edit]:
        """What was refused, and what was held back behind it, the oldest first."""
        return [edit for _, edit in self._waiting]

    @property
    def reason_asked(self) -> str | None:
        """The reason that the open question gives; None where none is open."""
        return None if self._question is None else self._reason

    @property
    def is_busy(self) -> bool:
        """Whether anything is on its way into the dataset, or asked about."""
        return self._under_way > 0 or self._question is not None

    def edit(self, edit: Edit) -> None:
        """Show an edit at once and store it in the background; where others wait, after them,
        which are tried again."""
        at = next(self._serial)
        if self._waiting and not self._under_way:
            self._waiting.append((at, edit))
            self._retry = True
            self._go_on()
        else:
            self._submit(at, edit)

    def undo(self) -> None:
        """Take back what was done last: what waits before what is stored."""
        if self._waiting and not self._under_way:
            self._take_back()
            self._go_on()
        else:
            self._travel("undo", self._take_back)

    def redo(self) -> None:
        """Do again what was undone last; nothing, where edits came after it."""
        if self._waiting and not self._under_way:
            self._nothing_left()
        else:
            self._travel("redo", self._nothing_left)

    def leave(self) -> None:
        """Leave the app as soon as nothing waits: what does is tried again, and asked about."""
        self._leaving = True
        self._retry = True
        self._go_on()

    def try_last(self) -> list[Edit]:
        """Store what waits, in order, until one is refused again; gives what is left. Blocks; for
        when the app's loop is over."""
        left = self.waiting
        try:
            with self._app.dataset.open() as repo:
                while left:
                    left[0].store(repo)
                    del left[0]
        except (PixshelfError, OSError) as error:
            self._reason = message_of(error)
        self._waiting = [(at, edit) for at, edit in self._waiting if edit in left]
        return left

    # --- into the dataset

    def _submit(self, at: int, edit: Edit) -> None:
        stored = self._send(edit.store, sticks=True)
        self._app.newest_edit = edit
        self._app.changes.publish(Change("edit", edit.images, edit))
        begin(self._app, self._follow(at, edit, stored), group="edits")

    def _send(self, job: Callable[[Repository], Result], *, sticks: bool) -> Awaitable[Result]:
        """Have a job done by the thread that writes, unless something before it was refused. With
        `sticks` those behind it are held back where it is refused itself."""

        def run(repo: Repository) -> Result:
            if self._stuck.is_set():
                raise _HeldBackError
            return job(repo)

        self._under_way += 1
        return self._app.dataset.edit(run, failed=self._stuck.set if sticks else None)

    async def _follow(self, at: int, edit: Edit, stored: Awaitable[Action]) -> None:
        try:
            action = await stored
        except _HeldBackError:
            self._wait(at, edit)
        except (PixshelfError, OSError) as error:
            self._reason, self._hint = message_of(error), getattr(error, "hint", None)
            self._wait(at, edit)
        else:
            self._app.others.own.add(action.id)
            self._app.changes.publish(Change("stored", edit.images, edit))
        self._under_way -= 1
        self._go_on()

    def _wait(self, at: int, edit: Edit) -> None:
        insort(self._waiting, (at, edit), key=lambda each: each[0])
        self._unasked = True
        if self._app.newest_edit is edit:
            self._app.newest_edit = None
        self._app.changes.publish(Change("refused", edit.images, edit))

    def _travel(
        self, way: Direction, held: Callable[[], None], agreed: Sequence[int] | None = None
    ) -> None:
        """Undo or redo what is next, whose it may be; or, where that was asked, the `agreed`."""
        only_own = self._app.settings.confirm

        def job(repo: Repository) -> list[Action]:
            if agreed is not None:
                return go(repo, way, agreed)
            step = undo if way == "undo" else redo
            return step(repo, self.together, only_own=only_own)

        done = self._send(job, sticks=False)
        begin(self._app, self._travelled(way, done, held), group="edits")

    async def _travelled(
        self, way: Direction, done: Awaitable[list[Action]], held: Callable[[], None]
    ) -> None:
        try:
            actions = await done
        except OthersError as others:
            self._ask_for(others, held)
        except _HeldBackError:
            held()
        except (PixshelfError, OSError) as error:
            self._app.show_error(error)
        else:
            if not actions:
                self._nothing_left()
            for action in actions:
                self._app.notify(f"{_DONE[way]}: {told(action)}")
            self._app.changes.publish(Change("undo"))
        self._under_way -= 1
        self._go_on()

    def _ask_for(self, others: OthersError, held: Callable[[], None]) -> None:
        """Undo or redo what is somebody else's, if that is meant."""
        from tui.frame.dialogs import Question

        agree = "Take it back" if others.way == "undo" else "Do it again"
        many = "" if len(others.actions) == 1 else f" and {len(others.actions) - 1:,} more"
        question = Question(
            f"The newest action{' that was undone' * (others.way == 'redo')} is not yours: "
            f"{told(others.actions[0])}{many}.",
            ("Leave it", agree),
            hint="The history (F8) shows what came before, and who did it.",
        )
        ids = [action.id for action in others.actions]

        def answered(answer: str | None) -> None:
            if answer == agree:
                self._travel(others.way, held, ids)

        self._app.push_screen(question, answered)

    def _nothing_left(self) -> None:
        self._app.notify("there is nothing left")

    def _take_back(self) -> None:
        if not self._waiting:
            return
        _, edit = self._waiting.pop()
        self._app.notify(f"taken back before it was stored: {edit.summary}")

    # --- what waits

    def _go_on(self) -> None:
        """What comes next, once all that was sent has been heard of."""
        if self._under_way:
            return
        if not self._waiting:
            self._stuck.clear()
            self._unasked = False
            if self._question is not None:
                self._question.dismiss(None)
        elif self._retry:
            self._retry = False
            self._stuck.clear()
            again, self._waiting = self._waiting, []
            for at, edit in again:
                self._submit(at, edit)
            return
        elif self._unasked:
            self._ask()
        self._retry = False
        many = plural(len(self._waiting), "edit")
        tell_running(self._app, "edits", f"{many} not stored yet" if self._waiting else "")
        if self._leaving and not self._waiting:
            self._leaving = False
            self._app.end()

    def _ask(self) -> None:
        from tui.frame.dialogs import Question

        self._unasked = False
        text = refusal([each.summary for each in self.waiting], self._reason)
        if self._question is not None:
            self._question.say(text)
            return
        several = len(self._waiting) > 1
        answers = (_AGAIN, _ONE, _ALL) if several else (_AGAIN, _GIVE_UP)
        self._question = Question(text, answers, hint=self._hint)
        self._app.push_screen(self._question, self._answered)

    def _answered(self, answer: str | None) -> None:
        self._question = None
        if answer is None:
            self._leaving = False
            if self._waiting:
                self._app.notify(
                    f"{plural(len(self._waiting), 'edit')} not stored yet: tried again with the "
                    "next one, and before leaving"
                )
        elif answer == _ALL:
            self._waiting = []
        else:
            self._waiting = self._waiting[answer != _AGAIN :]
            self._retry = True
        self._go_on()
        self._app.call_later(self._app.faults.go_on)


def refusal(summaries: list[str], reason: str) -> str:
    """What is said of edits that were not stored."""
    more = len(summaries) - 1
    others = f" and {more:,} more {'edit' if more == 1 else 'edits'}" if more else ""
    return f"Not stored: {printable(summaries[0])}{others}. {reason}"
