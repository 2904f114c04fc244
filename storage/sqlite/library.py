"""The SQLite library that this Python has, and the defect that some of its versions have."""

from __future__ import annotations

import sqlite3

BUG_FIRST, BUG_LAST = (3, 7, 0), (3, 51, 2)


def library_version() -> str:
    """Its version, such as '3.40.1'."""
    return sqlite3.sqlite_version


def has_wal_reset_bug(library: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether an SQLite of this version has the WAL-reset defect that sqlite.org/wal.html
    documents: two connections that write or checkpoint at one moment can damage the file."""
    return BUG_FIRST <= library <= BUG_LAST
