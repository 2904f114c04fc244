"""The tables of a dataset as they are copied: columns, keys, and what tells two rows apart.

The names are those of every backend. A row is a tuple of its table's columns in their order here;
its key comes first.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from storage.records import SqlValue

Row = tuple[SqlValue, ...]
Key = tuple[SqlValue, ...]

BATCH_ROWS = 5_000
BATCH_BYTES = 16 * 1024 * 1024
"""A batch ends with the row that fills either."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. The first `key_length` of `columns` are its key, by which it is read and compared.
    The columns at `blobs` may be large; a table that has any is `heavy`: when a copy goes on, its
    rows that are right are kept."""

    name: str
    columns: tuple[str, ...]
    key_length: int = 1
    blobs: tuple[int, ...] = ()

    @property
    def heavy(self) -> bool:
        """Whether the rows are worth keeping."""
        return bool(self.blobs)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the key."""
        return self.columns[: self.key_length]

    def key_of(self, row: Row) -> Key:
        """The key of a row."""
        return row[: self.key_length]

    def abridged(self, row: Row) -> Row:
        """The row with each blob's sha256 in its place: equal for equal rows."""
        if not self.blobs:
            return row
        short = list(row)
        for place in self.blobs:
            blob = row[place]
            short[place] = hashlib.sha256(blob).digest() if isinstance(blob, bytes) else None
        return tuple(short)


def _table(name: str, columns: str, *, key: int = 1, blobs: tuple[str, ...] = ()) -> Table:
    names = tuple(columns.split())
    return Table(name, names, key, tuple(names.index(blob) for blob in blobs))


TABLES: tuple[Table, ...] = (
    _table("label", "id name"),
    _table("tag", "id name"),
    _table("import", "id started_at location settings"),
    _table(
        "image",
        "id sha256 pixel_hash dhash label_id split width height channels format bytes import_id "
        "source",
    ),
    _table("image_data", "image_id data", blobs=("data",)),
    _table("thumbnail", "image_id data", blobs=("data",)),
    _table("image_tag", "tag_id image_id", key=2),
    _table("trash", "image_id at"),
    _table("measure", "image_id version low high contrast spread sharpness animated"),
    _table(
        "run",
        "id name status seed settings labels data_digest versions total_epochs total_steps pid "
        "started_at finished_at error",
    ),
    _table(
        "epoch",
        "run_id epoch step seconds learning_rate train_loss train_accuracy val_loss val_accuracy",
        key=2,
    ),
    _table(
        "checkpoint",
        "run_id kind epoch step weights optimizer",
        key=2,
        blobs=("weights", "optimizer"),
    ),
    _table(
        "model",
        "id run_id name spec parameters temperature val_accuracy val_loss weights_sha256 "
        "litert_sha256 created_at",
    ),
    _table("model_label", "model_id position label_id", key=2),
    _table("model_data", "model_id weights litert", blobs=("weights", "litert")),
    _table(
        "prediction",
        "id model_id image_id label_id confidence margin truth_id wrong created_at",
    ),
    _table("prediction_probabilities", "prediction_id probabilities", blobs=("probabilities",)),
    _table("action", "id at actor kind summary images state before after"),
    _table("event", "id action_id image_id before after"),
)
"""Every table, in an order in which each comes after those that it refers to."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Columns of one table that say what the blobs of another are: (key, sha256 …)."""

    table: str
    columns: tuple[str, ...]
    keeper: str


PROMISES = (
    Promise("image", ("id", "sha256"), "image_data"),
    Promise("model", ("id", "weights_sha256", "litert_sha256"), "model_data"),
)


@dataclass(slots=True)
class Tally:
    """How many rows, and a digest over all of them in the order in which they were added."""

    rows: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, row: Row) -> None:
        """Take up the next row, abridged."""
        self.rows += 1
        # The oldest form with 64-bit floats: the same bytes for the same values, whoever made them.
        self._digest.update(marshal.dumps(row, 2))

    def agrees(self, other: Tally) -> bool:
        """Whether both were given the same rows."""
        return self.rows == other.rows and self._digest.digest() == other._digest.digest()


def weight(row: Row) -> int:
    """About how many bytes a row takes."""
    return 64 + sum(len(value) for value in row if isinstance(value, bytes | str))


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in lists, each of at most BATCH_ROWS and about BATCH_BYTES, or of one row."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += weight(row)
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
