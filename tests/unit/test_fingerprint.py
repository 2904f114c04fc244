"""A dataset file is opened only with the tables and triggers that pixshelf made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.errors import DatasetError
from storage.opening import open_repository
from storage.sqlite.fingerprint import FINGERPRINTS, OURS, fingerprint
from storage.sqlite.schema import SCHEMA_VERSION, migrate, migrate_to_first
from tests.making import add_images, new_image


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "set.db"
    with open_repository(place, create=True) as repository:
        add_images(repository, new_image(1, label="a"))
    return place


@pytest.mark.parametrize(("version", "make"), [(1, migrate_to_first), (2, migrate)])
def test_the_fingerprint_of_each_version_is_that_of_a_file_made_now(
    version: int, make: Callable[[sqlite3.Connection], None]
) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        make(connection)
        assert fingerprint(connection) == FINGERPRINTS[version]


def test_every_version_has_a_fingerprint_and_every_table_is_in_it(path: Path) -> None:
    assert set(FINGERPRINTS) == set(range(1, SCHEMA_VERSION + 1))
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    names = {name for (name,) in rows if not name.startswith(("sqlite_", "_sqlite_"))}
    assert names == OURS


@pytest.mark.parametrize(
    "hostile",
    [
        "CREATE TRIGGER t AFTER INSERT ON action BEGIN DELETE FROM image; END",
        "CREATE TRIGGER u INSTEAD OF INSERT ON images BEGIN DELETE FROM image; END",
        "DROP TRIGGER image_relabelled",
        "DROP TRIGGER image_relabelled; CREATE TRIGGER image_relabelled "
        "AFTER UPDATE OF label_id ON image BEGIN DELETE FROM image; END",
        "DROP TABLE tag; CREATE VIEW tag AS SELECT 1 AS id, 'a' AS name",
        "DROP TABLE trash; CREATE TABLE trash (image_id INTEGER PRIMARY KEY "
        "REFERENCES image (id) ON DELETE CASCADE, at INTEGER NOT NULL) ",
        "DROP TABLE measure",
        "ALTER TABLE image ADD COLUMN more TEXT",
    ],
)
@pytest.mark.parametrize("create", [False, True])
def test_a_file_whose_schema_was_changed_is_refused(path: Path, hostile: str, create: bool) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(hostile)
    with pytest.raises(DatasetError, match=r"did not make|other than those"):
        open_repository(path, create=create)


def test_tables_views_and_indexes_of_others_are_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE notes (image_id INTEGER, text TEXT);"
            "CREATE VIEW cats AS SELECT * FROM images WHERE label = 'cat';"
            "CREATE INDEX by_source ON image (source)"
        )
    with open_repository(path) as repository:
        repository.images.set_label([1], "b", actor="test")
        assert repository.stats().labels == {"b": 1}
