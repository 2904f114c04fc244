"""PostgresRepository: a dataset in a PostgreSQL database as a Repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.postgres.asking import PostgresRows
from storage.postgres.backup import back_up
from storage.postgres.checking import check
from storage.postgres.counting import info, stats
from storage.postgres.database import Database
from storage.postgres.edits import empty_trash
from storage.postgres.history import PostgresHistory
from storage.postgres.images import PostgresImages
from storage.postgres.measurements import PostgresMeasurements
from storage.postgres.models import PostgresModels
from storage.postgres.predictions import PostgresPredictions
from storage.postgres.runs import PostgresRuns
from storage.postgres.vocabulary import PostgresLabels, PostgresTags
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


class PostgresRepository:
    """A dataset in a PostgreSQL database, open in one thread. See storage.repository for the
    promises."""

    def __init__(
        self,
        url: str,
        *,
        create: bool = False,
        wait: float = 10.0,
        refused: float | None = None,
        told: Callable[[str], None] | None = None,
    ) -> None:
        self._database = Database(url, create=create, wait=wait, refused=refused, told=told)
        self.images: Images = PostgresImages(self._database)
        self.measurements: Measurements = PostgresMeasurements(self._database)
        self.labels: Labels = PostgresLabels(self._database)
        self.tags: Tags = PostgresTags(self._database)
        self.runs: Runs = PostgresRuns(self._database)
        self.models: Models = PostgresModels(self._database)
        self.predictions: Predictions = PostgresPredictions(self._database)
        self.history: History = PostgresHistory(self._database)

    @property
    def url(self) -> str:
        return self._database.place.url

    def stats(self) -> Stats:
        return stats(self._database)

    def info(self) -> DatasetInfo:
        return info(self._database)

    def check(self, *, deep: bool = True) -> Iterator[Problem]:
        return check(self._database, self.models, deep=deep)

    def backup(self, target: Path) -> None:
        back_up(self._database, target)

    def vacuum(self) -> int:
        removed = empty_trash(self._database)
        self._database.vacuum()
        return removed

    def sql(self, text: str, *, timeout: float = 10.0, limit: int | None = None) -> Rows:
        return PostgresRows(self._database, text, timeout=timeout, limit=limit)

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
