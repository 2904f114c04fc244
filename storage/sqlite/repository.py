"""SqliteRepository: one dataset file as a Repository."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.records import DatasetInfo, Problem, Stats
from storage.repository import (
    History,
    Images,
    Labels,
    Measurements,
    Models,
    Predictions,
    Rows,
    Runs,
    Tags,
)
from storage.sqlite.asking import SqliteRows
from storage.sqlite.backup import back_up
from storage.sqlite.checking import check
from storage.sqlite.counting import stats
from storage.sqlite.database import Database
from storage.sqlite.history import SqliteHistory
from storage.sqlite.images import SqliteImages
from storage.sqlite.measurements import SqliteMeasurements
from storage.sqlite.models import SqliteModels
from storage.sqlite.predictions import SqlitePredictions
from storage.sqlite.runs import SqliteRuns
from storage.sqlite.vocabulary import SqliteLabels, SqliteTags


class SqliteRepository:
    """One dataset file, open in one thread. See storage.repository for the promises."""

    def __init__(self, path: Path, *, create: bool = False, wait: float = 10.0) -> None:
        self._database = Database(path, create=create, wait=wait)
        self.images: Images = SqliteImages(self._database)
        self.measurements: Measurements = SqliteMeasurements(self._database)
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
        return stats(self._database)

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

    def check(self, *, deep: bool = True) -> Iterator[Problem]:
        return check(self._database, self.models, deep=deep)

    def backup(self, target: Path) -> None:
        back_up(self._database, target)

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

    def sql(self, text: str, *, timeout: float = 10.0, limit: int | None = None) -> Rows:
        return SqliteRows(self._database, text, timeout=timeout, limit=limit)

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
