"""A dataset in PostgreSQL, open: statements, transactions, the write lock, and broken connections.

Reads are single statements on any connection of the pool; one whose connection breaks is asked
again. Writes are one transaction each under an advisory lock; one whose connection breaks is not
repeated, and where the answer to its COMMIT was lost the server is asked what became of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from storage.bounds import all_bounded
from storage.errors import ConnectionLost, DatasetError, PixshelfError
from storage.postgres import pools
from storage.postgres.failures import has_broken, lost, translated, unheld
from storage.postgres.place import Place, place_of
from storage.postgres.schema import SCHEMA, SCHEMA_VERSION, TABLES, statements

Row = tuple[Any, ...]
Parameters = Sequence[Any]
Connection = psycopg.Connection[Row]
Result = TypeVar("Result")

WRITE_LOCK = 0x50785368
"""The advisory lock of whoever writes; 'PxSh'."""

BEGIN_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Whatever the database begins with by itself: under the lock, what others committed before is
seen."""

# What is said to be stored is on the disk, also where the server is set to promise less.
_FOR_WRITING = """
    SELECT set_config('lock_timeout', %s, true),
        CASE current_setting('synchronous_commit')
            WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END
"""

STREAMED_ROWS = 1_000
"""Rows that `column` reads ahead."""


