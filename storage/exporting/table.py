"""A CSV with one row an image: where it came from, what it is, and what a model says of it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from storage.exporting.selected import Progress, counted, records
from storage.exporting.target import new_file
from storage.query import Query
from storage.records import ImageRecord
from storage.repository import Repository

COLUMNS = (
    "id",
    "source",
    "label",
    "split",
    "tags",
    "width",
    "height",
    "channels",
    "format",
    "bytes",
    "sha256",
    "added_at",
    "predicted",
    "confidence",
    "wrong",
)


def export_csv(
    repo: Repository, query: Query, target: Path, *, progress: Progress | None = None
) -> int:
    """Write a new CSV in UTF-8 with the images that match, in the query's order; says how many.

    Values stand as they are and are quoted where CSV needs it; a program that takes a value
    beginning with '=' for a formula must be told not to. Tags are parted by commas. What is not
    known is empty. Raises RefusedInput if `target` exists or cannot be written, StorageFull.
    """
    tell = counted(repo, query, progress)
    done = 0
    with new_file(target) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for image in records(repo, query):
            rows.writerow(_values(image))
            done += 1
            tell(done)
    return done


def _values(image: ImageRecord) -> Iterator[object]:
    yield image.id
    yield image.source
    yield image.label or ""
    yield image.split or ""
    yield ",".join(image.tags)
    yield image.width
    yield image.height
    yield image.channels
    yield image.format
    yield image.bytes
    yield image.sha256.hex()
    yield datetime.fromtimestamp(image.added_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = image.prediction
    if said is None:
        yield from ("", "", "")
    else:
        yield said.label
        yield f"{said.confidence:.6f}"
        yield "" if said.wrong is None else int(said.wrong)
