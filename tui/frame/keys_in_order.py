"""Keys are taken one after the other: the next one goes where the one before has led.

Textual hands a key to the widget that has the focus when the key arrives, though what the key
before it does may still be on its way. Keys that come in one go, as over a slow line or when typed
ahead, would then go to the wrong widget: the letters after '/' to the grid, where they label.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.timer import Timer

PATIENCE = 0.5
"""Seconds after which the next key is taken, even if the one before has not come to its end: the
widget that it went to may be gone."""


class _Behind(Message):
    """Follows a key on its way up to the app, and so comes there when the key has been handled."""

    def __init__(self, to: MessagePump) -> None:
        super().__init__()
        # Textual does not let a message go up to its sender.
        self.set_sender(to)


class KeysInOrder(App[None]):
    """An app whose keys and pastes wait for the one before them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._keys_waiting: deque[events.Event] = deque()
        self._behind: _Behind | None = None
        self._key_screen: Screen[Any] | None = None
        self._patience: Timer | None = None

    @property
    def keys_are_waiting(self) -> bool:
        """Whether a key has not been handled yet."""
        return self._behind is not None or bool(self._keys_waiting)

    async def on_event(self, event: events.Event) -> None:
        """Hold a key back while another is under way."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        elif self._behind is not None:
            self._keys_waiting.append(event)
        else:
            await self._take(event)

    async def _take(self, event: events.Event) -> None:
        target = self.focused or self.screen
        self._key_screen = self.screen
        self._patience = self.set_timer(PATIENCE, self._next)
        self._behind = _Behind(target)
        await super().on_event(event)
        # A key that closed a screen at once is not to be followed to a widget that goes with it.
        if self.screen is not self._key_screen or not target.post_message(self._behind):
            self.call_later(self._arrived, self._behind)

    async def on__behind(self, message: _Behind) -> None:
        """The key has been handled by all that it passed."""
        message.stop()
        # A widget that was given the focus has it when the messages sent until now are done.
        self.call_later(self._arrived, message)

    async def _arrived(self, message: _Behind) -> None:
        if message is not self._behind:
            return
        screen = self.screen
        if screen is not self._key_screen:
            # A screen that was just opened first finds its focus.
            self._key_screen = screen
            self._behind = _Behind(screen)
            if screen.post_message(self._behind):
                return
        await self._next()

    async def _next(self) -> None:
        if self._patience is not None:
            self._patience.stop()
        self._behind = self._patience = None
        if self._keys_waiting:
            await self._take(self._keys_waiting.popleft())