class Database:
    """One dataset in a PostgreSQL database, open in one thread. `told` hears that a server that is
    starting is waited for. `outdated` opens also an earlier schema, for `version` only."""

    def __init__(
        self,
        url: str,
        *,
        create: bool = False,
        outdated: bool = False,
        wait: float,
        refused: float | None = None,
        told: pools.Told | None = None,
    ) -> None:
        self.place: Place = place_of(url)
        self._wait = wait
        self._moment: Connection | None = None
        self._pool: pools.Pool | None = pools.take(
            self.place, wait=wait, refused=refused, told=told
        )
        try:
            if create:
                self._create()
            self._recognise(outdated=outdated)
        except BaseException:
            self.close()
            raise

    # Reading

    def all(self, sql: str, parameters: Parameters = (), *, prepare: bool = False) -> list[Row]:
        """Every row of a query. One that is asked often, and whose plan is the same whatever the
        values are, may be prepared: a connection plans it once."""
        bound = all_bounded(parameters)
        return self._read(lambda c: c.execute(sql, bound, binary=True, prepare=prepare).fetchall())

    def one(self, sql: str, parameters: Parameters = (), *, prepare: bool = False) -> Row | None:
        """The first row, if there is one."""
        bound = all_bounded(parameters)
        return self._read(lambda c: c.execute(sql, bound, binary=True, prepare=prepare).fetchone())

    def value(self, sql: str, parameters: Parameters = (), *, prepare: bool = False) -> Any:
        """The first column of the first row; None where there is no row."""
        row = self.one(sql, parameters, prepare=prepare)
        return None if row is None else row[0]

    def column(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """The first column of every row. The rows are taken one by one: a million, held together,
        would take three times what the column does."""

        def work(connection: Connection) -> list[Any]:
            with connection.cursor(binary=True) as one:
                rows = one.stream(sql, all_bounded(parameters), binary=True, size=STREAMED_ROWS)
                return [row[0] for row in rows]

        return self._read(work)

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """What is read within is as of one moment."""
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with self.errors():
            # Whatever ends the block, the pool ends the transaction.
            self._moment, _ = self._started(lambda connection: connection.execute(begin))
            try:
                yield
            finally:
                self._open_pool.putconn(self._moment)
                self._moment = None

    @property
    def wait(self) -> float:
        """Seconds to wait for other writers, and for a server that is away."""
        return self._wait

    @property
    def version(self) -> int:
        """The schema's version that the dataset has now; 0 where there is no dataset."""
        if self.value("SELECT to_regclass(%s)::oid", (f"{SCHEMA}.dataset",)) is None:
            return 0
        return int(self.value("SELECT max(version) FROM dataset") or 0)

    # Writing

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction under the write lock: committed whole and durable, or not at all."""
        with self.errors(writing=True):
            connection, transaction = self._started(self._begin)
            try:
                yield connection
                self._commit(connection, transaction)
            finally:
                # What is not committed, the pool rolls back.
                self._open_pool.putconn(connection)

    @contextmanager
    def errors(self, *, writing: bool = False) -> Iterator[None]:
        """Turns psycopg's exceptions into pixshelf's."""
        try:
            yield
        except psycopg.Error as error:
            raise translated(error, self.place, wait=self._wait, writing=writing) from error
        except UnicodeEncodeError as error:
            raise unheld() from error

    def own_connection(self) -> Connection:
        """A connection of the caller's own, to close: for locks that last, and for statements of
        others. Raises DatasetError."""
        return pools.connect(self.place, wait=self._wait)

    def vacuum(self) -> None:
        """Make the room of what was deleted free for what comes, and count anew what the planner
        goes by."""
        tables = ", ".join(f"{SCHEMA}.{table}" for table in TABLES)
        self._read(lambda connection: connection.execute(f"VACUUM (ANALYZE) {tables}"))

    def close(self) -> None:
        """Give the connections back. Safe to call twice."""
        if self._pool is not None:
            self._pool = None
            pools.give_back(self.place)

    # Within

    @property
    def _open_pool(self) -> pools.Pool:
        if self._pool is None:
            raise DatasetError(f"{self.place.url} was closed")
        return self._pool

    def _read(self, work: Callable[[Connection], Result]) -> Result:
        with self.errors():
            if self._moment is not None:
                return work(self._moment)
            connection, result = self._started(work)
            self._open_pool.putconn(connection)
            return result

    def _started(self, work: Callable[[Connection], Result]) -> tuple[Connection, Result]:
        """Do what changes nothing, again on another connection where the one broke; gives the
        result, and the connection, which is to go back to the pool."""
        deadline = time.monotonic() + max(self._wait, 1.0)
        while True:
            connection = pools.get(self._open_pool, self.place, wait=self._wait)
            try:
                return connection, work(connection)
            except BaseException as error:
                again = has_broken(connection, error) and time.monotonic() < deadline
                self._open_pool.putconn(connection)
                if not again:
                    raise

    def _begin(self, connection: Connection) -> str:
        """Begin a transaction that holds the write lock, with nothing written yet; gives its
        number."""
        connection.execute(BEGIN_WRITING)
        limit = f"{max(1, int(self._wait * 1000))}ms"
        connection.execute(_FOR_WRITING, (limit,))
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (WRITE_LOCK,))
        row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        if row is None:
            raise DatasetError(f"{self.place.url} gave a transaction no number")
        return str(row[0])

    def _commit(self, connection: Connection, transaction: str) -> None:
        try:
            answer = connection.execute("COMMIT").statusmessage
        except psycopg.OperationalError as error:
            if not has_broken(connection, error):
                raise
            if not self._was_committed(transaction):
                raise lost(self.place, writing=True) from error
        else:
            # A transaction in which a statement failed is rolled back by COMMIT, without an error.
            if answer != "COMMIT":
                raise DatasetError(
                    f"{self.place.url} answered COMMIT with {answer}: nothing was stored",
                    hint="Run the command again.",
                )

    def _was_committed(self, transaction: str) -> bool:
        """What became of a transaction whose COMMIT was not answered. Raises DatasetError where
        that cannot be told."""
        deadline = time.monotonic() + max(self._wait, 1.0)
        status = None
        try:
            while time.monotonic() < deadline:
                status = self._read(
                    lambda c: c.execute(
                        "SELECT pg_xact_status(%s::xid8)", (transaction,)
                    ).fetchone()
                )
                if status is not None and status[0] in ("committed", "aborted"):
                    return bool(status[0] == "committed")
                time.sleep(0.05)
        except PixshelfError as error:
            raise self._in_doubt() from error
        raise self._in_doubt()

    def _in_doubt(self) -> ConnectionLost:
        return ConnectionLost(
            f"the connection to the PostgreSQL server {self.place.server} was lost while a change "
            "was being stored: it is there whole, or not at all",
            hint="Look with 'pixshelf history' when the server is back.",
        )

    def _create(self) -> None:
        """Make the tables where there are none."""
        if self.version:
            return
        with self.write() as connection:
            # Another process may have been faster.
            found = connection.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone()
            if found is not None and found[0] is not None:
                if self.version:
                    return
                raise DatasetError(
                    f"{self.place.url} has a schema '{SCHEMA}' that is no dataset",
                    hint="Name another database, or let its owner rename that schema.",
                )
            for statement in statements():
                connection.execute(statement)
            connection.execute(
                "INSERT INTO dataset (version, created_at) VALUES (%s, %s)",
                (SCHEMA_VERSION, int(time.time())),
            )

    def _recognise(self, *, outdated: bool) -> None:
        version = self.version
        url = self.place.url
        if version == 0:
            raise DatasetError(
                f"there is no dataset in {url}",
                hint="Create it with 'pixshelf import SOURCE' or 'pixshelf db init'.",
            )
        if version > SCHEMA_VERSION:
            raise DatasetError(
                f"{url} has schema version {version}; this program knows up to {SCHEMA_VERSION}",
                hint="A newer pixshelf made it: install that one.",
            )
        if version < SCHEMA_VERSION and not outdated:
            raise DatasetError(
                f"{url} has schema version {version}; this program needs {SCHEMA_VERSION}",
                hint="'pixshelf db migrate' brings it there.",
            )
