"""What edits leave behind when their process is killed, and when others write and read meanwhile.

Every writer is a process of its own that says, a line for each, which action it was told is done.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.query import parse
from tests.faults.harness import (
    ROOT,
    assert_sound,
    end_of,
    environment,
    kill_after,
    make_images,
    opened,
    run,
    start,
)
from tests.making import add_images, new_image

SECONDS = 4.0
"""How long writers and readers work side by side; raise it to try them for longer by hand."""

IMAGES = 400
KILLS = 16
"""Kills of each command in one test; raise it to try for longer by hand."""

# Labels image after image, and prints every action once it is told that it is done.
_EDITOR = """
import os, sys, time
from storage.opening import open_repository
path, seconds, first = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
until = time.monotonic() + seconds
with open_repository(path, wait=60) as repository:
    turn = 0
    while time.monotonic() < until:
        turn += 1
        image = first + turn % 50
        name = f"{os.getpid()}-{turn}"
        action = repository.images.set_label([image], name, actor=str(first))
        print(action.id, image, name, flush=True)
"""
_READER = """
import sys, time
from storage.opening import open_repository
from storage.query import parse
path, seconds = sys.argv[1], float(sys.argv[2])
until = time.monotonic() + seconds
pages = 0
with open_repository(path) as repository:
    seen = 0
    while time.monotonic() < until:
        page = repository.images.page(parse("sort:-id"), limit=50)
        newest = page.images[0].id
        assert newest >= seen, (newest, seen)
        seen = newest
        for image in page.images:
            assert repository.images.data(image.id)
        stats = repository.stats()
        assert stats.images == stats.unlabelled + sum(stats.labels.values()), stats
        pages += 1
print(pages)
"""


def python(code: str, *words: object) -> subprocess.Popen[str]:
    """Start a program of a few lines."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset file of a few hundred images with the label 'old', not to be changed."""
    db = tmp_path_factory.mktemp("shelf") / "images.db"
    with open_repository(db, create=True) as repository:
        add_images(repository, *(new_image(n, label="old") for n in range(IMAGES)))
    return db


@pytest.fixture
def db(shelf: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copy(shelf, tmp_path / "images.db"))


def labels(db: Path) -> dict[int, str]:
    """Every image's label."""
    with opened(db) as connection:
        rows = connection.execute(
            "SELECT image.id, label.name FROM image JOIN label ON label.id = image.label_id"
        )
        return {row[0]: row[1] for row in rows}


def actions(db: Path) -> list[tuple[int, str, int, int]]:
    """Every action: its id, its state, how many images it says and how many events it has."""
    with opened(db) as connection:
        return connection.execute(
            "SELECT id, state, images, (SELECT count(*) FROM event WHERE action_id = action.id) "
            "FROM action ORDER BY id"
        ).fetchall()


# Side by side


@pytest.mark.slow
def test_two_label_while_another_imports_and_a_fourth_reads_and_no_edit_is_lost(
    db: Path, tmp_path: Path
) -> None:
    pictures = make_images(tmp_path / "pictures", 1500)
    editors = [python(_EDITOR, db, SECONDS, first) for first in (1, 101)]
    reader = python(_READER, db, SECONDS)
    imports = 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until or not imports:
        done = run(db, "--wait", "60", "import", pictures)
        assert done.returncode == 0, done.stderr
        imports += 1
    expected: dict[int, str] = {}
    told = 0
    for editor in editors:
        done = end_of(editor)
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            _, image, label = line.split()
            expected[int(image)] = label
            told += 1
    done = end_of(reader)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
    assert_sound(db)
    now = labels(db)
    assert {image: now[image] for image in expected} == expected
    assert len(actions(db)) == told > 20
    with opened(db) as connection:
        assert connection.execute("SELECT count(*) FROM image").fetchone()[0] == IMAGES + 1500


# Killed


@pytest.mark.slow
def test_an_editor_killed_at_random_moments_loses_nothing_that_was_acknowledged(db: Path) -> None:
    moments = random.Random(1)
    told: list[tuple[int, int, str]] = []
    for _ in range(KILLS):
        editor = python(_EDITOR, db, 60, 1)
        assert editor.stdout is not None
        first = editor.stdout.readline()
        time.sleep(moments.uniform(0, 0.15))
        editor.send_signal(signal.SIGKILL)
        rest, _ = editor.communicate(timeout=60)
        # A line that the kill cut short was not told.
        for line in (first + rest).splitlines(keepends=True):
            if line.endswith("\n"):
                action, image, label = line.split()
                told.append((int(action), int(image), label))
    assert_sound(db)
    there = actions(db)
    assert {action for action, _, _ in told} <= {row[0] for row in there}
    # At each kill one more may have been done and not told.
    assert len(there) <= len(told) + KILLS
    assert all(images == events == 1 for _, _, images, events in there)
    with opened(db) as connection:
        after = dict(connection.execute("SELECT action_id, after FROM event").fetchall())
        newest = connection.execute(
            "SELECT image_id, after FROM event WHERE id IN "
            "(SELECT max(id) FROM event GROUP BY image_id)"
        ).fetchall()
    assert [after[action] for action, _, _ in told] == [label for _, _, label in told]
    now = labels(db)
    assert {image: now[image] for image, _ in newest} == dict(newest)


