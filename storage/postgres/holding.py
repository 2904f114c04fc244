"""Who works on a run: an advisory lock on a connection of its own.

The server gives the lock back when the connection ends, however the process dies. A run that is
'running' and that nobody holds was interrupted. A connection that breaks takes the lock along:
what this process then writes of the run takes it again, unless another has come in between.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from storage.errors import DatasetError
from storage.postgres.database import Connection, Database
from storage.stored_runs import run_is_held

RUN_LOCKS = 0x50785275
"""The first key of the locks of runs, 'PxRu'; the second is the run's id."""

# The server hears of a process's end a moment later, so the lock is waited for a little. A machine
# that went away without a word holds its run for a minute and a half at most.
_SETTINGS = """
    SET application_name = 'pixshelf: a run';
    SET idle_session_timeout = 0;
    SET lock_timeout = '500ms';
    SET tcp_keepalives_idle = 30;
    SET tcp_keepalives_interval = 15;
    SET tcp_keepalives_count = 4
"""

_OURS = """
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(slots=True)
class _Hold:
    """A run that this process works on. `pid` is the process that the run named last."""

    connection: Connection
    pid: int | None
    guard: threading.Lock = field(default_factory=threading.Lock)


_holds: dict[tuple[str, int], _Hold] = {}


@contextmanager
def held(database: Database, run_id: int, pid: int | None) -> Iterator[None]:
    """Hold the run, which names the process `pid`. Raises DatasetBusy where another holds it."""
    with database.errors():
        connection = _locked(database, run_id)
    if connection is None:
        raise run_is_held(run_id)
    name = (database.place.url, run_id)
    hold = _holds[name] = _Hold(connection, pid)
    try:
        yield
    finally:
        del _holds[name]
        # The lock of a connection that broke is gone already.
        with suppress(psycopg.OperationalError), closing(hold.connection) as connection:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", (RUN_LOCKS, _key(run_id)))


def is_held(database: Database, run_id: int) -> bool:
    """Whether a process, this one included, holds the run."""
    return database.one(_OURS, (RUN_LOCKS, _key(run_id))) is not None


def confirm(database: Database, connection: Connection, run_id: int, pid: int | None) -> None:
    """Within the transaction `connection`, where the run names the process `pid`: see that nobody
    else has worked on it if this process holds it, and take the lock again where it was lost.
    Raises DatasetError."""
    hold = _holds.get((database.place.url, run_id))
    if hold is None:
        return
    with hold.guard:
        ours = (RUN_LOCKS, _key(run_id), hold.connection.info.backend_pid)
        if connection.execute(f"{_OURS} AND pid = %s", ours).fetchone() is None:
            again = _locked(database, run_id)
            if again is None or pid not in {hold.pid, os.getpid()}:
                if again is not None:
                    again.close()
                raise DatasetError(
                    f"another process has taken up run {run_id} while the connection was lost",
                    hint="Watch it with 'pixshelf runs attach'.",
                )
            hold.connection.close()
            hold.connection = again
        hold.pid = pid


def _locked(database: Database, run_id: int) -> Connection | None:
    """A connection that has the lock, or None where another has it."""
    connection = database.own_connection()
    try:
        connection.execute(_SETTINGS)
        connection.execute("SELECT pg_advisory_lock(%s, %s)", (RUN_LOCKS, _key(run_id)))
    except psycopg.errors.LockNotAvailable:
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return connection


def _key(run_id: int) -> int:
    return run_id & 0x7FFFFFFF
