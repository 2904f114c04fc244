"""One statement of SQL from a user, on a connection that can read and do nothing else.

Four fences: a connection of its own in a READ ONLY transaction; the extended protocol, which takes
one statement; no function that PostgreSQL calls volatile, but for a few; and bounded lengths and
time. The time is what the server is waited for; rows are read one by one.
"""

from __future__ import annotations

import math
import select
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
from psycopg import errors as pg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from storage.asked import (
    LONGEST_VALUE,
    check_text,
    does_more_than_read,
    does_not_read,
    gives_no_rows,
    names_are_told,
    several_statements,
    took_too_long,
    unique_names,
)
from storage.errors import PixshelfError, TimedOut, UsageError
from storage.postgres.database import Database
from storage.postgres.tokens import READING, Token, calls, first_words, tokens
from storage.records import SqlValue

HARMLESS = frozenset(
    {
        "array_sample",
        "array_shuffle",
        "bernoulli",
        "clock_timestamp",
        "current_query",
        "gen_random_uuid",
        "pg_database_size",
        "pg_indexes_size",
        "pg_relation_size",
        "pg_table_size",
        "pg_total_relation_size",
        "random",
        "random_normal",
        "setseed",
        "system",
        "timeofday",
        "uuidv4",
        "uuidv7",
    }
)
"""Volatile functions that change nothing beyond the connection."""

# The server ends what it does for a program that is gone.
_FENCE = """
    BEGIN READ ONLY;
    SET LOCAL standard_conforming_strings = on;
    SET LOCAL bytea_output = hex;
    SET LOCAL client_connection_check_interval = '1s'
"""
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'pixshelf'"
_DAY = 86_400.0
_SHOWN = 40
"""The most characters of a statement that an error repeats."""
_OF_THE_SERVER = ("08", "40", "53", "57", "58", "F0", "XX")
"""Classes of errors that say something of the server, not of the statement."""


class PostgresRows:
    """See storage.repository.Rows and Repository.sql."""

    def __init__(self, database: Database, text: str, *, timeout: float, limit: int | None) -> None:
        self._database = database
        self._left = limit
        self._seconds = timeout
        self._timeout = timeout
        check_text(text)
        parts = list(tokens(text))
        _refuse_others(parts)
        self._text = text
        self._connection = database.own_connection()
        try:
            with database.errors():
                self._connection.execute(_FENCE)
                self._refuse_calls(calls(parts))
            self._poll = select.poll()
            self._poll.register(self._connection.fileno(), select.POLLIN)
            self._first = self._start(text)
            self._columns = unique_names(_names(self._first))
        except BaseException:
            self.close()
            raise
        self._readers = [
            _READERS.get(self._first.ftype(place), _text) for place in range(len(self._columns))
        ]

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    def __iter__(self) -> Iterator[tuple[SqlValue, ...]]:
        try:
            result: PGresult | None = self._first
            while result is not None and result.status == ExecStatus.SINGLE_TUPLE:
                if self._left is not None:
                    if self._left <= 0:
                        break
                    self._left -= 1
                yield self._row(result)
                result = self._next()
        finally:
            self.close()

    def close(self) -> None:
        if self._connection.closed:
            return
        if self._connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
            # A server that does not hear it finds the connection closed.
            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=1)
        self._connection.close()

    def _refuse_calls(self, names: set[str]) -> None:
        found = self._connection.execute(
            "SELECT proname FROM pg_catalog.pg_proc "
            "WHERE provolatile = 'v' AND lower(proname) = ANY(%s) ORDER BY 1 LIMIT 1",
            (sorted(names - HARMLESS),),
        ).fetchone()
        if found is not None:
            raise does_more_than_read(f"'{found[0]}' is a function that may change something.")

    def _start(self, text: str) -> PGresult:
        pgconn = self._connection.pgconn
        pgconn.nonblocking = 0
        with self._database.errors():
            pgconn.send_query_params(text.encode(), None)
            pgconn.set_single_row_mode()
        result = self._next()
        if result is None or result.nfields == 0:
            raise gives_no_rows(_TABLES)
        return result

    def _next(self) -> PGresult | None:
        """What comes next of the answer, waited for with what is left of the time."""
        began = time.monotonic()
        pgconn = self._connection.pgconn
        try:
            with self._database.errors():
                while pgconn.is_busy():
                    self._await_more(self._seconds - (time.monotonic() - began))
                    pgconn.consume_input()
                result = pgconn.get_result()
        finally:
            self._seconds -= time.monotonic() - began
        if self._seconds <= 0:
            raise took_too_long(self._timeout)
        if result is not None and result.status == ExecStatus.FATAL_ERROR:
            error = pg.error_from_result(result)
            raise self._explained(error) from error
        return result

    def _await_more(self, seconds: float) -> None:
        if not seconds > 0 or not self._poll.poll(math.ceil(1000 * min(seconds, _DAY))):
            raise took_too_long(self._timeout)

    def _row(self, result: PGresult) -> tuple[SqlValue, ...]:
        raw = [result.get_value(0, place) for place in range(len(self._readers))]
        if sum(len(value) for value in raw if value is not None) > LONGEST_VALUE:
            self._refuse_long(raw)
        return tuple(
            None if value is None else reader(value)
            for value, reader in zip(raw, self._readers, strict=True)
        )

    def _refuse_long(self, raw: list[bytes | None]) -> None:
        # Bytes come as \x and two characters each.
        size = sum(
            len(value) // 2 - 1 if reader is _bytes else len(value)
            for value, reader in zip(raw, self._readers, strict=True)
            if value is not None
        )
        if size > LONGEST_VALUE:
            raise UsageError(
                f"SQL: a row has {size:,} bytes; at most {LONGEST_VALUE:,} are read",
                hint="Ask for a part of it, as with substr or left.",
            )

    def _explained(self, error: psycopg.Error) -> PixshelfError:
        said = " ".join((error.diag.message_primary or str(error)).split())
        if isinstance(error, pg.QueryCanceled):
            return TimedOut(f"SQL: the server gave it up: {said}", hint="Ask for less.")
        if error.sqlstate is None or error.sqlstate.startswith(_OF_THE_SERVER):
            with self._database.errors():
                raise error
        if isinstance(error, pg.ReadOnlySqlTransaction):
            return does_more_than_read("One SELECT, or EXPLAIN of one, or SHOW.")
        return UsageError(f"SQL: {said}{self._place(error)}", hint=_hint(error))

    def _place(self, error: psycopg.Error) -> str:
        """Where in the statement the server found it, unless it says so itself."""
        place = error.diag.statement_position or ""
        if not place.isdecimal() or isinstance(error, pg.SyntaxError):
            return ""
        there = " ".join(self._text[int(place) - 1 :].split())
        return f", at: {there if len(there) <= _SHOWN else there[:_SHOWN] + '…'}"


