"""What goes wrong, told without getting in the way: one dialog at a time, nothing said twice.

Errors wait for the one that is being read, and for what is asked about edits
(tui/frame/storing.py).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from storage.errors import PixshelfError
from tui.plain.text import printable

if TYPE_CHECKING:
    from tui.app import PixshelfApp

MOST_WAITING = 8
"""So many different errors wait to be read; what comes on top of them is dropped."""


class Faults:
    """The errors of one app. For the event loop's thread only."""

    def __init__(self, app: PixshelfApp) -> None:
        self._app = app
        self._open: tuple[str, str | None] | None = None
        self._waiting: deque[tuple[str, str | None]] = deque()

    def tell(self, error: Exception) -> None:
        """Show an error until it is read, unless it is shown or waits already, or is the reason
        why edits are asked about."""
        words = (message_of(error), getattr(error, "hint", None))
        if words[0] == self._app.storing.reason_asked:
            return
        if words == self._open or words in self._waiting or len(self._waiting) >= MOST_WAITING:
            return
        self._waiting.append(words)
        self.go_on()

    def go_on(self) -> None:
        """Show what waits, if nothing is in its way."""
        from tui.frame.dialogs import Message

        asked = self._app.storing.reason_asked is not None
        if self._open is not None or asked or not self._waiting:
            return
        self._open = self._waiting.popleft()
        text, hint = self._open
        self._app.push_screen(Message("Error", text, hint=hint), self._was_read)

    def _was_read(self, _: None) -> None:
        self._open = None
        self._app.call_later(self.go_on)


def message_of(error: Exception) -> str:
    """An error in words that can be shown."""
    if isinstance(error, PixshelfError):
        text = error.message
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = str(error) or type(error).__name__
    return printable(text)
