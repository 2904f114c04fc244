"""PostgreSQL's errors made ours: one line each, by SQLSTATE, and never a password in it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors as pg

from storage.errors import (
    ConnectionLost,
    DatasetBusy,
    DatasetError,
    NotAllowed,
    PixshelfError,
    RefusedInput,
    StorageFull,
    UsageError,
)
from storage.postgres.place import Place

_BUSY = (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure)
_FULL = (pg.DiskFull, pg.OutOfMemory)
_TEXT = (pg.CharacterNotInRepertoire, pg.UntranslatableCharacter)
_ENDED = ("08", "57P", "25P03", "25P04")
"""How the SQLSTATEs begin by which a server says that it ends the connection."""

# Where no connection comes about there is no SQLSTATE, only a text.
_ABSENT = ("Connection refused", "No such file or directory")
_STARTING = (
    *_ABSENT,
    "Connection reset",
    "closed the connection",
    "the database system is",
    "administrator command",
)
_USER = ("password", "authentication", "pg_hba.conf", "role")
_ROOM = ("too many clients", "too many connections", "connection slots")
_SETTING = ("invalid ", "bad value for ")
_HOST = ("translate host name", "resolve host", "not known")


def is_starting(error: psycopg.Error) -> bool:
    """Whether a connection failed since the server is not up yet, or not any more: in a moment it
    may be."""
    return any(part in str(error) for part in _STARTING)


def is_absent(error: psycopg.Error) -> bool:
    """Whether a connection failed since nothing listens there."""
    return any(part in str(error) for part in _ABSENT)


def has_broken(connection: psycopg.Connection[Any], error: BaseException) -> bool:
    """Whether an error of a statement is the end of its connection, which is then closed."""
    if isinstance(error, psycopg.Error) and _says_the_end(error):
        connection.close()
    return isinstance(error, psycopg.Error) and bool(connection.closed)


def _says_the_end(error: psycopg.Error) -> bool:
    return error.sqlstate is not None and error.sqlstate.startswith(_ENDED)


def unreachable(error: psycopg.Error, place: Place) -> PixshelfError:
    """What to raise when no connection was to be had."""
    reason = _reason(error)
    if reason.startswith(_SETTING):
        return UsageError(
            f"a parameter of the connection will not do: {reason}",
            hint="Check the URL, and the environment variables that begin with PG.",
        )

    def says(parts: tuple[str, ...]) -> bool:
        return any(part in reason for part in parts)

    if says(_ROOM):
        return DatasetBusy(
            f"the PostgreSQL server {place.server} takes no more connections: {reason}",
            hint="Close other programs that use it, or raise the limit.",
        )
    if says(_USER):
        return DatasetError(
            f"the PostgreSQL server {place.server} refused the user '{place.user}': {reason}",
            hint="Give the password by PGPASSWORD or ~/.pgpass, and check the user's name.",
        )
    if "permission denied" in reason:
        return DatasetError(
            f"the user '{place.user}' may not connect to the database '{place.database}' of the "
            f"PostgreSQL server {place.server}",
            hint="Let the database's owner grant CONNECT, or open it as another user.",
        )
    return _absent(reason, place)


def _absent(reason: str, place: Place) -> DatasetError:
    """What to raise where a database, encryption, a host or a server is not there."""
    if "database" in reason and "does not exist" in reason:
        return _no_database(place)
    if "SSL" in reason and "support" in reason:
        return DatasetError(
            f"the PostgreSQL server {place.server} has no encrypted connections: {reason}",
            hint="Leave out sslmode and PGSSLMODE, or let the server have a certificate.",
        )
    if any(part in reason for part in _HOST):
        return DatasetError(
            f"there is no host '{place.parameters.get('host')}'",
            hint="Check the host's name in the URL.",
        )
    return DatasetError(
        f"cannot connect to the PostgreSQL server {place.server}: {reason}",
        hint="Check that it runs and the URL's host and port, or wait longer with --wait SECONDS.",
    )


def _no_database(place: Place) -> DatasetError:
    message = f"the PostgreSQL server {place.server} has no database '{place.database}'"
    if place.names_a_database:
        return DatasetError(message, hint=f"Make it with '{place.createdb}', or name another.")
    return DatasetError(
        f"{message}, and the URL names none: the user's name was taken",
        hint=f"Write postgresql://{place.user}@HOST/NAME.",
    )


def _reason(error: psycopg.Error) -> str:
    """Why a connection failed, without the words that come before it."""
    line = str(error).strip().partition("\n")[0]
    for before in ("failed: ", "connection is bad: ", "FATAL: "):
        line = line.split(before)[-1]
    return line.strip() or type(error).__name__


def translated(
    error: psycopg.Error, place: Place, *, wait: float, writing: bool = False
) -> PixshelfError:
    """What to raise for an error of a statement, or of the connection that it was sent by; `wait`
    is how long another writer was waited for."""
    nameless = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if _says_the_end(error) or (nameless and error.sqlstate is None):
        return lost(place, writing=writing)
    if isinstance(error, _BUSY):
        return DatasetBusy(
            f"{place.url} is being written by another program (waited {wait:g} s)",
            hint="Try again when it has finished, or wait longer with --wait SECONDS.",
        )
    if isinstance(error, _FULL):
        return StorageFull(
            f"the PostgreSQL server {place.server} took no more: {_one_line(error)}",
            hint="What was stored before is kept. Make room, then try again.",
        )
    if isinstance(error, _TEXT) or (isinstance(error, psycopg.DataError) and "NUL" in str(error)):
        return unheld()
    return _refused(error, place)


def unheld() -> RefusedInput:
    """What to raise for a text that PostgreSQL cannot hold."""
    return RefusedInput(
        "a text has a character that PostgreSQL does not hold (NUL, or half of a pair)",
        hint="Take it out of the name, and try again.",
    )


def _refused(error: psycopg.Error, place: Place) -> DatasetError:
    """What the server would not do, or could not."""
    if isinstance(error, pg.InsufficientPrivilege):
        return NotAllowed(
            f"the user '{place.user}' may not do that in {place.url}: {_one_line(error)}",
            hint="Let the database's owner grant it, or open it as another user.",
        )
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return NotAllowed(
            f"{place.url} cannot be written: the server is read-only",
            hint="It may be a standby: write to the primary server.",
        )
    if isinstance(error, pg.UndefinedTable | pg.UndefinedColumn | pg.InvalidSchemaName):
        return DatasetError(
            f"{place.url} has tables other than those of its schema version: {_one_line(error)}",
            hint="Something else has changed them: restore a backup.",
        )
    return DatasetError(f"{place.url}: {_one_line(error)}")


def lost(place: Place, *, writing: bool) -> ConnectionLost:
    """What to raise when the connection broke and could not be had again in time."""
    kept = " Nothing of what was being written is there; what was stored before is." * writing
    return ConnectionLost(
        f"the connection to the PostgreSQL server {place.server} was lost",
        hint=f"Try again when the server is back.{kept}",
    )


def _one_line(error: psycopg.Error) -> str:
    primary = error.diag.message_primary if error.diag is not None else None
    lines = (primary or str(error)).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
