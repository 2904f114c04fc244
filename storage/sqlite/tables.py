"""Whole tables of a dataset file, in and out, for storage.copying.

A copy on its way in lies beside its target as TARGET.copying, in a file that is marked as no
dataset until the copy is whole. Its indexes are made last.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from storage.backups import put_in_place, refuse_taken
from storage.copying.stores import Found, Options, TableReader, other_source
from storage.copying.tables import Key, Row, Table, batches
from storage.errors import DatasetError, RefusedInput
from storage.sqlite.database import PAGE_SIZE, Database
from storage.sqlite.failures import lock_failed, translated
from storage.sqlite.fingerprint import refuse_foreign_schema
from storage.sqlite.lock import WriteLock
from storage.sqlite.schema import APPLICATION_ID, LARGE, LARGE_INDEXES, SCHEMA_VERSION, migrate

UNFINISHED_ID = 0x50785363
"""'PxSc', in the header of a file that is no dataset yet."""

_BESIDE = ("", "-wal", "-shm", "-journal")
_INDEXES = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"


@contextmanager
def reading(path: Path, options: Options) -> Iterator[TableReader]:
    """The rows of a dataset file, as of one moment."""
    with closing(Database(path, wait=options.wait)) as database, database.one_moment():
        yield SqliteReader(database.reader, database.path, options.wait)


def look(target: Path, source: str, options: Options) -> Found:
    """What `writing` would find. Raises RefusedInput as it does."""
    refuse_taken(target)
    unfinished = _unfinished(target)
    with _locked(unfinished, options.wait), _errors(unfinished, options.wait):
        note = None if options.restart else _note_in(unfinished)
    return Found(_named(target), resumed=_is_of(note, source, target))


@contextmanager
def writing(target: Path, source: str, options: Options) -> Iterator[SqliteWriter]:
    """A new dataset file on its way in. `source` is noted in it, and one of another refused."""
    refuse_taken(target)
    unfinished = _unfinished(target)
    with _locked(unfinished, options.wait):
        # Another process may have been faster.
        refuse_taken(target)
        found = Found(_named(target), resumed=_prepare(unfinished, source, target, options))
        with _errors(unfinished, options.wait):
            connection = _connect(unfinished, "rw")
        try:
            yield SqliteWriter(connection, target, found, options.wait)
        finally:
            connection.close()


class SqliteReader:
    """See storage.copying.stores.TableReader."""

    def __init__(self, connection: sqlite3.Connection, path: Path, wait: float) -> None:
        self._connection = connection
        self._path = path
        self._wait = wait

    @property
    def place(self) -> str:
        return _named(self._path)

    def count(self, table: Table) -> int:
        return self._number(f"SELECT count(*) FROM {table.name}")

    def image_bytes(self) -> int:
        return self._number("SELECT coalesce(sum(bytes), 0) FROM image")

    def rows(self, table: Table) -> Iterator[Row]:
        # A statement for each batch: between them nothing is being read, and others may write.
        key = ", ".join(table.key)
        select = f"SELECT {', '.join(table.columns)} FROM {table.name}"
        after = f"WHERE ({key}) > ({', '.join('?' * table.key_length)})"
        where, last = "", Key()
        while True:
            with _errors(self._path, self._wait):
                cursor = self._connection.execute(f"{select} {where} ORDER BY {key}", last)
                batch = next(batches(cursor), [])
                cursor.close()
            if not batch:
                return
            yield from batch
            where, last = after, table.key_of(batch[-1])

    def _number(self, sql: str) -> int:
        with _errors(self._path, self._wait):
            return int(self._connection.execute(sql).fetchone()[0])


class SqliteWriter:
    """See storage.copying.stores.TableWriter."""

    def __init__(
        self, connection: sqlite3.Connection, target: Path, found: Found, wait: float
    ) -> None:
        self._connection = connection
        self._target = target
        self._path = _unfinished(target)
        self._wait = wait
        self.found = found

    def clear(self, tables: Sequence[Table]) -> None:
        with self._transaction():
            for table in tables:
                self._connection.execute(f"DELETE FROM {table.name}")

    def write(self, table: Table, rows: Sequence[Row], *, gone: Collection[Key] = ()) -> None:
        key = " AND ".join(f"{column} = ?" for column in table.key)
        marks = ", ".join("?" * len(table.columns))
        columns = ", ".join(table.columns)
        with self._transaction():
            self._connection.executemany(f"DELETE FROM {table.name} WHERE {key}", gone)
            self._connection.executemany(
                f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", rows
            )

    def abridged(self, table: Table) -> Iterator[Row]:
        reader = SqliteReader(self._connection, self._path, self._wait)
        return map(table.abridged, reader.rows(table))

    @contextmanager
    def written(self) -> Iterator[TableReader]:
        with closing(_connect(self._path, "ro")) as connection:
            yield SqliteReader(connection, self._path, self._wait)

    def publish(self) -> None:
        connection = self._connection
        with _errors(self._path, self._wait):
            connection.execute("PRAGMA synchronous=FULL")
        with self._transaction():
            for statement in _indexes().values():
                connection.execute(statement)
            if connection.execute("SELECT max(id) >= ? FROM image", (LARGE,)).fetchone()[0]:
                for statement in LARGE_INDEXES:
                    connection.execute(statement)
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
            if broken is not None:
                raise DatasetError(
                    f"row {broken[1]} of {broken[0]} points at nothing in {broken[2]}",
                    hint="What is copied has that too: see 'pixshelf db check', and mend it there.",
                )
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        with _errors(self._path, self._wait):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.close()
        put_in_place(self._path, self._target)
        self._path.unlink()
        # Last: by its note a file that is whole is known for one of ours until it has its name.
        with (
            closing(Database(self._target, wait=self._wait)) as database,
            database.write() as writer,
        ):
            writer.execute("DROP TABLE copying")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _errors(self._path, self._wait):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _prepare(unfinished: Path, source: str, target: Path, options: Options) -> bool:
    """Make the file, or make the one that an earlier attempt left ready to go on with; gives
    whether there was one."""
    with _errors(unfinished, options.wait):
        note = _note_in(unfinished)
        if options.restart or note is None:
            for end in _BESIDE:
                Path(f"{unfinished}{end}").unlink(missing_ok=True)
            note = None
        resumed = _is_of(note, source, target)
        with closing(_connect(unfinished, "rwc")) as connection:
            if resumed:
                refuse_foreign_schema(connection, SCHEMA_VERSION, unfinished)
            else:
                _make(connection, source)
            connection.execute("BEGIN IMMEDIATE")
            for name, _ in connection.execute(_INDEXES).fetchall():
                connection.execute(f"DROP INDEX {name}")
            connection.execute(f"PRAGMA application_id={UNFINISHED_ID}")
            connection.execute("COMMIT")
    return resumed


def _make(connection: sqlite3.Connection, source: str) -> None:
    connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
    # First of all, so that a file whose making was cut short is known for ours.
    connection.execute(f"PRAGMA application_id={UNFINISHED_ID}")
    connection.execute("PRAGMA journal_mode=WAL").fetchone()
    migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE copying (source TEXT NOT NULL, version INTEGER NOT NULL)")
    connection.execute("INSERT INTO copying VALUES (?, ?)", (source, SCHEMA_VERSION))
    connection.execute("COMMIT")


def _note_in(path: Path) -> tuple[str, int] | None:
    """What an unfinished copy is of, and its schema's version; None where there is nothing to go on
    with. Raises RefusedInput for a file that is no unfinished copy."""
    # One with two names is published: of its making nothing was left to do but to take this one.
    if not path.exists() or path.stat().st_nlink > 1:
        return None
    with closing(_connect(path, "rw")) as connection:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
        ours = application in (UNFINISHED_ID, APPLICATION_ID)
        if ours and "copying" in tables:
            note = connection.execute("SELECT source, version FROM copying").fetchone()
            return None if note is None else (str(note[0]), int(note[1]))
    if tables and application != UNFINISHED_ID:
        raise RefusedInput(
            f"{path} is there, and is no unfinished copy",
            hint="A copy is written under that name first: move the file away.",
        )
    return None


def _is_of(note: tuple[str, int] | None, source: str, target: Path) -> bool:
    """Whether there is an attempt to go on with. Raises RefusedInput for one of another source."""
    if note is None:
        return False
    if note != (source, SCHEMA_VERSION):
        raise other_source(_named(target), note[0])
    return True


def _indexes() -> dict[str, str]:
    """The statements that make the indexes of a new dataset, by their names."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        return dict(connection.execute(_INDEXES))


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA cache_size=-16384")
    return connection


@contextmanager
def _locked(path: Path, wait: float) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(WriteLock(path, wait=wait).held())
        except OSError as error:
            raise lock_failed(error, path) from error
        yield


@contextmanager
def _errors(path: Path, wait: float) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path, wait=wait) from error


def _unfinished(target: Path) -> Path:
    return Path(f"{target}.copying")


def _named(path: Path) -> str:
    return os.path.realpath(path)
