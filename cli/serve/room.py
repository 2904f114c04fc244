"""The bytes that requests hold in memory, counted for as long as anybody works on them.

A request holds what it takes until it has ended and so has every thread that was given work in
its name: a thread cannot be called off when nobody waits for its answer any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from cli.serve.problems import overloaded


@dataclass(slots=True)
class Room:
    """How many bytes there is room for still. Belongs to the event loop's thread."""

    free: int


@dataclass(slots=True)
class _Hold:
    """What one request holds, and how many work on it."""

    room: Room
    size: int = 0
    users: int = 1

    def leave(self) -> None:
        """One works on it no more. The last one gives all of it back."""
        self.users -= 1
        if self.users == 0:
            self.room.free += self.size


_CURRENT: ContextVar[_Hold | None] = ContextVar("hold", default=None)


@contextmanager
def holding(room: Room) -> Iterator[None]:
    """The block is one request: what is taken in it comes out of this room."""
    hold = _Hold(room)
    token = _CURRENT.set(hold)
    try:
        yield
    finally:
        _CURRENT.reset(token)
        hold.leave()


def take(size: int) -> None:
    """More bytes for the request that is being served. Raises a Problem where there is no room
    for them."""
    hold = _CURRENT.get()
    if hold is None:
        raise RuntimeError("no request is being served")
    if size > hold.room.free:
        raise overloaded()
    hold.room.free -= size
    hold.size += size


def shared() -> Callable[[], None]:
    """Keep what the request holds until the function that this gives is called, on the event
    loop. Outside of a request there is nothing to keep."""
    hold = _CURRENT.get()
    if hold is None:
        return _nothing
    hold.users += 1
    return hold.leave


def _nothing() -> None:
    """For work that is in no request's name."""
