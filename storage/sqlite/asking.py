"""One statement of SQL from a user, on a connection that can read and do nothing else.

Four fences: the file is opened read-only, `query_only` is set, an authorizer lets through only what
reads, and lengths and time are bounded. The time is looked at between the steps of a statement.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from storage.asked import (
    LONGEST_SQL,
    LONGEST_VALUE,
    check_text,
    does_more_than_read,
    gives_no_rows,
    meant,
    names_are_told,
    several_statements,
    took_too_long,
    unique_names,
)
from storage.errors import PixshelfError, UsageError
from storage.records import SqlValue
from storage.sqlite.database import Database

PRAGMAS = frozenset(
    {
        "application_id",
        "collation_list",
        "compile_options",
        "encoding",
        "foreign_key_list",
        "freelist_count",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "journal_mode",
        "page_count",
        "page_size",
        "table_info",
        "table_list",
        "table_xinfo",
        "user_version",
    }
)
"""Those that only tell something."""

_ABOUT = frozenset(
    {"foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list"}
) | {"table_xinfo"}
"""Those of them that take a table's or an index's name. To the others a value is a setting."""

_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_FORBIDDEN = frozenset({"edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"})
_OF_THE_FILE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""Errors that say something of the dataset file, not of the statement."""

_NEAR = re.compile(r'near "(\w+)": syntax error')
_STEPS = 5_000
_TABLES = "SELECT name, sql FROM sqlite_schema"


class SqliteRows:
    """See storage.repository.Rows and Repository.sql."""

    def __init__(self, database: Database, text: str, *, timeout: float, limit: int | None) -> None:
        self._database = database
        self._left = limit
        self._seconds = timeout
        self._timeout = timeout
        self._deadline = 0.0
        self._late = False
        check_text(text)
        with database.errors():
            self._connection = database.another_reader()
        try:
            with database.errors():
                _fence(self._connection)
            self._connection.set_progress_handler(self._over, _STEPS)
            self._cursor = self._start(text)
            self._columns = unique_names([column[0] for column in self._cursor.description])
        except BaseException:
            self._connection.close()
            raise

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    def __iter__(self) -> Iterator[tuple[SqlValue, ...]]:
        try:
            while self._left is None or self._left > 0:
                row = self._step(lambda: next(self._cursor, None))
                if row is None:
                    break
                if self._left is not None:
                    self._left -= 1
                yield row
        finally:
            self.close()

    def close(self) -> None:
        self._connection.close()

    def _start(self, text: str) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self._step(lambda: self._connection.execute(text))
        if cursor.description is None:
            raise gives_no_rows(_TABLES)
        return cursor

    def _step(self, work: Any) -> Any:
        """Do a piece of the work on what is left of the time."""
        began = time.monotonic()
        self._deadline = began + self._seconds
        try:
            return work()
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._explained(error) from error
        finally:
            self._seconds -= time.monotonic() - began

    def _over(self) -> bool:
        self._late = time.monotonic() > self._deadline
        return self._late

    def _explained(self, error: Exception) -> PixshelfError:
        code = getattr(error, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        if primary == sqlite3.SQLITE_INTERRUPT:
            if not self._late:
                # SQLite drops what is raised while it looks at the time; that was Ctrl-C.
                raise KeyboardInterrupt
            return took_too_long(self._timeout)
        if isinstance(error, sqlite3.Error) and primary in _OF_THE_FILE:
            with self._database.errors():
                raise error
        if "not authorized" in str(error) or "authorization denied" in str(error):
            return does_more_than_read(
                "One SELECT, or a PRAGMA that only tells something, such as table_info."
            )
        if "one statement at a time" in str(error):
            return several_statements()
        return UsageError(f"SQL: {error}", hint=_hint(str(error)))


def _hint(said: str) -> str | None:
    """What helps: the list of the tables where one is not there, or the word that was meant."""
    if said.startswith(("no such table", "no such column")):
        return names_are_told(_TABLES)
    near = _NEAR.match(said)
    return meant(near[1], ("select", "with", "values", "explain", "pragma")) if near else None


def _fence(connection: sqlite3.Connection) -> None:
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA query_only=ON")
    # SQLite makes these tables when they are first named, which the authorizer would refuse. A
    # library that was built without one goes without.
    for name in ("json_each", "json_tree", *(f"pragma_{name}" for name in sorted(PRAGMAS))):
        with suppress(sqlite3.OperationalError):
            connection.execute(f"SELECT 1 FROM {name} LIMIT 0")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 4 * LONGEST_SQL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(_allowed)


def _allowed(
    action: int, first: str | None, second: str | None, place: str | None, by: str | None
) -> int:
    match action:
        case _ if action in _READING:
            good = True
        case sqlite3.SQLITE_FUNCTION:
            good = second not in _FORBIDDEN
        case sqlite3.SQLITE_PRAGMA:
            name = (first or "").lower()
            good = name in PRAGMAS and (second is None or name in _ABOUT)
        case _:
            good = False
    return sqlite3.SQLITE_OK if good else sqlite3.SQLITE_DENY
