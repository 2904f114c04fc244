"""What an import leaves behind when it is killed, interrupted, or refused its disk or its file.

Every run is a process of its own; what it leaves is read with plain SQLite (tests/faults/harness).
"""

from __future__ import annotations

import fcntl
import json
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from storage.sqlite.schema import APPLICATION_ID
from tests.faults.harness import (
    Content,
    Step,
    as_an_ordinary_user,
    assert_clear_failure,
    assert_sound,
    can_mount,
    command,
    content,
    end,
    kill_after,
    make_images,
    opened,
    run,
    run_short_of_room,
    start,
)

Hold = Callable[[Path], AbstractContextManager[None]]

IMAGES = 2400
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(5000)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small PNGs, enough for several batches."""
    return make_images(tmp_path_factory.mktemp("pictures"), IMAGES)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a few PNGs."""
    return make_images(tmp_path_factory.mktemp("few"), 20, seed=1)


@pytest.fixture(scope="module")
def undisturbed(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Content, float]:
    """What an import that nobody disturbs leaves behind, and the seconds it takes."""
    db = tmp_path_factory.mktemp("undisturbed") / "images.db"
    run(db, "--help")
    started = time.monotonic()
    done = run(db, "import", pictures)
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert_sound(db)
    whole = content(db)
    assert len(whole) == IMAGES
    return whole, seconds


@pytest.fixture
def filled(few: Path, tmp_path: Path) -> Path:
    """A dataset file with a few images, closed."""
    db = tmp_path / "filled.db"
    assert run(db, "import", few).returncode == 0
    return db


# Killed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_an_import_killed_at_ten_random_moments_loses_nothing_and_completes(
    seed: int, pictures: Path, undisturbed: tuple[Content, float], tmp_path: Path
) -> None:
    whole, seconds = undisturbed
    moments = random.Random(seed)
    kills = runs = 0
    db = tmp_path / "0.db"
    seen: Content = frozenset()
    while kills < 10:
        runs += 1
        assert runs < 60, "the import ends before it can be killed"
        killed = kill_after(start(db, "import", pictures), moments.uniform(0.1, 0.95) * seconds)
        now = content(db)
        assert seen <= now <= whole
        if db.exists() and db.stat().st_size:
            assert_sound(db)
        seen = now
        kills += killed
        assert killed or now == whole
        if now == whole:
            db, seen = tmp_path / f"{runs}.db", frozenset()
    done = run(db, "import", pictures, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["added"], report["duplicates"]) == (IMAGES - len(seen), len(seen))
    assert content(db) == whole
    assert_sound(db)
    assert run(db, "db", "check").returncode == 0


def test_a_dataset_file_whose_making_was_killed_is_finished_by_the_next_import(
    few: Path, tmp_path: Path
) -> None:
    moments = random.Random(7)
    started = time.monotonic()
    assert run(tmp_path / "whole.db", "db", "init").returncode == 0
    seconds = time.monotonic() - started
    for number in range(6):
        db = tmp_path / f"{number}.db"
        kill_after(start(db, "db", "init"), moments.uniform(0.5, 1.0) * seconds)
        done = run(db, "import", few)
        assert done.returncode == 0, done.stderr
        assert len(content(db)) == 20
        assert_sound(db)


