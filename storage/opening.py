"""The one door to a dataset, whichever backend holds it."""

from __future__ import annotations

from pathlib import Path

from storage.errors import UsageError
from storage.records import Migrated
from storage.repository import Repository

_SQLITE = "sqlite:///"


def open_repository(url: str | Path, *, create: bool = False, wait: float = 10.0) -> Repository:
    """Open a dataset: a path, or `sqlite:///PATH`. `create` makes it where it is not there; `wait`
    is how many seconds a write waits for another writer. Raises DatasetError, UsageError."""
    path = _path_of(url)
    from storage.sqlite.repository import SqliteRepository

    return SqliteRepository(path, create=create, wait=wait)


def migrate_dataset(url: str | Path, *, backup: bool = True, wait: float = 10.0) -> Migrated:
    """Bring a dataset of an earlier schema to the newest. `backup` first copies it to a file
    beside it, named after its version: photos.v1.db for photos.db. When it is cut short, the
    dataset has one schema or the other, whole. Raises DatasetError, StorageFull, UsageError, and
    RefusedInput where the backup's place is taken."""
    path = _path_of(url)
    from storage.sqlite.migrating import migrate_file

    return migrate_file(path, backup=backup, wait=wait)


def _path_of(url: str | Path) -> Path:
    text = str(url)
    if text.startswith(_SQLITE):
        text = text.removeprefix(_SQLITE)
    elif "://" in text:
        scheme = text.partition("://")[0]
        raise UsageError(
            f"'{scheme}://' is not a kind of dataset that this program opens",
            hint="Name a file, or sqlite:///PATH.",
        )
    if not text or "\0" in text:
        raise UsageError("the name of the dataset file is empty or has a NUL in it")
    return Path(text).expanduser()
