"""Whole tables of a dataset in PostgreSQL, in and out, for storage.copying: binary COPY both ways.

A copy on its way in is in the schema `pixshelf_copying`, which nothing else looks at. References,
indexes, triggers and views are made, and the schema gets its name, in the last transaction.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager

import psycopg

from storage.copying.stores import Found, Options, TableReader, other_source
from storage.copying.tables import Key, Row, Table
from storage.errors import ConnectionLost, DatasetBusy, DatasetError, RefusedInput
from storage.postgres import pools
from storage.postgres.database import WRITE_LOCK, Connection, Database
from storage.postgres.failures import translated
from storage.postgres.place import Place, place_of
from storage.postgres.schema import (
    INDEXES,
    SCHEMA,
    SCHEMA_VERSION,
    STORAGE,
    TABLES,
    TRIGGERS,
    VIEWS,
)

UNFINISHED = f"{SCHEMA}_copying"
"""The PostgreSQL schema that an unfinished copy is in."""

COPY_LOCK = 0x50785363
"""The advisory lock of whoever copies into a database; 'PxSc'."""

_REFERENCE = re.compile(r"(\w+) (\w+)( NOT NULL)?( PRIMARY KEY)? (REFERENCES [^,\n]+)")
_POLL_SECONDS = 0.05

# Rows come in the order of an index, not from a sort that would want the room of the whole table;
# and however long the other side takes, that is no fault.
_SETTINGS = (
    "SET enable_sort = off",
    "SET max_parallel_workers_per_gather = 0",
    "SET statement_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
)


# What the transactions of a copy on its way in are, whatever the database begins with by itself.
_WRITING = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"
# What is published is on the disk, also where the server is set to promise less.
_DURABLE = """
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'
"""


@contextmanager
def reading(url: str, options: Options) -> Iterator[TableReader]:
    """The rows of a dataset in PostgreSQL, as of one moment."""
    # Closed, not rolled back: a COPY that was left off in the middle may still be under way.
    with (
        closing(Database(url, wait=options.wait, told=options.told)) as database,
        closing(database.own_connection()) as connection,
    ):
        with _errors(database.place, options.wait):
            _set(connection, SCHEMA)
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield PostgresReader(connection, database.place, options.wait)


def look(url: str, source: str, options: Options) -> Found:
    """What `writing` would find. Raises RefusedInput as it does."""
    place = place_of(url)
    with _connected(place, options) as connection, _errors(place, options.wait):
        _refuse_taken(connection, place)
        note = None if options.restart else _note(connection, place)
    return Found(place.url, resumed=_is_of(note, source, place))


@contextmanager
def writing(url: str, source: str, options: Options) -> Iterator[PostgresWriter]:
    """A new dataset on its way into a database. `source` is noted there, and one of another
    refused."""
    place = place_of(url)
    with _connected(place, options) as connection:
        with _errors(place, options.wait, writing=True):
            connection.execute(_WRITING)
            _lock(connection, place, options.wait)
            _refuse_taken(connection, place)
            note = _note(connection, place)
            if note is not None and options.restart:
                connection.execute(f"DROP SCHEMA {UNFINISHED} CASCADE")
                note = None
            resumed = _is_of(note, source, place)
            _set(connection, UNFINISHED)
            if not resumed:
                _make(connection, source)
            # Rows that a crash of the server takes are copied again.
            connection.execute("SET synchronous_commit = off")
        yield PostgresWriter(connection, place, Found(place.url, resumed), options.wait)


class PostgresReader:
    """See storage.copying.stores.TableReader."""

    def __init__(self, connection: Connection, place: Place, wait: float) -> None:
        self._connection = connection
        self._place = place
        self._wait = wait

    @property
    def place(self) -> str:
        return self._place.url

    def count(self, table: Table) -> int:
        return self._number(f"SELECT count(*) FROM {table.name}")

    def image_bytes(self) -> int:
        return self._number("SELECT coalesce(sum(bytes), 0)::bigint FROM image")

    def rows(self, table: Table) -> Iterator[Row]:
        return self._stream(table, table.columns)

    def abridged(self, table: Table) -> Iterator[Row]:
        """The rows as Table.abridged gives them; their bytes stay on the server."""
        short = list(table.columns)
        for place in table.blobs:
            short[place] = f"sha256({short[place]})"
        return self._stream(table, short)

    def _stream(self, table: Table, values: Sequence[str]) -> Iterator[Row]:
        with _errors(self._place, self._wait):
            types = _types(self._connection, table)
            select = f"SELECT {', '.join(values)} FROM {table.name} ORDER BY {', '.join(table.key)}"
            with (
                self._connection.cursor() as cursor,
                cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT BINARY)") as copy,
            ):
                copy.set_types(types)
                yield from copy.rows()

    def _number(self, sql: str) -> int:
        with _errors(self._place, self._wait):
            row = self._connection.execute(sql).fetchone()
        return 0 if row is None else int(row[0])


class PostgresWriter:
    """See storage.copying.stores.TableWriter."""

    def __init__(self, connection: Connection, place: Place, found: Found, wait: float) -> None:
        self._connection = connection
        self._place = place
        self._wait = wait
        self.found = found

    def clear(self, tables: Sequence[Table]) -> None:
        with self._errors():
            self._connection.execute(f"TRUNCATE {', '.join(table.name for table in tables)}")

    def write(self, table: Table, rows: Sequence[Row], *, gone: Collection[Key] = ()) -> None:
        key = " AND ".join(f"{column} = %s" for column in table.key)
        with self._errors():
            types = _types(self._connection, table)
            with self._connection.transaction(), self._connection.cursor() as cursor:
                if gone:
                    cursor.executemany(f"DELETE FROM {table.name} WHERE {key}", gone)
                if not rows:
                    return
                into = f"{table.name} ({', '.join(table.columns)})"
                with cursor.copy(f"COPY {into} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(types)
                    for row in rows:
                        copy.write_row(row)

    def abridged(self, table: Table) -> Iterator[Row]:
        with self.written() as reader:
            yield from reader.abridged(table)

    @contextmanager
    def written(self) -> Iterator[PostgresReader]:
        with _connected(self._place, Options(self._wait)) as connection:
            with self._errors():
                _set(connection, UNFINISHED)
            yield PostgresReader(connection, self._place, self._wait)

    def publish(self) -> None:
        connection = self._connection
        with self._errors():
            connection.execute("RESET synchronous_commit")
            connection.execute(_DURABLE)
            try:
                with connection.transaction():
                    for statement in _last_statements():
                        connection.execute(statement)
                    connection.execute("DROP TABLE copying")
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (WRITE_LOCK,))
                    _refuse_taken(connection, self._place)
                    connection.execute(
                        "INSERT INTO dataset (version, created_at) VALUES (%s, %s)",
                        (SCHEMA_VERSION, int(time.time())),
                    )
                    connection.execute(f"ALTER SCHEMA {UNFINISHED} RENAME TO {SCHEMA}")
            except psycopg.IntegrityError as error:
                raise DatasetError(
                    f"what is copied is at odds with itself: {error.diag.message_primary}",
                    hint="See 'pixshelf db check' there, and mend it.",
                ) from error
            except psycopg.OperationalError:
                if not connection.closed or not self._is_published():
                    raise

    def _is_published(self) -> bool:
        """Whether a last transaction whose end was not answered was committed. Raises DatasetError
        where that cannot be told."""
        try:
            with _connected(self._place, Options(self._wait)) as connection:
                return _has(connection, SCHEMA) and not _has(connection, UNFINISHED)
        except DatasetError as error:
            raise DatasetError(
                f"the connection to the PostgreSQL server {self._place.server} was lost in the "
                "last step of the copy: the dataset is there whole, or not at all",
                hint="Run the command again when the server is back: it goes on, or says that "
                "there is a dataset.",
            ) from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with _errors(self._place, self._wait, writing=True):
            yield


def _make(connection: Connection, source: str) -> None:
    """The tables of a dataset without what is made last, and the note of what it is a copy of."""
    with connection.transaction():
        connection.execute(f"CREATE SCHEMA {UNFINISHED}")
        for name, columns in TABLES.items():
            plain = _REFERENCE.sub(r"\1 \2\3\4", columns)
            connection.execute(f"CREATE TABLE {name} ({plain})")
        for statement in STORAGE:
            connection.execute(statement)
        connection.execute("CREATE TABLE copying (source text NOT NULL, version integer NOT NULL)")
        connection.execute("INSERT INTO copying VALUES (%s, %s)", (source, SCHEMA_VERSION))


def _last_statements() -> Iterator[str]:
    """The statements that make what `_make` left out, and count what the planner goes by."""
    for name, columns in TABLES.items():
        for found in _REFERENCE.finditer(columns):
            yield f"ALTER TABLE {name} ADD FOREIGN KEY ({found[1]}) {found[5]}"
    yield from (*INDEXES, *TRIGGERS, *VIEWS)
    yield f"ANALYZE {', '.join(TABLES)}"


def _note(connection: Connection, place: Place) -> tuple[str, int] | None:
    """What an unfinished copy is of, and its schema's version; None where there is none. Raises
    RefusedInput for a schema of its name that is something else."""
    if not _has(connection, UNFINISHED):
        return None
    # Tables of another user may have triggers, which would run as this one.
    row = connection.execute(
        "SELECT to_regclass(%s) IS NOT NULL AND pg_has_role(nspowner, 'USAGE') "
        "FROM pg_namespace WHERE nspname = %s",
        (f"{UNFINISHED}.copying", UNFINISHED),
    ).fetchone()
    if row is None or not row[0]:
        raise RefusedInput(
            f"{place.url} has a schema {UNFINISHED} that is no unfinished copy of this user's",
            hint="A copy is written into a schema of that name first: rename the other.",
        )
    row = connection.execute(f"SELECT source, version FROM {UNFINISHED}.copying").fetchone()
    return None if row is None else (str(row[0]), int(row[1]))


def _is_of(note: tuple[str, int] | None, source: str, place: Place) -> bool:
    """Whether there is an attempt to go on with. Raises RefusedInput for one of another source."""
    if note is None:
        return False
    if note != (source, SCHEMA_VERSION):
        raise other_source(place.url, note[0])
    return True


def _refuse_taken(connection: Connection, place: Place) -> None:
    if _has(connection, SCHEMA):
        raise RefusedInput(
            f"there is already a dataset in {place.url}",
            hint="Name a database that has none; 'createdb NAME' makes one.",
        )


def _has(connection: Connection, schema: str) -> bool:
    row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (schema,)).fetchone()
    return row is not None and bool(row[0])


def _lock(connection: Connection, place: Place, wait: float) -> None:
    """Hold COPY_LOCK until the connection is closed."""
    deadline = time.monotonic() + wait
    while True:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (COPY_LOCK,)).fetchone()
        if row is not None and row[0]:
            return
        if time.monotonic() >= deadline:
            raise DatasetBusy(
                f"another process is copying a dataset into {place.url} (waited {wait:g} s)",
                hint="Wait for its end, or wait longer with --wait SECONDS.",
            )
        time.sleep(_POLL_SECONDS)


def _types(connection: Connection, table: Table) -> list[int]:
    """The types of the table's columns, which binary rows must have exactly."""
    rows = connection.execute(
        "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
        (table.name,),
    )
    types: dict[str, int] = dict(rows)
    return [types[column] for column in table.columns]


def _set(connection: Connection, schema: str) -> None:
    connection.execute(f"SET search_path = {schema}, pg_temp")
    for statement in _SETTINGS:
        connection.execute(statement)


def _connected(place: Place, options: Options) -> closing[Connection]:
    """A connection of one's own, to a server that is waited for where it is starting."""
    return closing(pools.connect(place, wait=options.wait, told=options.told))


@contextmanager
def _errors(place: Place, wait: float, *, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        told = translated(error, place, wait=wait)
        if writing and isinstance(told, ConnectionLost):
            told.hint = "What was copied is kept: the same command goes on with it."
        raise told from error
