"""Bringing a dataset file of an earlier schema to the newest, with a backup beside it.

The backup and the migrations happen under one hold of the write lock, so that nothing is written
in between; each migration is one transaction.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from storage.errors import RefusedInput
from storage.records import Migrated
from storage.sqlite.backup import back_up
from storage.sqlite.database import Database
from storage.sqlite.schema import SCHEMA_VERSION, migrate


def migrate_file(path: Path, *, backup: bool, wait: float) -> Migrated:
    """See storage.opening.migrate_dataset."""
    with closing(Database(path, outdated=True, wait=wait)) as database:
        if database.version == SCHEMA_VERSION:
            return Migrated(str(path), SCHEMA_VERSION, SCHEMA_VERSION, None)
        with database.exclusive() as connection:
            # Another process may have been faster.
            before = database.version
            if before == SCHEMA_VERSION:
                return Migrated(str(path), before, before, None)
            copy = None
            if backup:
                copy = backup_path(path, before)
                _refuse_taken(copy)
                back_up(database, copy)
            migrate(connection)
        return Migrated(str(path), before, database.version, copy)


def backup_path(path: Path, version: int) -> Path:
    """Where the backup of a file of that version goes: photos.v1.db for photos.db."""
    return path.with_name(f"{path.name.removesuffix('.db')}.v{version}.db")


def _refuse_taken(copy: Path) -> None:
    if os.path.lexists(copy):
        raise RefusedInput(
            f"the backup {copy} is already there",
            hint="An earlier migration may have written it. Move it away, or leave it and go on "
            "with --no-backup.",
        )
