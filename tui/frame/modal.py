"""The base of the app's dialogs, and how a screen takes what comes when it is going already.

Keys come faster than screens go: what was meant for a dialog that has its answer must neither
answer twice nor close what lies below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.await_complete import AwaitComplete
from textual.css.query import NoMatches
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import OptionList

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.message import Message


class Dialog(ModalScreen[ScreenResultType]):
    """A modal screen that is answered once, and only while it lies on top."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close with an answer; nothing where another screen lies on top, or it is closed."""
        if self.app.screen is not self:
            return AwaitComplete()
        return super().dismiss(result)

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except NoMatches:
            if not is_going(self):
                raise


class ListDialog(Dialog[ScreenResultType]):
    """A dialog with one list of options, for which keys may be bound to 'move(1)'."""

    def action_move(self, by: int) -> None:
        """Move the list's cursor: by one round its ends, by more no further than them."""
        options = self.query_one(OptionList)
        if by == 1:
            options.action_cursor_down()
        elif by == -1:
            options.action_cursor_up()
        elif options.highlighted is not None:
            options.highlighted = min(max(options.highlighted + by, 0), options.option_count - 1)


def is_going(node: DOMNode) -> bool:
    """Whether a screen is being taken away. Its widgets go first, and some of them may be gone
    when what was sent to it before arrives."""
    return node._closing or node._closed or node._pruning or not node.is_attached


def is_there(node: DOMNode) -> bool:
    """Whether the screen of a node has its widgets: it is drawn, and not being taken away."""
    screen = node.screen
    return screen.is_mounted and not is_going(screen)
