"""What goes wrong, told without getting in the way: one dialog at a time, nothing said twice.

Errors wait for the one that is being read. Edits that were refused are asked about together, and
are stored again in their order, or given up.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from storage.errors import PixshelfError
from tui.text import printable

if TYPE_CHECKING:
    from tui.app import PixshelfApp
    from tui.dialogs import Question
    from tui.edits import Edit

MOST_WAITING = 8
"""So many different errors wait to be read; what comes on top of them is dropped."""

_AGAIN, _GIVE_UP = "Try again", "Give up"


class Faults:
    """The errors and the refused edits of one app. For the event loop's thread only."""

    def __init__(self, app: PixshelfApp) -> None:
        self._app = app
        self._open: tuple[str, str | None] | None = None
        self._waiting: deque[tuple[str, str | None]] = deque()
        self._question: Question | None = None
        self._reason = ""

    def tell(self, error: Exception) -> None:
        """Show an error until it is read, unless it is shown or waits already, or is the reason
        why edits are asked about."""
        words = (message_of(error), getattr(error, "hint", None))
        if self._question is not None and words[0] == self._reason:
            return
        if words == self._open or words in self._waiting or len(self._waiting) >= MOST_WAITING:
            return
        self._waiting.append(words)
        self._next()

    def _next(self) -> None:
        from tui.dialogs import Message

        if self._open is not None or self._question is not None or not self._waiting:
            return
        self._open = self._waiting.popleft()
        text, hint = self._open
        self._app.push_screen(Message("Error", text, hint=hint), self._was_read)

    def _was_read(self, _: None) -> None:
        self._open = None
        self._app.call_later(self._next)

    def refuse(self, edit: Edit, error: Exception) -> None:
        """Ask what to do about an edit that was not stored, with others that were not either."""
        from tui.dialogs import Question

        self._app.refused.append(edit)
        self._reason = message_of(error)
        text = refusal([each.summary for each in self._app.refused], self._reason)
        if self._question is not None:
            self._question.say(text)
            return
        hint = getattr(error, "hint", None)
        self._question = Question(text, (_AGAIN, _GIVE_UP), hint=hint)
        self._app.push_screen(self._question, self._answered)

    def _answered(self, answer: str | None) -> None:
        self._question = None
        edits, self._app.refused = self._app.refused, []
        if answer == _AGAIN:
            for edit in edits:
                self._app.edit(edit)
        self._app.call_later(self._next)


def refusal(summaries: list[str], reason: str) -> str:
    """What is said of edits that were not stored."""
    more = len(summaries) - 1
    others = f" and {more:,} more {'edit' if more == 1 else 'edits'}" if more else ""
    return f"Not stored: {printable(summaries[0])}{others}. {reason}"


def message_of(error: Exception) -> str:
    """An error in words that can be shown."""
    if isinstance(error, PixshelfError):
        text = error.message
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = str(error) or type(error).__name__
    return printable(text)
