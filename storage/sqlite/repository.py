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
from storage.ordering import natural_key
from storage.records import Action, DatasetInfo, Problem, Stats
from storage.repository import History, Images, Labels, Models, Predictions, Runs
from storage.sqlite.database import Database
from storage.sqlite.images import SqliteImages
from storage.sqlite.models import SqliteModels
from storage.sqlite.predictions import SqlitePredictions
from storage.sqlite.runs import SqliteRuns

_CHUNK = 256


class SqliteLabels:
    """The vocabulary of labels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> list[str]:
        return sorted(
            (row[0] for row in self._database.all("SELECT name FROM label")), key=natural_key
        )


class SqliteHistory:
    """What users did to labels, splits and tags."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def actions(self, *, limit: int = 100) -> list[Action]:
        rows = self._database.all(
            "SELECT id, at, actor, kind, summary, images FROM action ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [Action(*row) for row in rows]


class SqliteRepository:
    """One dataset file, open in one thread. See storage.repository for the promises."""

    def __init__(self, path: Path, *, create: bool = False, wait: float = 10.0) -> None:
        self._database = Database(path, create=create, wait=wait)
        self.images: Images = SqliteImages(self._database)
        self.labels: Labels = SqliteLabels(self._database)
        self.runs: Runs = SqliteRuns(self._database)
        self.models: Models = SqliteModels(self._database)
        self.predictions: Predictions = SqlitePredictions(self._database)
        self.history: History = SqliteHistory(self._database)

    @property
    def url(self) -> str:
        return str(self._database.path.absolute())

    def stats(self) -> Stats:
        database = self._database
        images, unlabelled, size = database.all(
            "SELECT count(*), count(*) - count(label_id), coalesce(sum(bytes), 0) FROM image"
        )[0]
        labels = database.all(
            "SELECT label.name, counted.n FROM "
            "(SELECT label_id, count(*) AS n FROM image GROUP BY label_id) AS counted "
            "JOIN label ON label.id = counted.label_id"
        )
        splits: dict[str | None, int] = dict(
            database.all("SELECT split, count(*) FROM image GROUP BY split")
        )
        formats = database.all(
            "SELECT format, count(*) AS n FROM image GROUP BY format ORDER BY n DESC, format"
        )
        sizes = database.all(
            "SELECT width || 'x' || height, count(*) AS n FROM image "
            "GROUP BY width, height ORDER BY n DESC, width, height"
        )
        order = ("train", "val", "test", None)
        return Stats(
            images=images,
            unlabelled=unlabelled,
            bytes=size,
            labels=dict(sorted(labels, key=lambda row: natural_key(row[0]))),
            splits={split or "none": splits[split] for split in order if split in splits},
            formats=dict(formats),
            sizes=dict(sizes),
        )

    def info(self) -> DatasetInfo:
        database = self._database
        path = database.path
        counts = {
            table: database.value(f"SELECT count(*) FROM {table}")
            for table in ("image", "model", "run", "prediction")
        }
        return DatasetInfo(
            url=self.url,
            backend="sqlite",
            library=f"SQLite {sqlite3.sqlite_version}",
            schema_version=database.value("PRAGMA user_version"),
            bytes=path.stat().st_size,
            images=counts["image"],
            models=counts["model"],
            runs=counts["run"],
            predictions=counts["prediction"],
            details={
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
