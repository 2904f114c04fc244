"""Bringing a dataset in PostgreSQL of an earlier schema to the newest, each step in one transaction
under the write lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

from storage.errors import DatasetError
from storage.postgres.database import Database
from storage.postgres.schema import SCHEMA_VERSION
from storage.records import Migrated

MIGRATIONS: Mapping[int, Sequence[str]] = {}
"""By the version that they start from: the statements that lead to the next. The first version in
PostgreSQL is 2."""


def migrate_database(url: str, *, wait: float) -> Migrated:
    """See storage.opening.migrate_dataset. There is no backup: the server's own are better, and a
    step that fails leaves everything as it was."""
    with closing(Database(url, outdated=True, wait=wait)) as database:
        before = database.version
        version = before
        while version < SCHEMA_VERSION:
            version = _step(database, version)
        return Migrated(database.place.url, before, version, None)


def _step(database: Database, version: int) -> int:
    """One version on; gives the version that there is then."""
    statements = MIGRATIONS.get(version)
    if statements is None:
        raise DatasetError(
            f"{database.place.url} has schema version {version}, which no pixshelf has written in "
            "PostgreSQL",
            hint="Something else has changed it: restore a backup.",
        )
    with database.write() as connection:
        row = connection.execute("SELECT max(version) FROM dataset").fetchone()
        found = 0 if row is None else int(row[0])
        if found != version:
            return found  # another process was faster
        for statement in statements:
            connection.execute(statement.encode())
        connection.execute("UPDATE dataset SET version = %s", (version + 1,))
    return version + 1