def _refuse_others(parts: list[Token]) -> None:
    """Raises UsageError for what is not one statement that reads."""
    words = first_words(parts)
    if words[-1] in ("", ";"):
        raise gives_no_rows(_TABLES)
    if words[-1] not in READING and words != ("show",):
        raise does_not_read(words[-1], (*READING, "explain", "show"))
    ends = [place for place, part in enumerate(parts) if part.text == ";"]
    if ends and any(part.text != ";" for part in parts[ends[0] :]):
        raise several_statements()


def _hint(error: psycopg.Error) -> str | None:
    """The server's own, or where the tables are listed, where one of them is not there."""
    if error.diag.message_hint:
        return " ".join(error.diag.message_hint.split())
    is_unknown = isinstance(error, pg.UndefinedTable | pg.UndefinedColumn)
    return names_are_told(_TABLES) if is_unknown else None


def _names(result: PGresult) -> list[str]:
    names = (result.fname(place) for place in range(result.nfields))
    return [(name or b"").decode("utf-8", "replace") for name in names]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _bytes(value: bytes) -> bytes:
    return bytes.fromhex(value[2:].decode())


def _truth(value: bytes) -> int:
    return int(value == b"t")


def _real(value: bytes) -> float | str:
    number = float(value)
    # No format of an answer has another word for it.
    return "NaN" if math.isnan(number) else number


def _numeric(value: bytes) -> int | float | str:
    # A longer one is left as it is: Python does not read it.
    return int(value) if value.lstrip(b"-").isdigit() and len(value) < 4_000 else _real(value)


_READERS: dict[int, Callable[[bytes], SqlValue]] = {
    16: _truth,
    17: _bytes,
    20: int,
    21: int,
    23: int,
    26: int,
    700: _real,
    701: _real,
    1700: _numeric,
}
"""By the number of PostgreSQL's type: bool, bytea, int8, int2, int4, oid, float4, float8, numeric.
Of all others the text is given."""