def whole(db: Path, seen: set[str]) -> None:
    """All images carry one of the labels: an action is there as a whole, or is not there."""
    assert_sound(db)
    found = set(labels(db).values())
    assert len(found) == 1, found
    assert found <= seen, found
    for _, _, images, events in actions(db):
        assert images == events == IMAGES


def seconds_of(db: Path, *words: object) -> float:
    """How long a command takes on a copy when nobody disturbs it."""
    copy = db.with_name("undisturbed.db")
    shutil.copy(db, copy)
    started = time.monotonic()
    done = run(copy, *words)
    assert done.returncode == 0, done.stderr
    seconds = time.monotonic() - started
    copy.unlink()
    return seconds


@pytest.mark.slow
def test_labels_by_query_killed_at_random_moments_are_there_whole_or_not_at_all(db: Path) -> None:
    moments = random.Random(2)
    words = ("label", "id>0", "new0")
    seconds = seconds_of(db, *words)
    names = {"old"}
    for number in range(KILLS):
        name = f"new{number}"
        process = start(db, "label", "id>0", name)
        killed = kill_after(process, moments.uniform(0.4, 1.05) * seconds)
        names.add(name)
        whole(db, names)
        if not killed:
            assert process.returncode == 0
            assert set(labels(db).values()) == {name}


@pytest.mark.slow
def test_an_undo_killed_at_random_moments_took_back_all_or_nothing(db: Path) -> None:
    moments = random.Random(3)
    names = {"old"}
    with open_repository(db) as repository:
        ids = repository.images.ids(parse(""))
        for number in range(KILLS):
            repository.images.set_label(ids, f"new{number}", actor="test")
            names.add(f"new{number}")
    seconds = seconds_of(db, "undo")
    for _ in range(KILLS):
        kill_after(start(db, "undo"), moments.uniform(0.4, 1.05) * seconds)
        whole(db, names)
        done = [row for row in actions(db) if row[1] == "done"]
        assert set(labels(db).values()) == {f"new{len(done) - 1}" if done else "old"}


@pytest.mark.slow
def test_a_vacuum_killed_at_random_moments_leaves_every_image_that_was_not_in_the_trash(
    db: Path,
) -> None:
    moments = random.Random(4)
    seconds = None
    for _ in range(KILLS):
        with open_repository(db) as repository:
            ids = repository.images.ids(parse(""))
            repository.images.delete(ids[:10], actor="test")
        with opened(db) as connection:
            before = {row[0] for row in connection.execute("SELECT id FROM image")}
        if seconds is None:
            seconds = seconds_of(db, "db", "vacuum", "--yes")
        process = start(db, "db", "vacuum", "--yes")
        killed = kill_after(process, moments.uniform(0.4, 1.05) * seconds)
        assert killed or process.returncode == 0
        assert_sound(db)
        with opened(db) as connection:
            left = {row[0] for row in connection.execute("SELECT id FROM image")}
            assert left in (before, {*ids[10:]})
    assert json.loads(run(db, "stats", "--json").stdout)["images"] == IMAGES - 10 * KILLS


@pytest.mark.slow
def test_a_backup_killed_at_random_moments_leaves_a_whole_copy_or_none(
    db: Path, tmp_path: Path
) -> None:
    moments = random.Random(5)
    (tmp_path / "tried").mkdir()
    seconds = seconds_of(db, "db", "backup", tmp_path / "tried" / "copy.db")
    for number in range(KILLS):
        target = tmp_path / f"copy{number}.db"
        process = start(db, "db", "backup", target)
        killed = kill_after(process, moments.uniform(0.4, 1.05) * seconds)
        assert killed or process.returncode == 0
        assert killed or target.exists()
        if target.exists():
            assert_sound(target)
            assert labels(target) == labels(db)
    assert_sound(db)


def test_a_file_left_by_a_killed_writer_needs_no_repair(db: Path) -> None:
    editor = python(_EDITOR, db, 60, 1)
    assert editor.stdout is not None
    editor.stdout.readline()
    editor.send_signal(signal.SIGKILL)
    editor.communicate(timeout=60)
    assert db.with_name(db.name + "-wal").exists()
    assert run(db, "db", "check").returncode == 0
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
