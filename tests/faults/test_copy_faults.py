"""What `db copy` leaves behind when it is killed, interrupted, or loses its server or its disk.

Every copy is a process of its own; what it leaves is read by hand (tests/copies.py).
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from storage.opening import open_repository
from tests.copies import (
    FilePlace,
    NewPlace,
    Place,
    ServerPlace,
    content,
    each_kind,
    fill,
    new_place,
)
from tests.faults.harness import (
    Step,
    as_an_ordinary_user,
    assert_clear_failure,
    assert_sound,
    can_mount,
    command,
    end,
    end_of,
    kill_after,
    make_images,
    run,
    run_short_of_room,
    start,
)
from tests.making import add_images, new_image
from tests.pg_server import Server, running_server

__all__ = ["new_place"]

IMAGES = 12_000
NOBODY = Path("unused.db")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> FilePlace:
    """A dataset file with rows in every table, and images for several batches."""
    place = FilePlace(tmp_path_factory.mktemp("source") / "source.db")
    with open_repository(place.path, create=True) as repo:
        fill(repo)
        add_images(repo, *(new_image(n, data=b"%d" % n * 50) for n in range(IMAGES)))
    return place


def start_copy(source: Place, target: Place) -> subprocess.Popen[str]:
    return start(NOBODY, "db", "copy", source.url, target.url, "--json")


def copied(source: Place, target: Place) -> dict[str, object]:
    """Copy to the end; gives the report."""
    done = run(NOBODY, "db", "copy", source.url, target.url, "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout)
    return report


def rows_there(target: Place, table: str) -> int:
    """How many rows of a table an unfinished copy has by now."""
    sql = f"SELECT count(*) FROM {table}"
    try:
        if isinstance(target, FilePlace):
            uri = f"{target.unfinished.as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True)
            try:
                return int(connection.execute(sql).fetchone()[0])
            finally:
                connection.close()
        return int(target.raw(sql, unfinished=True)[0][0])
    except (sqlite3.Error, psycopg.Error):
        return 0


def copy_until(source: Place, target: Place, table: str) -> subprocess.Popen[str]:
    """A copy that runs, and has written rows of the table."""
    process = start_copy(source, target)
    while not rows_there(target, table) and process.poll() is None:
        time.sleep(0.002)
    assert process.poll() is None, process.communicate()
    return process


def assert_out_of_sight(target: Place) -> None:
    """There is no dataset at the target."""
    done = run(Path(target.url), "stats") if isinstance(target, FilePlace) else stats(target)
    assert_clear_failure(done, 3, "there is no dataset")


def stats(target: Place) -> subprocess.CompletedProcess[str]:
    words = command(NOBODY, "stats", "--db", target.url)
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


# Killed


@pytest.mark.parametrize("table", ["label", "image_data", "event"])
@each_kind
def test_a_copy_that_is_killed_is_out_of_sight_and_gone_on_with(
    kind: str, table: str, source: FilePlace, new_place: NewPlace
) -> None:
    target = new_place(kind)
    end(copy_until(source, target, table), signal.SIGKILL)
    assert_out_of_sight(target)
    report = copied(source, target)
    assert report["resumed"]
    assert bool(report["kept"]) == (table != "label")
    assert content(target) == content(source)
    assert not target.has_unfinished()


@pytest.mark.slow
@each_kind
def test_a_copy_killed_at_ten_random_moments_completes(
    kind: str, source: FilePlace, new_place: NewPlace
) -> None:
    seconds = time_of(lambda: copied(source, new_place(kind)))
    moments = random.Random(1)
    target = new_place(kind)
    kills = runs = 0
    while kills < 10:
        runs += 1
        assert runs < 60, "the copy ends before it can be killed"
        process, moment = start_copy(source, target), moments.uniform(0.2, 0.95) * seconds
        began = time.monotonic()
        if kill_after(process, moment):
            kills += 1
            continue
        assert content(target) == content(source)
        # The machine may be less busy now than when the first was timed.
        seconds = min(seconds, time.monotonic() - began)
        target = new_place(kind)
    finished = run(NOBODY, "db", "copy", source.url, target.url)
    # The kill may have come after the last step.
    assert finished.returncode == 0 or "already" in finished.stderr, finished.stderr
    assert content(target) == content(source)


def test_what_a_killed_copy_of_a_server_left_is_gone_on_with(
    source: FilePlace, new_place: NewPlace
) -> None:
    between, target = new_place("postgres"), new_place("sqlite")
    copied(source, between)
    end(copy_until(between, target, "image_data"), signal.SIGKILL)
    assert copied(between, target)["resumed"]
    assert content(target) == content(source)


def time_of(do: Callable[[], object]) -> float:
    """The seconds that it takes."""
    began = time.monotonic()
    do()
    return time.monotonic() - began


# Interrupted


@each_kind
def test_ctrl_c_says_how_to_go_on(kind: str, source: FilePlace, new_place: NewPlace) -> None:
    target = new_place(kind)
    done = end(copy_until(source, target, "image_data"), signal.SIGINT)
    assert done.returncode == 130, done.stderr
    assert "the same command goes on with it" in done.stderr
    assert "Traceback" not in done.stderr
    assert_out_of_sight(target)
    assert copied(source, target)["resumed"]
    assert content(target) == content(source)


# A server that dies


@pytest.fixture
def own_server() -> Iterator[Server]:
    with running_server() as server:
        yield server


def test_a_copy_whose_target_server_dies_fails_clearly_and_is_gone_on_with(
    source: FilePlace, own_server: Server
) -> None:
    target = ServerPlace(own_server.url(own_server.create_database()))
    process = copy_until(source, target, "image_data")
    own_server.kill()
    assert_clear_failure(end_of(process), 3, "lost")
    own_server.start()
    assert copied(source, target)["resumed"]
    assert content(target) == content(source)


def test_a_copy_whose_source_server_dies_fails_clearly_and_is_gone_on_with(
    source: FilePlace, own_server: Server, tmp_path: Path
) -> None:
    between = ServerPlace(own_server.url(own_server.create_database()))
    copied(source, between)
    target = FilePlace(tmp_path / "target.db")
    process = copy_until(between, target, "image_data")
    own_server.kill()
    assert_clear_failure(end_of(process), 3, "lost")
    assert_out_of_sight(target)
    own_server.start()
    assert copied(between, target)["resumed"]
    assert content(target) == content(source)


def test_a_copy_waits_for_a_server_that_is_starting(source: FilePlace, own_server: Server) -> None:
    target = ServerPlace(own_server.url(own_server.create_database()))
    own_server.stop()
    process = start(NOBODY, "--wait", "60", "db", "copy", source.url, target.url)
    try:
        assert process.stderr is not None
        assert "waiting up to 60 s" in process.stderr.readline()
    finally:
        own_server.start()
    assert end_of(process).returncode == 0
    assert content(target) == content(source)


def test_a_database_where_nothing_may_be_made_is_refused_without_telling_the_password(
    source: FilePlace, postgres_server: Server
) -> None:
    name = postgres_server.create_database()
    with postgres_server.connect() as connection:
        connection.execute("CREATE ROLE copy_reader LOGIN PASSWORD 'hidden'")
    try:
        word = "hidden"
        url = postgres_server.url(name, user="copy_reader", password=word)
        done = run(NOBODY, "db", "copy", source.url, url)
        assert_clear_failure(done, 3, "the user 'copy_reader' may not do that", never=["hidden"])
    finally:
        postgres_server.drop_database(name)
        with postgres_server.connect() as connection:
            connection.execute("DROP ROLE copy_reader")


def test_a_database_that_is_not_there_is_named(source: FilePlace, postgres_server: Server) -> None:
    done = run(NOBODY, "db", "copy", source.url, postgres_server.url("nowhere"))
    assert_clear_failure(done, 3, "has no database 'nowhere'")


# No room, no leave


def copy_short_of_room(source: FilePlace, folder: Path, *, tmpfs: bool) -> None:
    """Copy to where there is too little room, make room, and copy again."""
    (folder / "disk").mkdir()
    db, out = folder / "disk" / "target.db", folder / "left.db"
    words = command(NOBODY, "db", "copy", source.url, db, "--json")
    steps = [
        Step(words),
        Step(command(db, "stats")),
        Step(words, room=True),
        Step(command(db, "db", "backup", out), room=True),
    ]
    room = source.path.stat().st_size * 3 // 4 // 1024
    failed, looked, again, saved = run_short_of_room(folder / "disk", room, steps, tmpfs=tmpfs)
    assert_clear_failure(failed, 1, "took no more")
    assert_clear_failure(looked, 3, "there is no dataset")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["resumed"]
    assert saved.returncode == 0, saved.stderr
    assert content(FilePlace(out)) == content(source)


def test_a_full_disk_ends_a_copy_clearly_and_keeps_what_was_copied(
    source: FilePlace, tmp_path: Path
) -> None:
    copy_short_of_room(source, tmp_path, tmpfs=can_mount(tmp_path))


def test_a_file_that_may_not_grow_ends_a_copy_clearly_and_keeps_what_was_copied(
    source: FilePlace, tmp_path: Path
) -> None:
    copy_short_of_room(source, tmp_path, tmpfs=False)


def test_a_copy_into_a_read_only_folder_is_refused_and_says_so(
    source: FilePlace, tmp_path: Path
) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0o555)
    done = run(NOBODY, "db", "copy", source.url, folder / "target.db", before=as_an_ordinary_user)
    assert_clear_failure(done, 3, "read-only")
    assert list(folder.iterdir()) == []


# A source that is written meanwhile


@pytest.mark.parametrize("other", ["sqlite", "postgres"])
@each_kind
def test_a_copy_of_a_dataset_that_others_write_is_whole_and_of_one_moment(
    kind: str, other: str, new_place: NewPlace, tmp_path: Path
) -> None:
    source, target = new_place(kind), new_place(other)
    with open_repository(source.url, create=True) as repo:
        add_images(repo, *(new_image(n) for n in range(3_000)))
    pictures = make_images(tmp_path / "pictures", 1_500)
    importing = subprocess.Popen(
        command(NOBODY, "import", pictures, "--db", source.url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: source.raw("SELECT max(id) > 3000 FROM image")[0][0], importing)
    report = copied(source, target)
    _, err = importing.communicate(timeout=60)
    assert importing.returncode == 0, err
    assert int(str(report["images"])) > 3_000
    (found,) = target.raw("SELECT count(*), max(id) FROM image")
    assert found == (report["images"], report["images"])
    with open_repository(target.url) as repo:
        assert list(repo.check(deep=True)) == []
    if isinstance(target, FilePlace):
        assert_sound(target.path)


def wait_for(holds: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Until it holds, or the process has ended."""
    while not holds() and process.poll() is None:
        time.sleep(0.005)
