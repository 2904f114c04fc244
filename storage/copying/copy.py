"""`copy_dataset`: every row of a dataset into a new one, in another place or another backend.

The source is read as of one moment. The target is out of sight until all of it is there and was
read back; until then it lies where the next attempt finds it and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from storage.copying.stores import Found, Options, TableReader, TableWriter
from storage.copying.tables import (
    BATCH_BYTES,
    BATCH_ROWS,
    TABLES,
    Key,
    Row,
    Table,
    Tally,
    batches,
    weight,
)
from storage.copying.verifying import lockstep, verify
from storage.errors import UsageError
from storage.opening import is_postgres, path_of, require_psycopg

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, rows done, rows in all)."""

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What became of a copy. `rows` counts by table; `kept` of them were there from an earlier
    attempt. `bytes` are those of the images. Neither place has a password in it."""

    source: str
    target: str
    rows: dict[str, int]
    bytes: int
    kept: int
    resumed: bool
    seconds: float
    dry_run: bool


def copy_dataset(
    source: str | Path,
    target: str | Path,
    *,
    wait: float = 10.0,
    restart: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    told: Told | None = None,
) -> CopyReport:
    """Copy a dataset, as of one moment, to a place where there is none: every table, with the same
    ids. What an earlier attempt left of a copy of the same source is gone on with; `restart` throws
    it away first. `dry_run` looks at both places and writes nothing. `wait` is how many seconds a
    server that is starting is waited for, of which `told` hears.

    When it returns, the target is whole, durable, and was compared with the source: the rows of
    every table, and every image's and model's bytes with their sha256. When it raises, there is no
    dataset at the target; what was copied by then is kept for the next attempt.

    Raises UsageError for one dataset named twice, RefusedInput where there is a dataset at the
    target or an unfinished copy of another, DatasetBusy where another process copies there,
    DatasetError (also where the copy is not what the source has, and says what differs),
    StorageFull.
    """
    began = time.monotonic()
    _refuse_the_same(source, target)
    options = Options(wait, restart, told)
    kept = 0
    with _reading(source, options) as reader:
        rows = {table.name: reader.count(table) for table in TABLES}
        size = reader.image_bytes()
        if dry_run:
            found = _look(target, reader.place, options)
        else:
            with _writing(target, reader.place, options) as writer:
                work = _Copy(reader, writer, sum(rows.values()), progress or _nobody)
                work.copy()
                work.verify()
                work.say("making indexes")
                writer.publish()
                found, kept = writer.found, work.kept
        seconds = time.monotonic() - began
        return CopyReport(
            reader.place, found.place, rows, size, kept, found.resumed, seconds, dry_run
        )


@dataclass(slots=True)
class _Copy:
    """A copy under way: what was read is tallied for the comparison at its end."""

    reader: TableReader
    writer: TableWriter
    total: int
    progress: Progress
    kept: int = 0
    done: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)

    def copy(self) -> None:
        """Bring every row over, the light tables anew."""
        if self.writer.found.resumed:
            self.writer.clear([table for table in TABLES if not table.heavy])
        for table in TABLES:
            rows = self._tallied(table)
            if self.writer.found.resumed and table.heavy:
                self._go_on(table, rows)
                continue
            for batch in batches(row for row, _ in rows):
                self.writer.write(table, batch)
                self._step(f"copying {table.name}", len(batch))

    def verify(self) -> None:
        """Read everything back, and compare it."""
        self.done = 0
        with self.writer.written() as written:
            verify(self.reader, written, self.tallies, self.writer.found.place, self._step)

    def say(self, what: str) -> None:
        """Tell what is being done now."""
        self.progress(what, self.done, self.total)

    def _tallied(self, table: Table) -> Iterator[tuple[Row, Row]]:
        """The source's rows, each with its abridged form."""
        tally = self.tallies[table.name] = Tally()
        for row in self.reader.rows(table):
            short = table.abridged(row)
            tally.add(short)
            yield row, short

    def _go_on(self, table: Table, rows: Iterator[tuple[Row, Row]]) -> None:
        """Bring a heavy table's rows over that are not there yet, or are others there; take those
        out that the source has no more."""
        new: list[Row] = []
        gone: list[Key] = []
        size = passed = 0
        there = self.writer.abridged(table)
        pairs = lockstep(rows, there, lambda pair: table.key_of(pair[1]), table.key_of)
        for pair, old in pairs:
            passed += pair is not None
            if pair is not None and pair[1] == old:
                self.kept += 1
            else:
                if old is not None:
                    gone.append(table.key_of(old))
                if pair is not None:
                    new.append(pair[0])
                    size += weight(pair[0])
            if passed >= BATCH_ROWS or len(gone) >= BATCH_ROWS or size >= BATCH_BYTES:
                self.writer.write(table, new, gone=gone)
                self._step(f"copying {table.name}", passed)
                new, gone, size, passed = [], [], 0, 0
        self.writer.write(table, new, gone=gone)
        self._step(f"copying {table.name}", passed)

    def _step(self, what: str, rows: int) -> None:
        self.done += rows
        self.progress(what, self.done, self.total)


def _refuse_the_same(source: str | Path, target: str | Path) -> None:
    if is_postgres(source) != is_postgres(target):
        return
    if is_postgres(source):
        require_psycopg()
        from storage.postgres.place import place_of

        same = place_of(str(source)).url == place_of(str(target)).url
    else:
        same = path_of(source).resolve() == path_of(target).resolve()
    if same:
        raise UsageError("a dataset cannot be copied onto itself", hint="Name another place.")


def _reading(source: str | Path, options: Options) -> AbstractContextManager[TableReader]:
    if is_postgres(source):
        require_psycopg()
        from storage.postgres.tables import reading as reading_database

        return reading_database(str(source), options)
    from storage.sqlite.tables import reading as reading_file

    return reading_file(path_of(source), options)


def _look(target: str | Path, source: str, options: Options) -> Found:
    if is_postgres(target):
        require_psycopg()
        from storage.postgres.tables import look as look_at_database

        return look_at_database(str(target), source, options)
    from storage.sqlite.tables import look as look_at_file

    return look_at_file(path_of(target), source, options)


def _writing(
    target: str | Path, source: str, options: Options
) -> AbstractContextManager[TableWriter]:
    if is_postgres(target):
        require_psycopg()
        from storage.postgres.tables import writing as writing_database

        return writing_database(str(target), source, options)
    from storage.sqlite.tables import writing as writing_file

    return writing_file(path_of(target), source, options)


def _nobody(what: str, done: int, total: int) -> None:
    """What hears of the progress where nobody wants to."""
