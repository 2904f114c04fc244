"""A dataset file, open: connections, transactions, the write lock, and SQLite's errors made ours.

Reads go through a read-only connection, one short statement at a time. Writes go through a second
connection, opened when first needed, inside `write()`, which holds the lock for one transaction.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from storage import in_use
from storage.bounds import all_bounded
from storage.errors import DatasetBusy, DatasetError
from storage.sqlite.failures import (
    READONLY,
    lock_failed,
    no_dataset,
    primary,
    read_only,
    translated,
)
from storage.sqlite.fingerprint import refuse_foreign_schema
from storage.sqlite.lock import WriteLock
from storage.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION, migrate

Row = tuple[Any, ...]
Parameters = Sequence[Any]
Result = TypeVar("Result")

PAGE_SIZE = 4096
CHECKPOINT_BYTES = 16 * 1024 * 1024
"""The write-ahead log is copied back into the file whenever it has grown past this."""

_MAGIC = b"SQLite format 3\x00"


class Database:
    """One dataset file, open in one thread. `outdated` opens also a file of an earlier schema,
    for `version`, `exclusive` and `backup` only."""

    def __init__(
        self, path: Path, *, create: bool = False, outdated: bool = False, wait: float
    ) -> None:
        # By one name, whichever link it is reached by: its locks and its log are named after it.
        self.path = Path(os.path.realpath(path)) if os.path.islink(path) else path
        self._outdated = outdated
        self._wait = wait
        self._lock = WriteLock(self.path, wait=wait)
        self._writer: sqlite3.Connection | None = None
        self._immutable = False
        if create:
            self._create()
        self._reader = self._open_reader()
        self._in_use = in_use.opened(self.path)

    # Reading

    @property
    def reader(self) -> sqlite3.Connection:
        """The read-only connection, for use inside `errors()`."""
        return self._reader

    def all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Every row of a query."""
        with self.errors():
            return self._asked(sql, parameters).fetchall()

    def rows(self, sql: str, parameters: Parameters = ()) -> Iterator[Any]:
        """The rows of a query one by one; the file stays open to it until the last is taken."""
        with self.errors():
            # Not `yield from`: left off in the middle, that closes the cursor, which cannot be done
            # after the file was closed.
            for row in self._asked(sql, parameters):  # noqa: UP028
                yield row

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row, if there is one."""
        with self.errors():
            row: Row | None = self._asked(sql, parameters).fetchone()
            return row

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first column of the first row; None where there is no row."""
        row = self.one(sql, parameters)
        return None if row is None else row[0]

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """What is read within is as of one moment. Keep it short: the log cannot be folded back
        past it."""
        with self.errors():
            self._reader.execute("BEGIN")
            try:
                yield
            finally:
                self._reader.execute("COMMIT")

    def another_reader(self) -> sqlite3.Connection:
        """A read-only connection of the caller's own, to close; for use inside `errors()`."""
        return self._connect(read_only=True)

    @property
    def version(self) -> int:
        """The schema's version that the file has now."""
        return int(self.value("PRAGMA user_version"))

    # Writing

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction under the write lock: committed whole, or not at all. `durable` waits
        until the disk has it (a person's edits); without it a power cut may take the last few
        transactions, never part of one, and a killed process takes none (bulk imports)."""
        if self._immutable:
            raise read_only(self.path)
        with self.errors(), self._lock_held():
            connection = self._open_writer()
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself, on a full disk for one.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._checkpoint_if_long(connection)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns SQLite's exceptions into pixshelf's."""
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error, self.path, wait=self._wait) from error

    def close(self) -> None:
        """Close both connections and fold the write-ahead log back into the file, unless others
        still have the file open. Safe to call twice."""
        self._reader.close()
        self._fold_log()
        if self._in_use is not None:
            in_use.closed(self._in_use)
            self._in_use = None

    def _fold_log(self) -> None:
        # The last connection to close checkpoints, so it closes under the lock. Where another
        # process holds the lock it also holds a connection, and will do this in its turn.
        if not self._immutable and self._wal_exists():
            with suppress(DatasetBusy, DatasetError, OSError), self._lock.held(wait=0.0):
                with suppress(sqlite3.Error):
                    self._open_writer().execute("SELECT 1 FROM sqlite_schema").fetchone()
                self._close_writer()
        self._close_writer()

    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """The writing connection under the write lock, in no transaction, for work that makes its
        own. At the end the write-ahead log is folded back into the file."""
        if self._immutable:
            raise read_only(self.path)
        with self.errors(), self._lock_held():
            connection = self._open_writer()
            connection.execute("PRAGMA synchronous=FULL")
            yield connection
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def vacuum(self) -> None:
        """Write the file anew without its unused room, which for that time is needed twice."""
        with self.exclusive() as connection:
            connection.execute("VACUUM")

    def backup(self, target: Path) -> None:
        """Copy the file as of one moment to `target`, which must not exist."""
        with self.errors():
            copy = sqlite3.connect(target, isolation_level=None)
            try:
                self._reader.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE").fetchone()
            finally:
                copy.close()

    # Within

    def _asked(self, sql: str, parameters: Parameters) -> sqlite3.Cursor:
        try:
            return self._reader.execute(sql, parameters)
        except OverflowError:
            return self._reader.execute(sql, all_bounded(parameters))

    def _create(self) -> None:
        """Make the file, or finish making it, where it is not there or not whole."""
        if self.path.exists() and self.path.stat().st_size > 0:
            self._refuse_what_is_no_file()
            self._undo_what_was_cut_short()
        if self.path.exists() and self.path.stat().st_size > 0:
            with self.errors():
                if self._readable(self._is_made):
                    return
        if not self.path.parent.is_dir():
            raise DatasetError(
                f"cannot create {self.path}: there is no folder {self.path.parent}",
                hint="Create the folder first, or name another place with --db.",
            )
        with (
            self.errors(),
            self._lock_held(),
            closing(self._connect(read_only=False)) as connection,
        ):
            # Another process may have been faster.
            if not _made(connection):
                connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
                # First of all, so that a file whose making was cut short is known for ours.
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute("PRAGMA journal_mode=WAL").fetchone()
                migrate(connection)

    @contextmanager
    def _lock_held(self) -> Iterator[None]:
        try:
            with self._lock.held():
                yield
        except OSError as error:
            raise lock_failed(error, self.path) from error

    def _undo_what_was_cut_short(self) -> None:
        """Roll back a write that was killed before the file had its write-ahead log. Only a
        connection that may write can do that; to any other the file looks read-only."""
        if not Path(f"{self.path}-journal").exists():
            return
        self._refuse_what_is_no_file()
        # Only here, where no connection of this process can be: see below.
        with self.path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise no_dataset(self.path)
        with (
            self.errors(),
            self._lock_held(),
            closing(self._connect(read_only=False)) as connection,
        ):
            connection.execute("SELECT 1 FROM sqlite_schema").fetchone()

    def _open_reader(self) -> sqlite3.Connection:
        self._undo_what_was_cut_short()
        self._refuse_what_is_no_file()
        with self.errors():
            return self._readable(self._connect_reader)

    def _readable(self, read: Callable[[], Result]) -> Result:
        """What `read` gives, in a place where nothing can be written too: there a file in WAL mode
        has no room for its index, and as nobody has it open to write, it is read as it lies."""
        try:
            return read()
        except sqlite3.OperationalError as error:
            code = primary(error)
            if self._wal_exists() or code not in {sqlite3.SQLITE_CANTOPEN, *READONLY}:
                raise
            self._immutable = True
            return read()

    def _is_made(self) -> bool:
        with closing(self._connect(read_only=True)) as connection:
            self._recognise(connection)
            return _made(connection)

    def _connect_reader(self) -> sqlite3.Connection:
        connection = self._connect(read_only=True)
        try:
            version = self._recognise(connection)
            if version == 0:
                raise DatasetError(
                    f"{self.path} was not finished when it was made",
                    hint="'pixshelf db init' finishes it.",
                )
            if version < SCHEMA_VERSION and not self._outdated:
                raise DatasetError(
                    f"{self.path} has schema version {version}; this program needs "
                    f"{SCHEMA_VERSION}",
                    hint="'pixshelf db migrate' brings it there, and keeps a backup.",
                )
            connection.execute("SELECT 1 FROM image LIMIT 1").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            # A file that was removed meanwhile is not made anew, empty.
            self._writer = self._connect(read_only=False, create=False)
        return self._writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _connect(self, *, read_only: bool, create: bool = True) -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc" if create else "rw"
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        if read_only and self._immutable:
            uri += "&immutable=1"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=self._wait)
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-16384")
        if not read_only:
            connection.execute("PRAGMA wal_autocheckpoint=0")
        return connection

    def _refuse_what_is_no_file(self) -> None:
        """Refuse what is seen to be no dataset from without. The file is left to SQLite to open: to
        open and close it here would take away the locks that other connections of this process
        have on it (sqlite.org/howtocorrupt.html, 2.2), and the next process to close the file
        would then delete the write-ahead log that they go on writing to."""
        path = self.path
        if path.is_dir():
            raise DatasetError(f"{path} is a folder, not a dataset file")
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise DatasetError(
                f"there is no dataset file {path}",
                hint="Create it with 'pixshelf import SOURCE' or 'pixshelf db init', "
                "or name another with --db.",
            ) from error
        except OSError as error:
            raise DatasetError(f"cannot read {path}: {error.strerror}") from error
        if not os.access(path, os.R_OK):
            raise DatasetError(f"cannot read {path}: {os.strerror(errno.EACCES)}")
        if size == 0:
            raise no_dataset(self.path)

    def _recognise(self, connection: sqlite3.Connection) -> int:
        """The file's schema version. Raises DatasetError if it is not one that can be read."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise DatasetError(
                f"{self.path} is an SQLite file of another program, not a dataset file",
                hint="A dataset file is made by 'pixshelf import' or 'pixshelf db init'.",
            )
        if version > SCHEMA_VERSION:
            raise DatasetError(
                f"{self.path} has schema version {version}; this program knows up to "
                f"{SCHEMA_VERSION}",
                hint="It was made by a newer pixshelf: upgrade this one.",
            )
        if version:
            refuse_foreign_schema(connection, version, self.path)
        return version

    def _checkpoint_if_long(self, connection: sqlite3.Connection) -> None:
        wal = self._wal()
        if wal.exists() and wal.stat().st_size > CHECKPOINT_BYTES:
            # What was committed is stored, in the log if not in the file: a disk that is full now
            # fails the next write, not this one.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _wal(self) -> Path:
        return Path(f"{self.path}-wal")

    def _wal_exists(self) -> bool:
        return self._wal().exists()


def _made(connection: sqlite3.Connection) -> bool:
    """Whether the making of the file was finished: it is of the newest schema, or of an older one
    and in use, which only `db migrate` changes."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if 0 < version < SCHEMA_VERSION:
        return connection.execute("SELECT 1 FROM import LIMIT 1").fetchone() is not None
    return bool(version)
