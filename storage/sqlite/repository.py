"""SqliteRepository: one dataset file as a Repository."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.errors import PixshelfError, RefusedInput
from storage.records import DatasetInfo, Problem, Stats
from storage.repository import History, Images, Labels, Models, Predictions, Runs, Tags
from storage.sqlite.database import Database
from storage.sqlite.history import SqliteHistory
from storage.sqlite.images import SqliteImages
from storage.sqlite.models import SqliteModels
from storage.sqlite.predictions import SqlitePredictions
from storage.sqlite.runs import SqliteRuns
from storage.sqlite.vocabulary import SqliteLabels, SqliteTags

SHOWN = "id NOT IN (SELECT image_id FROM trash)"
_CHUNK = 256


class SqliteRepository:
    """One dataset file, open in one thread. See storage.repository for the promises."""

    def __init__(self, path: Path, *, create: bool = False, wait: float = 10.0) -> None:
        self._database = Database(path, create=create, wait=wait)
        self.images: Images = SqliteImages(self._database)
        self.labels: Labels = SqliteLabels(self._database)
        self.tags: Tags = SqliteTags(self._database)
        self.runs: Runs = SqliteRuns(self._database)
        self.models: Models = SqliteModels(self._database)
        self.predictions: Predictions = SqlitePredictions(self._database)
        self.history: History = SqliteHistory(self._database)

    @property
    def url(self) -> str:
        return str(self._database.path.absolute())

    def stats(self) -> Stats:
        database = self._database
        images, size = database.all(
            f"SELECT count(*), coalesce(sum(bytes), 0) FROM image WHERE {SHOWN}"
        )[0]
        splits: dict[str | None, int] = dict(
            database.all(f"SELECT split, count(*) FROM image WHERE {SHOWN} GROUP BY split")
        )
        formats = database.all(
            f"SELECT format, count(*) AS n FROM image WHERE {SHOWN} "
            "GROUP BY format ORDER BY n DESC, format"
        )
        sizes = database.all(
            f"SELECT width || 'x' || height, count(*) AS n FROM image WHERE {SHOWN} "
            "GROUP BY width, height ORDER BY n DESC, width, height"
        )
        labels = self.labels.counts()
        order = ("train", "val", "test", None)
        return Stats(
            images=images,
            unlabelled=images - sum(labels.values()),
            bytes=size,
            labels={label: count for label, count in labels.items() if count},
            splits={split or "none": splits[split] for split in order if split in splits},
            formats=dict(formats),
            sizes=dict(sizes),
        )

    def info(self) -> DatasetInfo:
        database = self._database
        path = database.path
        counts = {
            table: database.value(f"SELECT count(*) FROM {table}")
            for table in ("image", "trash", "model", "run", "prediction")
        }
        return DatasetInfo(
            url=self.url,
            backend="sqlite",
            library=f"SQLite {sqlite3.sqlite_version}",
            schema_version=database.value("PRAGMA user_version"),
            bytes=path.stat().st_size,
            images=counts["image"] - counts["trash"],
            models=counts["model"],
            runs=counts["run"],
            predictions=counts["prediction"],
            details={
                "images in the trash": str(counts["trash"]),
                "page size": str(database.value("PRAGMA page_size")),
                "journal": str(database.value("PRAGMA journal_mode")),
            },
        )

    def check(self) -> Iterator[Problem]:
        database = self._database
        for (answer,) in database.all("PRAGMA integrity_check"):
            if answer != "ok":
                yield Problem(f"structure: {answer}")
        for table, row, parent, _ in database.all("PRAGMA foreign_key_check"):
            yield Problem(f"reference: row {row} of {table} points at nothing in {parent}")
        for (image,) in database.all(
            "SELECT id FROM image WHERE id NOT IN (SELECT image_id FROM image_data)"
        ):
            yield Problem("the bytes are missing", image)
        yield from self._check_bytes()
        for model in self.models.all():
            for read in (self.models.weights, self.models.litert):
                try:
                    read(model.id)
                except PixshelfError as error:
                    yield Problem(error.message)

    def _check_bytes(self) -> Iterator[Problem]:
        last = -1
        while True:
            rows = self._database.all(
                "SELECT image.id, image.sha256, image.bytes, image_data.data FROM image "
                "JOIN image_data ON image_data.image_id = image.id "
                "WHERE image.id > ? ORDER BY image.id LIMIT ?",
                (last, _CHUNK),
            )
            for image, sha256, size, data in rows:
                if hashlib.sha256(data).digest() != sha256:
                    yield Problem("the bytes are not those that were stored (sha256)", image)
                elif len(data) != size:
                    yield Problem(f"has {len(data)} bytes where {size} are noted", image)
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]

    def backup(self, target: Path) -> None:
        if target.exists():
            raise RefusedInput(f"{target} is already there", hint="Name a file that is not.")
        if not target.parent.is_dir():
            raise RefusedInput(f"there is no folder {target.parent} to put {target.name} into")
        # Under another name until it is whole, so that a backup cut short is not taken for one.
        with tempfile.TemporaryDirectory(prefix=".pixshelf-", dir=target.parent) as folder:
            copy = Path(folder) / target.name
            self._database.backup(copy)
            descriptor = os.open(copy, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            try:
                os.link(copy, target)
            except FileExistsError as error:
                raise RefusedInput(f"{target} is already there") from error

    def vacuum(self) -> int:
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM action WHERE id IN (SELECT action_id FROM event "
                "WHERE image_id IN (SELECT image_id FROM trash)) AND NOT EXISTS "
                "(SELECT 1 FROM event WHERE action_id = action.id "
                "AND image_id NOT IN (SELECT image_id FROM trash))"
            )
            removed = connection.execute(
                "DELETE FROM image WHERE id IN (SELECT image_id FROM trash)"
            ).rowcount
        self._database.vacuum()
        return removed

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
