"""PostgreSQL's errors made ours: one line each, by SQLSTATE, and never a password in it."""

from __future__ import annotations

import psycopg
from psycopg import errors as pg

from storage.errors import (
    ConnectionLost,
    DatasetBusy,
    DatasetError,
    PixshelfError,
    RefusedInput,
    StorageFull,
)
from storage.postgres.place import Place

_BUSY = (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure)
_FULL = (pg.DiskFull, pg.OutOfMemory)
_TEXT = (pg.CharacterNotInRepertoire, pg.UntranslatableCharacter)
_ROOM = (pg.TooManyConnections, pg.ConfigurationLimitExceeded)


def is_starting(error: psycopg.Error) -> bool:
    """Whether a connection failed since the server is not up yet, or not any more: in a moment it
    may be."""
    if isinstance(error, pg.CannotConnectNow | pg.AdminShutdown | pg.CrashShutdown):
        return True
    if error.sqlstate is not None:
        return False
    text = str(error)
    refused = ("Connection refused", "No such file or directory", "closed the connection")
    return any(part in text for part in (*refused, "starting up", "shutting down"))


def unreachable(error: psycopg.Error, place: Place) -> DatasetError:
    """What to raise when no connection was to be had."""
    text = str(error)
    if isinstance(error, pg.InvalidPassword | pg.InvalidAuthorizationSpecification) or (
        "password" in text
        or "authentication" in text
        or ("role" in text and "does not exist" in text)
    ):
        return DatasetError(
            f"the PostgreSQL server {place.server} refused the user '{place.user}'",
            hint="Give the password by PGPASSWORD or ~/.pgpass, and check the user's name.",
        )
    if isinstance(error, pg.InvalidCatalogName) or (
        "database" in text and "does not exist" in text
    ):
        return DatasetError(
            f"the PostgreSQL server {place.server} has no database '{place.database}'",
            hint=f"Make it with 'createdb {place.database}', or name another.",
        )
    if isinstance(error, _ROOM) or "too many clients" in text:
        return DatasetBusy(
            f"the PostgreSQL server {place.server} takes no more connections",
            hint="Close other programs that use it, or raise its max_connections.",
        )
    if any(part in text for part in ("translate host name", "resolve host", "not known")):
        return DatasetError(
            f"there is no host '{place.parameters.get('host')}'",
            hint="Check the host's name in the URL.",
        )
    return DatasetError(
        f"cannot connect to the PostgreSQL server {place.server}: {_one_line(error)}",
        hint="Check that it runs and the URL's host and port, or wait longer with --wait SECONDS.",
    )


def translated(
    error: psycopg.Error, place: Place, *, wait: float, writing: bool = False
) -> PixshelfError:
    """What to raise for an error of a statement, or of the connection that it was sent by; `wait`
    is how long another writer was waited for."""
    broken = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if broken and (error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))):
        return lost(place, writing=writing)
    if isinstance(error, _BUSY):
        return DatasetBusy(
            f"{place.url} is being written by another program (waited {wait:g} s)",
            hint="Try again when it has finished, or wait longer with --wait SECONDS.",
        )
    if isinstance(error, _FULL):
        return StorageFull(
            f"the PostgreSQL server {place.server} took no more: {_one_line(error)}",
            hint="What was stored before is kept. Make room, then run the command again.",
        )
    if isinstance(error, _TEXT) or (isinstance(error, psycopg.DataError) and "NUL" in str(error)):
        return RefusedInput(
            "a text has a character that PostgreSQL does not hold (NUL, or half of a pair)",
            hint="Take it out of the name, and run the command again.",
        )
    return _refused(error, place)


def _refused(error: psycopg.Error, place: Place) -> DatasetError:
    """What the server would not do, or could not."""
    if isinstance(error, pg.InsufficientPrivilege):
        return DatasetError(
            f"the user '{place.user}' may not do that in {place.url}: {_one_line(error)}",
            hint="Let the database's owner grant it, or open it as another user.",
        )
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return DatasetError(
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
        hint=f"Run the command again when the server is back.{kept}",
    )


def _one_line(error: psycopg.Error) -> str:
    primary = error.diag.message_primary if error.diag is not None else None
    lines = (primary or str(error)).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
