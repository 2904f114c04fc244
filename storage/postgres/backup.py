"""Copies of a dataset in PostgreSQL: dataset files, which need no server."""

from __future__ import annotations

from pathlib import Path

from storage.backups import write_whole
from storage.postgres.database import Database


def back_up(database: Database, target: Path) -> None:
    """Copy the dataset, as of one moment, to the new dataset file `target`. Raises RefusedInput if
    it is there already, or its folder is not."""
    # It opens datasets of every kind, this one too.
    from storage.copying import copy_dataset

    def write(copy: Path) -> None:
        copy_dataset(database.place.url, copy, wait=database.wait)

    write_whole(target, write)
