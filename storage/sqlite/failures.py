"""SQLite's errors made ours: one line each, by result code, naming the file."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from storage.errors import DatasetBusy, DatasetError, NotAllowed, PixshelfError, StorageFull

_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
READONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
"""The primary codes that say that nothing may be written."""


def translated(error: sqlite3.Error, path: Path, *, wait: float) -> PixshelfError:
    """What to raise for an error of a statement; `wait` is how long another writer was waited
    for."""
    code = getattr(error, "sqlite_errorcode", None)
    kind = primary(error)
    if code in _FULL or kind == sqlite3.SQLITE_FULL:
        return full(path)
    if kind in _BUSY:
        return DatasetBusy(
            f"{path} is being written by another program (waited {wait:g} s)",
            hint="Try again when it has finished, or wait longer with --wait SECONDS.",
        )
    if kind in READONLY:
        return read_only(path)
    if kind == sqlite3.SQLITE_NOTADB:
        return no_dataset(path)
    return _unreadable(error, kind, path)


def _unreadable(error: sqlite3.Error, kind: int | None, path: Path) -> DatasetError:
    if kind == sqlite3.SQLITE_CORRUPT:
        return DatasetError(
            f"{path} is damaged: {error}",
            hint="See what is left with 'pixshelf db check', or restore a backup.",
        )
    if kind == sqlite3.SQLITE_CANTOPEN:
        return DatasetError(f"cannot open {path}: {error}")
    return DatasetError(f"{path}: {error}")


def primary(error: sqlite3.Error) -> int | None:
    """The result code without what extends it."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def lock_failed(error: OSError, path: Path) -> PixshelfError:
    """What to raise where the write lock of a file cannot be had, since its folder is not to be
    written."""
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return read_only(path)
    if isinstance(error, FileNotFoundError):
        return DatasetError(f"cannot write {path}: its folder is gone")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return full(path)
    return DatasetError(f"cannot write {path}: {error.strerror}")


def full(path: Path) -> StorageFull:
    """What to raise where the disk takes no more."""
    return StorageFull(
        f"the disk took no more while writing {path}",
        hint="What was stored before is kept. Make room, then try again.",
    )


def read_only(path: Path) -> NotAllowed:
    """What to raise where nothing may be written."""
    return NotAllowed(
        f"{path} cannot be written: the file or its folder is read-only",
        hint="Copy it to a place where you may write.",
    )


def no_dataset(path: Path) -> DatasetError:
    """What to raise for a file of another kind."""
    return DatasetError(
        f"{path} is not a dataset file",
        hint="A dataset file is made by 'pixshelf import' or 'pixshelf db init'.",
    )
