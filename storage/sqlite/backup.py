"""Copies of a dataset file, page by page."""

from __future__ import annotations

from pathlib import Path

from storage.backups import write_whole
from storage.sqlite.database import Database


def back_up(database: Database, target: Path) -> None:
    """Copy the dataset, as of one moment, to the new file `target`. Raises RefusedInput if it is
    there already, or its folder is not."""
    write_whole(target, database.backup)
