"""The connections of this process: one small pool for each place, shared by every open repository.

The first connection is made by hand, so that what stands in its way can be said exactly, and so
that a server that is just starting can be waited for. One that went away later is asked again ten
times a second, for as long as somebody wants a connection.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from storage.errors import DatasetBusy, PixshelfError
from storage.postgres.failures import is_absent, is_starting, lost, unreachable
from storage.postgres.place import SECRETS, Place

MOST = 16
"""Connections that one process may have open in its pool."""

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]
Told = Callable[[str], None]

_NEVER = 2**62
_POLL_SECONDS = 0.1
_guard = threading.Lock()


@dataclass(slots=True)
class _Shared:
    pool: Pool
    users: int = 0


_pools: dict[str, _Shared] = {}


def take(place: Place, *, wait: float, refused: float | None = None, told: Told | None) -> Pool:
    """The pool of a place, for one more user, who will `give_back`. Where there is none yet, the
    server is waited for as `connect` does. Raises DatasetError, UsageError."""
    key = _key(place)
    with _guard:
        shared = _pools.get(key)
        if shared is not None:
            shared.users += 1
            return shared.pool
    connect(place, wait=wait, refused=refused, told=told).close()
    with _guard:
        shared = _pools.get(key)
        if shared is None:
            shared = _pools[key] = _Shared(_make(place))
        shared.users += 1
        return shared.pool


def give_back(place: Place) -> None:
    """Note that one user is done; the last closes the connections."""
    key = _key(place)
    with _guard:
        shared = _pools[key]
        shared.users -= 1
        if shared.users:
            return
        del _pools[key]
    shared.pool.close()


def get(pool: Pool, place: Place, *, wait: float) -> Connection:
    """A connection of the pool, which is to be put back. Where there is none, one is waited for up
    to `wait` seconds, at least one. Raises DatasetError."""
    deadline = time.monotonic() + max(wait, 1.0)
    while True:
        try:
            # The pool tries to connect once for each time that it is asked.
            return pool.getconn(timeout=_POLL_SECONDS)
        except PoolTimeout:
            if time.monotonic() >= deadline:
                raise _why_none(place) from None


def connect(
    place: Place, *, wait: float = 0.0, refused: float | None = None, told: Told | None = None
) -> Connection:
    """A connection of the caller's own, to close. A server that is starting is waited for up to
    `wait` seconds, and one that nothing is to be seen of up to `refused` where that is less; `told`
    hears of that once. Raises DatasetError, UsageError."""
    began = time.monotonic()
    while True:
        try:
            return psycopg.connect(**_settings(place))
        except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
            seconds = min(wait, refused if refused is not None and is_absent(error) else wait)
            if not is_starting(error) or time.monotonic() >= began + seconds:
                raise unreachable(error, place) from error
        if told is not None:
            told(f"waiting up to {seconds:g} s for the PostgreSQL server {place.server}")
            told = None
        time.sleep(_POLL_SECONDS)


def _why_none(place: Place) -> PixshelfError:
    """What stands in the way of a connection, found out by asking for one more."""
    try:
        psycopg.connect(**_settings(place)).close()
    except psycopg.OperationalError as error:
        return lost(place, writing=False) if is_starting(error) else unreachable(error, place)
    return DatasetBusy(
        f"all {MOST} connections of this program to {place.url} are in use",
        hint="Try again, or wait longer with --wait SECONDS.",
    )


def _settings(place: Place) -> dict[str, Any]:
    # Statements are planned each for its own values: counts differ by a factor of a million. Those
    # for which that is not so are prepared by name.
    return {**place.parameters, "autocommit": True, "prepare_threshold": _NEVER}


def _key(place: Place) -> str:
    return "\0".join([place.url, *(str(place.parameters.get(name, "")) for name in SECRETS)])


def _make(place: Place) -> Pool:
    # A broken connection is no news: whoever used it says so.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    pool: Pool = ConnectionPool(
        kwargs=_settings(place),
        min_size=0,
        max_size=MOST,
        # A connection that cannot be had is given up at once: `get` asks again.
        reconnect_timeout=0,
        num_workers=1,
        name="pixshelf",
        open=False,
    )
    pool.open()
    return pool
