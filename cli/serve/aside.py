"""Threads for work that needs no dataset, and the way there and back from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar, cast

from cli.serve.problems import overloaded
from cli.serve.room import shared

Result = TypeVar("Result")


class Aside:
    """A few threads. At most `waiting` calls may be asked for and not yet ended. Asked from one
    event loop."""

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._room = waiting
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def close(self) -> None:
        """Do what is still waiting, then end. Safe to call twice."""
        self._pool.shutdown()

    async def ask(self, work: Callable[[], Result]) -> Result:
        """What `work` gives. What the request holds is kept until the thread is done with it.
        Raises what `work` raises, and a Problem at once where too much waits already."""
        if self._room <= 0:
            raise overloaded()
        self._room -= 1
        leave = shared()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()

        def wanted() -> Result | None:
            # What nobody waits for any more is not done.
            return None if answer.done() else work()

        def settle(done: Future[Result | None]) -> None:
            self._room += 1
            leave()
            if answer.done():
                return
            error = done.exception()
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(cast("Result", done.result()))

        def tell(done: Future[Result | None]) -> None:
            # A loop that was closed has nobody on it who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, done)

        self._pool.submit(wanted).add_done_callback(tell)
        return await answer
