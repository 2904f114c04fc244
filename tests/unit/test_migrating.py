"""Older dataset files brought to the newest schema: everything kept, one version or the other."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storage.errors import DatasetBusy, DatasetError, RefusedInput, StorageFull
from storage.opening import migrate_dataset, open_repository
from storage.query import parse
from storage.sqlite.lock import WriteLock
from storage.sqlite.schema import SCHEMA_VERSION
from tests.faults.harness import as_an_ordinary_user, assert_sound
from tests.fixtures.make_v1 import LABELS, SPLITS, picture

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "v1.db"
KILLED = """
import os, signal, sys
from storage.opening import migrate_dataset
from storage.sqlite import schema
left = int(sys.argv[2])
execute = schema._execute
def counted(db, *statements):
    global left
    for statement in statements:
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        execute(db, statement)
        left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
schema._execute = counted
migrate_dataset(sys.argv[1])
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A dataset file of schema version 1."""
    path = tmp_path / "photos.db"
    shutil.copyfile(FIXTURE, path)
    return path


def version(path: Path) -> int:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What every table of version 1 holds, in that version's columns."""
    original = sqlite3.connect(f"{FIXTURE.as_uri()}?mode=ro&immutable=1", uri=True)
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    tables = [
        name
        for (name,) in original.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 1) <> '_'"
        )
    ]
    found = {}
    for table in tables:
        columns = ", ".join(
            f'"{row[1]}"' for row in original.execute(f"PRAGMA table_info({table})")
        )
        found[table] = connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
    connection.close()
    original.close()
    return found


def test_an_older_file_is_opened_by_nothing_and_the_hint_says_what_helps(old: Path) -> None:
    for create in (False, True):
        with pytest.raises(DatasetError, match="has schema version 1") as caught:
            open_repository(old, create=create)
        assert "pixshelf db migrate" in (caught.value.hint or "")
    assert old.read_bytes() == FIXTURE.read_bytes()


def test_a_migration_keeps_every_row_of_every_table(old: Path) -> None:
    before = rows(old)
    assert len(before) == 17
    assert all(before.values())
    done = migrate_dataset(old)
    assert (done.before, done.after, done.dataset) == (1, SCHEMA_VERSION, str(old))
    assert version(old) == SCHEMA_VERSION
    assert rows(old) == before


def test_what_a_migration_gives_is_read_edited_and_undone(old: Path) -> None:
    migrate_dataset(old)
    assert_sound(old)
    with open_repository(old) as repo:
        assert list(repo.check()) == []
        page = repo.images.page(parse("")).images
        assert tuple(image.label for image in page) == LABELS
        assert tuple(image.split for image in page) == SPLITS
        assert [repo.images.data(n) for n in range(1, 5)] == [picture(n) for n in range(1, 5)]
        assert repo.images.ids(parse("is:wrong")) == [2]
        assert [action.state for action in repo.history.actions()] == ["done", "done"]
        repo.history.undo(2)
        assert repo.images.get(4).label == "dog"
        repo.images.delete([1], actor="test")
        assert repo.stats().images == 3


def test_a_migrated_file_has_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    migrate_dataset(old)
    open_repository(tmp_path / "new.db", create=True).close()
    found = []
    for path in (old, tmp_path / "new.db"):
        connection = sqlite3.connect(path)
        found.append(sorted(connection.execute("SELECT type, name, sql FROM sqlite_schema")))
        connection.close()
    assert found[0] == found[1]


def test_the_backup_is_the_file_as_it_was(old: Path) -> None:
    done = migrate_dataset(old)
    assert done.backup == old.with_name("photos.v1.db")
    assert version(done.backup) == 1
    assert rows(done.backup) == rows(FIXTURE)
    assert sorted(path.name for path in old.parent.iterdir()) == ["photos.db", "photos.v1.db"]


def test_no_backup_is_written_where_none_is_wanted(old: Path) -> None:
    assert migrate_dataset(old, backup=False).backup is None
    assert [path.name for path in old.parent.iterdir()] == ["photos.db"]


def test_a_file_in_the_backups_place_stops_the_migration(old: Path) -> None:
    taken = old.with_name("photos.v1.db")
    taken.write_text("mine")
    with pytest.raises(RefusedInput, match="already there") as caught:
        migrate_dataset(old)
    assert "--no-backup" in (caught.value.hint or "")
    assert taken.read_text() == "mine"
    assert version(old) == 1


def test_a_file_at_the_newest_version_is_left_as_it_is(old: Path) -> None:
    migrate_dataset(old, backup=False)
    content = old.read_bytes()
    done = migrate_dataset(old)
    assert (done.before, done.after, done.backup) == (SCHEMA_VERSION, SCHEMA_VERSION, None)
    assert old.read_bytes() == content


def test_a_newer_file_and_other_files_are_refused(old: Path, tmp_path: Path) -> None:
    connection = sqlite3.connect(old)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(DatasetError, match="knows up to"):
        migrate_dataset(old)
    with pytest.raises(DatasetError, match="no dataset file"):
        migrate_dataset(tmp_path / "none.db")
    with pytest.raises(DatasetError, match="is a folder"):
        migrate_dataset(tmp_path)


def test_a_migration_waits_for_the_writer_and_then_gives_up(old: Path) -> None:
    lock = WriteLock(old, wait=0.0)
    with lock.held(), pytest.raises(DatasetBusy):
        migrate_dataset(old, wait=0.05)
    assert version(old) == 1
    assert [path.name for path in old.parent.iterdir()] == ["photos.db"]


@pytest.mark.parametrize("statements", [0, 1, 4, 8, 12])
def test_a_killed_migration_leaves_the_old_version_whole(old: Path, statements: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(old), str(statements)], cwd=ROOT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert version(old) == 1
    assert rows(old) == rows(FIXTURE)
    assert_sound(old)
    assert rows(old.with_name("photos.v1.db")) == rows(FIXTURE)
    assert migrate_dataset(old, backup=False).after == SCHEMA_VERSION
    assert rows(old) == rows(FIXTURE)
    assert_sound(old)


def test_a_migration_killed_once_it_is_done_leaves_the_new_version_whole(old: Path) -> None:
    code = (
        "import os, signal, sys\nfrom storage.sqlite import migrating\n"
        "from storage.opening import migrate_dataset\nmigrate = migrating.migrate\n"
        "def killed(connection):\n    migrate(connection)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "migrating.migrate = killed\nmigrate_dataset(sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(old)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    with open_repository(old) as repo:
        assert list(repo.check()) == []
    assert rows(old) == rows(FIXTURE)
    assert rows(old.with_name("photos.v1.db")) == rows(FIXTURE)


def test_a_backup_that_does_not_fit_stops_the_migration(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.sqlite import migrating

    def full(database: object, target: Path) -> None:
        raise StorageFull(f"the disk took no more while writing {target}")

    monkeypatch.setattr(migrating, "back_up", full)
    with pytest.raises(StorageFull):
        migrate_dataset(old)
    assert version(old) == 1


def test_a_file_in_a_folder_that_cannot_be_written_says_so(old: Path) -> None:
    old.parent.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cli", "--db", str(old), "db", "migrate"],
            cwd=ROOT,
            env={**os.environ},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=as_an_ordinary_user,
        )
    finally:
        old.parent.chmod(0o755)
    assert done.returncode == 3, done.stderr
    assert "read-only" in done.stderr
    assert version(old) == 1
