"""The one door to a dataset, whichever backend holds it."""

from __future__ import annotations

from pathlib import Path

from storage.errors import UsageError
from storage.repository import Repository

_SQLITE = "sqlite:///"


def open_repository(url: str | Path, *, create: bool = False, wait: float = 10.0) -> Repository:
    """Open a dataset: a path, or `sqlite:///PATH`. `create` makes it where it is not there; `wait`
    is how many seconds a write waits for another writer. Raises DatasetError, UsageError."""
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
    from storage.sqlite.repository import SqliteRepository

    return SqliteRepository(Path(text).expanduser(), create=create, wait=wait)
