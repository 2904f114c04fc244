"""What a backend gives so that its datasets can be copied: rows out as of one moment, rows in.

storage/sqlite/tables.py and storage/postgres/tables.py have both. Whatever goes wrong is raised as
the backend raises it elsewhere: DatasetError, DatasetBusy, StorageFull, RefusedInput.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from storage.copying.tables import Key, Row, Table
from storage.errors import RefusedInput


@dataclass(frozen=True, slots=True)
class Options:
    """How the target is opened. `wait` is in seconds: for a server that is starting, of which
    `told` hears, and for another process that copies there. `restart` throws away what an earlier
    attempt left."""

    wait: float = 10.0
    restart: bool = False
    told: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a target before a copy: its place, and whether there is an attempt to go on
    with."""

    place: str
    resumed: bool


def other_source(place: str, other: str) -> RefusedInput:
    """For a target that holds an unfinished copy of something else."""
    return RefusedInput(
        f"{place} has an unfinished copy of {other}",
        hint="Go on with that one, or throw it away with --restart.",
    )


class TableReader(Protocol):
    """A dataset's rows, all as of one moment."""

    @property
    def place(self) -> str:
        """The dataset's path or URL, always the same for the same one, without a password."""
        ...

    def count(self, table: Table) -> int:
        """How many rows the table has."""
        ...

    def image_bytes(self) -> int:
        """The bytes of all images, as they are noted beside them."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """Every row, in the order of its key. Reads ahead no more than a batch."""
        ...


class TableWriter(Protocol):
    """A dataset on its way in, out of sight until it is published. No other process writes it."""

    @property
    def found(self) -> Found:
        """Where it is, and whether an earlier attempt is gone on with, whose rows are there."""
        ...

    def clear(self, tables: Sequence[Table]) -> None:
        """Take every row out of the tables."""
        ...

    def write(self, table: Table, rows: Sequence[Row], *, gone: Collection[Key] = ()) -> None:
        """Take out the rows with these keys, then put in the others: one transaction."""
        ...

    def abridged(self, table: Table) -> Iterator[Row]:
        """What an earlier attempt left of the table, each row as Table.abridged gives it, in the
        order of its key; also while `write` is called for the same table."""
        ...

    def written(self) -> AbstractContextManager[TableReader]:
        """Everything that was written, read back."""
        ...

    def publish(self) -> None:
        """Make indexes, references, triggers and views, and the dataset seen under its own name,
        durably, all or nothing. Raises RefusedInput where one has appeared there meanwhile."""
        ...
