"""A CSV with one row an image: where it came from, what it is, and what a model says of it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from storage.errors import UsageError
from storage.exporting.manifests import Carried, new_manifest, split_word, tags_cell, time_text
from storage.exporting.selected import Progress, counted, records, with_data
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
    repo: Repository,
    query: Query,
    target: Path,
    *,
    carried: Carried = None,
    progress: Progress | None = None,
) -> int:
    """Write a new CSV in UTF-8 with the images that match, in the query's order; says how many.

    Values stand as they are and are quoted where CSV needs it; a program that takes a value
    beginning with '=' for a formula must be told not to. Tags are parted by commas (as a JSON list
    where one has a semicolon in it). What is not known is empty.

    `carried` 'files' writes each image's bytes into a folder beside it and a first column `path`;
    importing the CSV then gives the same images, labels, splits and tags. Raises UsageError for
    'base64', RefusedInput if `target` exists or cannot be written, StorageFull.
    """
    if carried == "base64":
        raise UsageError(
            "a CSV does not hold images in base64", hint="Choose files, or write JSON Lines."
        )
    tell = counted(repo, query, progress)
    done = 0
    with (
        new_manifest(target, files=carried == "files") as places,
        places.manifest.open("w", encoding="utf-8", newline="") as file,
    ):
        rows = csv.writer(file, lineterminator="\n")
        if carried is None:
            rows.writerow(COLUMNS)
            for done, image in enumerate(records(repo, query), start=1):
                rows.writerow(_values(image, carried=False))
                tell(done)
        else:
            rows.writerow(("path", *COLUMNS))
            for done, (image, data) in enumerate(with_data(repo, query), start=1):
                rows.writerow((places.write(image, data), *_values(image, carried=True)))
                tell(done)
    return done


def _values(image: ImageRecord, *, carried: bool) -> Iterator[object]:
    yield image.id
    yield image.source
    yield image.label or ""
    yield split_word(image, carried=carried)
    yield tags_cell(image.tags)
    yield image.width
    yield image.height
    yield image.channels
    yield image.format
    yield image.bytes
    yield image.sha256.hex()
    yield time_text(image.added_at)
    said = image.prediction
    if said is None:
        yield from ("", "", "")
    else:
        yield said.label
        yield f"{said.confidence:.6f}"
        yield "" if said.wrong is None else int(said.wrong)
