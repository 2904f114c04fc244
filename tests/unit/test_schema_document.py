"""docs/schema.md names every table, view and column that a dataset file has."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from storage.opening import open_repository
from storage.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION

DOCUMENT = Path(__file__).parents[2] / "docs" / "schema.md"


def test_every_table_and_column_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "set.db"
    open_repository(path, create=True).close()
    words = set(re.findall(r"`(\w+)`", DOCUMENT.read_text(encoding="utf-8")))
    connection = sqlite3.connect(path)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
    ).fetchall():
        assert name in words
        if not name.startswith("_"):
            columns = connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
            assert {column for (column,) in columns} <= words, name
    connection.close()


def test_the_header_is_as_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"0x{APPLICATION_ID:08x}" in text
    assert f"the version of the schema: {SCHEMA_VERSION}." in text
