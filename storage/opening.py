"""The one door to a dataset, whichever backend holds it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from storage.errors import UsageError
from storage.extras import install_hint
from storage.records import Migrated
from storage.repository import Repository

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")
_KEYWORDS = re.compile(r"(?:^|\s)(?:host|hostaddr|dbname|user|password|sslpassword)\s*=")


def open_repository(
    url: str | Path,
    *,
    create: bool = False,
    wait: float = 10.0,
    refused: float | None = None,
    told: Callable[[str], None] | None = None,
) -> Repository:
    """Open a dataset: a path, `sqlite:///PATH`, or `postgresql://USER@HOST/NAME`. `create` makes it
    where it is not there; `wait` is how many seconds a write waits for another writer, and how many
    a server that is just starting is waited for, of which `told` hears once. `refused` shortens
    that for a place where nothing listens, which a wrong port is, too. Raises DatasetError,
    UsageError."""
    if is_postgres(url):
        require_psycopg()
        from storage.postgres.repository import PostgresRepository

        return PostgresRepository(str(url), create=create, wait=wait, refused=refused, told=told)
    path = path_of(url)
    from storage.sqlite.repository import SqliteRepository

    return SqliteRepository(path, create=create, wait=wait)


def migrate_dataset(url: str | Path, *, backup: bool = True, wait: float = 10.0) -> Migrated:
    """Bring a dataset of an earlier schema to the newest. `backup` first copies a dataset file to
    one beside it, named after its version: photos.v1.db for photos.db. When it is cut short, the
    dataset has one schema or the other, whole. Raises DatasetError, StorageFull, UsageError, and
    RefusedInput where the backup's place is taken."""
    if is_postgres(url):
        require_psycopg()
        from storage.postgres.migrating import migrate_database

        return migrate_database(str(url), wait=wait)
    path = path_of(url)
    from storage.sqlite.migrating import migrate_file

    return migrate_file(path, backup=backup, wait=wait)


def is_postgres(url: str | Path) -> bool:
    """Whether a URL names a PostgreSQL database."""
    return isinstance(url, str) and url.startswith(_POSTGRES)


def shown(url: str | Path) -> str:
    """The path or URL as it may be shown and stored: never with a password. Raises UsageError."""
    if not is_postgres(url) or find_spec("psycopg") is None:
        return str(url).partition("://")[0] + "://…" if is_postgres(url) else str(url)
    from storage.postgres.place import place_of

    return place_of(str(url)).url


def child_environment(url: str) -> dict[str, str]:
    """The environment variables that a child process needs besides `Repository.url` to open the
    same dataset: the passwords of a server, where any were given."""
    if not is_postgres(url):
        return {}
    from storage.postgres.place import environment_of

    return environment_of(url)


def path_of(url: str | Path) -> Path:
    """The dataset file that a path or a URL names. Raises UsageError for other URLs, and for
    PostgreSQL's text of keywords, which may hold a password and is not repeated."""
    text = str(url)
    if _KEYWORDS.search(text) and not os.path.lexists(text):
        raise UsageError(
            "a PostgreSQL database is named by a URL, not by keywords",
            hint="Write postgresql://USER@HOST:PORT/NAME.",
        )
    if text.startswith(_SQLITE):
        text = text.removeprefix(_SQLITE)
    elif "://" in text:
        scheme = text.partition("://")[0]
        raise UsageError(
            f"'{scheme}://' is not a kind of dataset that this program opens",
            hint="Name a file, sqlite:///PATH, or postgresql://USER@HOST/NAME.",
        )
    if not text or "\0" in text:
        raise UsageError("the name of the dataset file is empty or has a NUL in it")
    return Path(text).expanduser()


def require_psycopg() -> None:
    """Raises UsageError, with the command that helps, where PostgreSQL cannot be spoken to."""
    if find_spec("psycopg") is None or find_spec("psycopg_pool") is None:
        raise UsageError(
            "a dataset in PostgreSQL needs the extra 'postgres', which is not installed",
            hint=install_hint("postgres"),
        )
