"""The connections of this process: one small pool for each place, shared by every open repository.

The first connection is made by hand, so that what stands in its way can be said exactly, and so
that a server that is just starting can be waited for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from storage.postgres.failures import is_starting, unreachable
from storage.postgres.place import Place

MOST = 16
"""Connections that one process may have open in its pool."""

Pool = ConnectionPool[psycopg.Connection[tuple[object, ...]]]
Told = Callable[[str], None]

_NEVER = 2**62
_POLL_SECONDS = 0.1
_guard = threading.Lock()


@dataclass(slots=True)
class _Shared:
    pool: Pool
    users: int = 0


_pools: dict[str, _Shared] = {}


def take(place: Place, *, wait: float, told: Told | None) -> Pool:
    """The pool of a place, for one more user, who will `give_back`. Where there is none yet, the
    server is waited for up to `wait` seconds; `told` hears of that once. Raises DatasetError."""
    key = _key(place)
    with _guard:
        shared = _pools.get(key)
        if shared is not None:
            shared.users += 1
            return shared.pool
    _wait_for(place, wait, told)
    with _guard:
        shared = _pools.get(key)
        if shared is None:
            shared = _pools[key] = _Shared(_make(place, wait))
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


def connect(place: Place) -> psycopg.Connection[tuple[object, ...]]:
    """A connection of the caller's own, to close. Raises DatasetError."""
    try:
        return _connect(place)
    except psycopg.OperationalError as error:
        raise unreachable(error, place) from error


def _connect(place: Place) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(**_settings(place))


def _settings(place: Place) -> dict[str, Any]:
    # Statements are planned each for its own values: counts differ by a factor of a million. Those
    # for which that is not so are prepared by name.
    return {**place.parameters, "autocommit": True, "prepare_threshold": _NEVER}


def _key(place: Place) -> str:
    return f"{place.url}\0{place.parameters.get('password', '')}"


def _make(place: Place, wait: float) -> Pool:
    # A broken connection is no news: whoever used it says so.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    pool: Pool = ConnectionPool(
        kwargs=_settings(place),
        min_size=1,
        max_size=MOST,
        timeout=max(wait, 1.0),
        num_workers=1,
        name="pixshelf",
        open=False,
    )
    pool.open()
    return pool


def _wait_for(place: Place, wait: float, told: Told | None) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            _connect(place).close()
            return
        except psycopg.OperationalError as error:
            if not is_starting(error) or time.monotonic() >= deadline:
                raise unreachable(error, place) from error
        if told is not None:
            told(f"waiting up to {wait:g} s for the PostgreSQL server {place.server}")
            told = None
        time.sleep(_POLL_SECONDS)
