"""A load for an HTTP server: many connections that send ready-made requests and read the answers.

Raw asyncio protocols on uvloop and no HTTP library, so that what is measured is the server. It
knows only what such a server answers: a status line, Content-Length, keep-alive.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop

Address = tuple[str, int]


@dataclass(slots=True)
class Outcome:
    """What came of a load: answers by status, the seconds that each 200 took, and, by the time
    since the start, when what was answered. `broken` counts connections that were cut off."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    taken: list[float] = field(default_factory=list)
    when: list[tuple[float, int]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    broken: int = 0

    @property
    def rate(self) -> float:
        """Answers with 200 a second."""
        return self.statuses[200] / self.seconds

    def percentile(self, share: float) -> float:
        """The time in seconds within which that share of the 200s came."""
        ordered = sorted(self.taken)
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


class Connection(asyncio.Protocol):
    """One connection: `send` a request when it is idle; `answered` is told of the answer."""

    def __init__(self, answered: Callable[[Connection, int, float, bytes], None]) -> None:
        self._answered = answered
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0
        self.waiting = False
        self.lost = False
        self.last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self.waiting:
            self.waiting = False
            self._answered(self, 0, 0.0, b"")

    def send(self, request: bytes) -> None:
        """Send a whole request. The connection must be idle."""
        assert self._transport is not None
        self.waiting = True
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lines = self._buffer[:head].lower()
        at = lines.index(b"content-length:") + 15
        length = int(lines[at : (lines + b"\r").index(b"\r", at)])
        end = head + 4 + length
        if len(self._buffer) < end:
            return
        body, self._buffer = self._buffer[head + 4 : end], self._buffer[end:]
        self.waiting = False
        self.last = b"connection: close" in lines
        self._answered(self, int(lines[9:12]), time.perf_counter() - self._sent, body)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()


def keep_busy(
    address: Address, requests: Iterator[bytes], *, connections: int, seconds: float
) -> Outcome:
    """A closed load: every connection sends its next request once it has its answer."""
    return uvloop.run(_busy(address, requests, connections, seconds))


async def _busy(
    address: Address, requests: Iterator[bytes], connections: int, seconds: float
) -> Outcome:
    loop = asyncio.get_running_loop()
    outcome = Outcome()
    idle = asyncio.Event()
    open_ones: set[Connection] = set()
    started = time.perf_counter()
    ends = started + seconds

    def answered(one: Connection, status: int, took: float, body: bytes) -> None:
        _note(outcome, started, status, took, body)
        if time.perf_counter() < ends and not (one.lost or one.last):
            one.send(next(requests))
            return
        open_ones.discard(one)
        one.close()
        if time.perf_counter() < ends:
            task = loop.create_task(another())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        elif not open_ones:
            idle.set()

    async def another() -> None:
        # One that was cut off or closed is replaced, as a client would do.
        try:
            _, one = await loop.create_connection(lambda: Connection(answered), *address)
        except OSError:
            outcome.broken += 1
            if not open_ones:
                idle.set()
            return
        open_ones.add(one)
        one.send(next(requests))

    tasks: set[asyncio.Task[None]] = set()
    await asyncio.gather(*(another() for _ in range(connections)))
    await asyncio.wait_for(idle.wait(), seconds + 30)
    outcome.seconds = time.perf_counter() - started
    return outcome


def keep_pace(
    address: Address, requests: Iterator[bytes], *, rate: float, connections: int, seconds: float
) -> tuple[Outcome, int]:
    """An open load: so many requests a second, whatever becomes of those before. Also how many
    were not sent, for want of an idle connection."""
    return uvloop.run(_paced(address, requests, rate, connections, seconds))


async def _paced(
    address: Address, requests: Iterator[bytes], rate: float, connections: int, seconds: float
) -> tuple[Outcome, int]:
    loop = asyncio.get_running_loop()
    outcome = Outcome()
    ready: list[Connection] = []
    started = time.perf_counter()
    missing = 0

    def answered(one: Connection, status: int, took: float, body: bytes) -> None:
        _note(outcome, started, status, took, body)
        if not (one.lost or one.last):
            ready.append(one)

    every: list[Connection] = []
    for _ in range(connections):
        _, one = await loop.create_connection(lambda: Connection(answered), *address)
        every.append(one)
        ready.append(one)
    started = time.perf_counter()
    sent = 0
    while (now := time.perf_counter() - started) < seconds:
        for _ in range(int(now * rate) - sent):
            sent += 1
            while ready and ready[-1].lost:
                ready.pop()
            if ready:
                ready.pop().send(next(requests))
            else:
                missing += 1
        await asyncio.sleep(0.001)
    while any(one.waiting for one in every) and time.perf_counter() - started < seconds + 30:
        await asyncio.sleep(0.01)
    outcome.seconds = time.perf_counter() - started
    for one in every:
        one.close()
    return outcome, missing


def _note(outcome: Outcome, started: float, status: int, took: float, body: bytes) -> None:
    if status == 0:
        outcome.broken += 1
        return
    outcome.statuses[status] += 1
    outcome.when.append((time.perf_counter() - started, status))
    if status == 200:
        outcome.taken.append(took)
        outcome.bodies.append(body)