def test_a_dataset_file_killed_with_its_journal_open_is_finished_by_the_next_import(
    few: Path, tmp_path: Path
) -> None:
    making = tmp_path / "making.db"
    db = tmp_path / "images.db"
    with closing(sqlite3.connect(making, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE image (data BLOB)")
        connection.execute("INSERT INTO image VALUES (zeroblob(1000000))")
        # As they lie on the disk at this moment, so they lie after a kill.
        shutil.copy(making, db)
        shutil.copy(f"{making}-journal", f"{db}-journal")
    done = run(db, "import", few)
    assert done.returncode == 0, done.stderr
    assert len(content(db)) == 20
    assert_sound(db)


# Interrupted


def test_ctrl_c_keeps_the_batches_that_were_committed_and_a_second_import_completes(
    pictures: Path, undisturbed: tuple[Content, float], tmp_path: Path
) -> None:
    whole, _ = undisturbed
    db = tmp_path / "images.db"
    process = start(db, "import", pictures)
    while not content(db) and process.poll() is None:
        time.sleep(0.002)
    before = content(db)
    done = end(process, signal.SIGINT)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    after = content(db)
    assert before
    assert before <= after < whole
    assert_sound(db)
    assert run(db, "import", pictures).returncode == 0
    assert content(db) == whole


# Two at once


def test_two_imports_at_once_leave_what_one_would(
    pictures: Path, undisturbed: tuple[Content, float], tmp_path: Path
) -> None:
    whole, _ = undisturbed
    db = tmp_path / "images.db"
    both = [start(db, "import", pictures, "--json") for _ in range(2)]
    reports = []
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        reports.append(json.loads(out))
    assert sum(report["added"] for report in reports) == IMAGES
    assert content(db) == whole
    assert_sound(db)


# No room


def import_short_of_room(folder: Path, *, tmpfs: bool) -> None:
    """Import more than fits, look at what is left, make room, and import again."""
    count = 2000
    pictures = make_images(folder / "pictures", count, side=40, seed=2)
    (folder / "disk").mkdir()
    db = folder / "disk" / "images.db"
    out = folder / "left.db"
    steps = [
        Step(command(db, "import", pictures)),
        Step(command(db, "db", "check")),
        Step(command(db, "stats", "--json")),
        Step(command(db, "import", pictures, "--json"), room=True),
        Step(command(db, "db", "check"), room=True),
        Step(command(db, "db", "backup", out), room=True),
    ]
    failed, checked, counted, again, checked_again, copied = run_short_of_room(
        folder / "disk", 3400, steps, tmpfs=tmpfs
    )
    assert_clear_failure(failed, 1, "took no more")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    kept = json.loads(counted.stdout)["images"]
    assert 0 < kept < count
    report = json.loads(again.stdout)
    assert (report["added"], report["duplicates"]) == (count - kept, kept)
    assert checked_again.returncode == 0
    assert copied.returncode == 0, copied.stderr
    assert_sound(out)
    assert len(content(out)) == count


def test_a_full_disk_ends_an_import_clearly_and_keeps_what_was_committed(tmp_path: Path) -> None:
    import_short_of_room(tmp_path, tmpfs=can_mount(tmp_path))


def test_a_file_that_may_not_grow_ends_an_import_clearly_and_keeps_what_was_committed(
    tmp_path: Path,
) -> None:
    import_short_of_room(tmp_path, tmpfs=False)


# No leave to write


@pytest.fixture
def sealed(filled: Path) -> Iterator[Path]:
    """A dataset file in a folder of its own; neither may be written until the test is over."""
    folder = filled.parent / "sealed"
    folder.mkdir()
    db = folder / "images.db"
    shutil.copy(filled, db)
    db.chmod(0o444)
    folder.chmod(0o555)
    yield db
    folder.chmod(0o755)


def test_an_import_into_a_read_only_file_is_refused_and_says_so(
    filled: Path, pictures: Path
) -> None:
    filled.chmod(0o444)
    done = run(filled, "import", pictures, before=as_an_ordinary_user)
    assert_clear_failure(done, 3, "read-only", never=["attempt to write"])
    assert len(content(filled)) == 20


def test_an_import_into_a_read_only_folder_is_refused_and_says_so(
    sealed: Path, pictures: Path
) -> None:
    done = run(sealed, "import", pictures, before=as_an_ordinary_user)
    assert_clear_failure(done, 3, "read-only", never=["unable to open"])


def test_a_dataset_where_nothing_may_be_written_can_be_read(sealed: Path) -> None:
    for words in (["stats", "--json"], ["ls", "--json"], ["db", "check"]):
        done = run(sealed, *words, before=as_an_ordinary_user)
        assert done.returncode == 0, (words, done.stderr)
    assert [path.name for path in sealed.parent.iterdir()] == ["images.db"]


# Busy


@contextmanager
def lock_held(db: Path) -> Iterator[None]:
    """Hold the write lock as another pixshelf would."""
    path = db.with_name(db.name + "-lock")
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def transaction_held(db: Path) -> Iterator[None]:
    """Hold a write transaction as another SQLite program would."""
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@pytest.mark.parametrize("hold", [lock_held, transaction_held])
def test_an_import_into_a_file_that_another_writes_gives_up_clearly(
    hold: Hold, filled: Path, tmp_path: Path
) -> None:
    more = make_images(tmp_path / "more", 10, seed=3)
    with hold(filled):
        done = run(filled, "--wait", "0.2", "import", more)
    assert_clear_failure(done, 3, "being written by another", never=["database is locked"])
    assert len(content(filled)) == 20


@pytest.mark.parametrize("hold", [lock_held, transaction_held])
def test_an_import_waits_for_a_writer_that_finishes(
    hold: Hold, filled: Path, pictures: Path
) -> None:
    with hold(filled):
        process = start(filled, "--wait", "60", "import", pictures)
        time.sleep(0.5)
        assert process.poll() is None
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert len(content(filled)) == 20 + IMAGES


def test_a_file_that_another_writes_can_be_read_meanwhile(filled: Path) -> None:
    with lock_held(filled), transaction_held(filled):
        done = run(filled, "stats", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"] == 20


# Not a dataset file


def other_programs_file() -> bytes:
    """An SQLite database with somebody else's table."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE image (id INTEGER PRIMARY KEY, name TEXT)")
        return connection.serialize()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (JPEG, ["is not a dataset file"]),
        (b"hello\n", ["is not a dataset file"]),
        (other_programs_file(), ["of another program"]),
    ],
    ids=["jpeg", "text", "other sqlite"],
)
@pytest.mark.parametrize("command_words", ["import", "stats"])
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(
    what: bytes, words: list[str], command_words: str, few: Path, tmp_path: Path
) -> None:
    db = tmp_path / "photo.jpg"
    db.write_bytes(what)
    arguments = [few] if command_words == "import" else []
    done = run(db, command_words, *arguments)
    assert_clear_failure(done, 3, *words, never=["file is not a database"])
    assert db.read_bytes() == what
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_folder_as_a_dataset_file_is_refused(few: Path, tmp_path: Path) -> None:
    assert_clear_failure(run(tmp_path, "import", few), 3, "is a folder")


def test_a_dataset_file_of_a_newer_program_is_refused_and_left_as_it_is(
    filled: Path, few: Path
) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 9999")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    before = filled.read_bytes()
    for words in (["import", few], ["stats"], ["db", "check"]):
        assert_clear_failure(run(filled, *words), 3, "9999")
    assert filled.read_bytes() == before


# Damaged


def test_a_dataset_file_cut_in_half_is_refused_clearly(filled: Path, few: Path) -> None:
    whole = filled.read_bytes()
    filled.write_bytes(whole[: len(whole) // 2])
    for words in (["import", few], ["ls"], ["stats"]):
        done = run(filled, *words)
        assert_clear_failure(done, 3, "damaged", never=["sqlite3."])


def test_the_check_names_the_image_whose_bytes_are_not_what_they_were(filled: Path) -> None:
    with opened(filled) as connection:
        image, data = connection.execute(
            "SELECT image_id, data FROM image_data ORDER BY image_id LIMIT 1"
        ).fetchone()
    raw = bytearray(filled.read_bytes())
    place = raw.index(data)
    raw[place + len(data) - 5] ^= 0x40
    filled.write_bytes(raw)
    done = run(filled, "db", "check", "--deep", "--json")
    assert done.returncode == 1, done.stderr
    assert image in [problem["image"] for problem in json.loads(done.stdout)["problems"]]
