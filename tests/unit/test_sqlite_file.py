"""The dataset file as a file: made, recognised, locked, left tidy, open to other tools."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils

from storage.errors import DatasetBusy, DatasetError, RefusedInput, UsageError
from storage.opening import open_repository
from storage.query import parse
from storage.sqlite import images
from storage.sqlite.database import CHECKPOINT_BYTES
from storage.sqlite.lock import WriteLock
from storage.sqlite.schema import (
    APPLICATION_ID,
    LARGE_INDEXES,
    SCHEMA_VERSION,
    migrate_to_first,
)
from tests.making import add_images, new_image, new_model, new_prediction, new_run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "set.db"


def _make(path: Path, count: int = 1) -> None:
    with open_repository(path, create=True) as repository:
        add_images(repository, *(new_image(n) for n in range(count)))


def test_a_missing_file_is_not_made_unless_asked(path: Path) -> None:
    with pytest.raises(DatasetError, match="no dataset file"):
        open_repository(path)
    assert not path.exists()


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        open_repository(tmp_path / "nowhere" / "set.db", create=True)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 a JPEG" * 100, b"SQLite format 3"])
def test_a_file_of_another_kind_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="not a dataset file"):
        open_repository(path)
    assert path.read_bytes() == content


def test_a_jpeg_is_not_written_over_even_when_a_dataset_may_be_made(path: Path) -> None:
    path.write_bytes(b"\xff\xd8\xff\xe0" * 100)
    with pytest.raises(DatasetError, match="not a dataset file"):
        open_repository(path, create=True)
    assert path.read_bytes() == b"\xff\xd8\xff\xe0" * 100


@pytest.mark.parametrize("create", [False, True])
def test_the_sqlite_file_of_another_program_is_refused(path: Path, create: bool) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE image (id)")
    connection.close()
    with pytest.raises(DatasetError, match="another program"):
        open_repository(path, create=create)


def test_another_process_leaves_the_log_of_two_connections_in_place(path: Path) -> None:
    _make(path)
    other = "from storage.opening import open_repository as o; o(sys.argv[1]).close()"
    with open_repository(path) as first, open_repository(path):
        add_images(first, new_image(1))
        subprocess.run([sys.executable, "-c", f"import sys; {other}", str(path)], check=True)
        add_images(first, new_image(2))
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM image").fetchone() == (3,)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is a folder"):
        open_repository(tmp_path)


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("name", [".", "/", ".."])
def test_a_folder_by_a_name_without_a_last_part_is_refused(name: str, create: bool) -> None:
    with pytest.raises(DatasetError, match="is a folder"):
        open_repository(name, create=create)


def test_a_newer_file_is_refused_with_both_versions(path: Path) -> None:
    _make(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    for create in (False, True):
        with pytest.raises(DatasetError, match=f"version {SCHEMA_VERSION + 1}.*{SCHEMA_VERSION}"):
            open_repository(path, create=create)


def test_a_damaged_file_is_named_as_damaged(path: Path) -> None:
    _make(path, 500)
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + os.urandom(len(whole) - 8192))
    with pytest.raises(DatasetError, match="damaged"), open_repository(path) as repository:
        repository.stats()


def test_a_file_whose_making_was_cut_short_is_finished(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA page_size=8192")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.close()
    with pytest.raises(DatasetError, match="not finished"):
        open_repository(path)
    with open_repository(path, create=True) as repository:
        assert repository.stats().images == 0


def test_a_file_whose_making_was_cut_short_between_two_migrations_is_finished(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    migrate_to_first(connection)
    connection.close()
    with open_repository(path, create=True) as repository:
        assert repository.info().schema_version == SCHEMA_VERSION


@pytest.mark.parametrize("url", ["mysql://x/y", "http://x"])
def test_an_unknown_kind_of_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="is not a kind of dataset"):
        open_repository(url)


def test_a_url_opens_the_same_file_as_its_path(path: Path) -> None:
    _make(path)
    with open_repository(f"sqlite:///{path}") as repository:
        assert repository.url == str(path)


def test_only_the_dataset_file_is_left_after_use(path: Path) -> None:
    _make(path)
    with open_repository(path) as reader:
        reader.stats()
    assert [p.name for p in path.parent.iterdir()] == ["set.db"]


def test_only_the_dataset_file_is_left_when_the_reader_closes_last(path: Path) -> None:
    reader_first = open_repository(path, create=True)
    with open_repository(path) as writer:
        add_images(writer, new_image(1))
    assert reader_first.stats().images == 1
    reader_first.close()
    reader_first.close()
    assert [p.name for p in path.parent.iterdir()] == ["set.db"]


def test_a_write_waits_its_time_for_another_writer_and_then_says_so(path: Path) -> None:
    _make(path)
    lock = WriteLock(path, wait=0.0)
    with (
        open_repository(path, wait=0.05) as repository,
        lock.held(),
        pytest.raises(DatasetBusy, match="another process"),
    ):
        add_images(repository, new_image(2))
    assert not path.with_name("set.db-lock").exists()


def test_a_write_waits_for_a_writer_of_another_program(path: Path) -> None:
    _make(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        open_repository(path, wait=0.05) as repository,
        pytest.raises(DatasetBusy, match="another program"),
    ):
        add_images(repository, new_image(2))
    other.execute("ROLLBACK")
    other.close()


def test_the_lock_of_a_killed_process_is_free(path: Path) -> None:
    _make(path)
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from storage.sqlite.lock import WriteLock\n"
        "with WriteLock(Path(sys.argv[1]), wait=1).held():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.with_name("set.db-lock").exists()
    with open_repository(path, wait=0.0) as repository:
        add_images(repository, new_image(2))
    assert [p.name for p in path.parent.iterdir()] == ["set.db"]


def test_many_threads_write_at_once_and_lose_nothing(path: Path) -> None:
    _make(path, 0)

    def write(first: int) -> None:
        with open_repository(path, wait=30) as repository:
            for number in range(first, first + 20):
                add_images(repository, new_image(number))

    threads = [threading.Thread(target=write, args=(n * 20,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open_repository(path) as repository:
        assert repository.stats().images == 120
        assert list(repository.check()) == []


def test_the_write_ahead_log_stays_short(path: Path) -> None:
    with open_repository(path, create=True) as repository:
        for number in range(12):
            add_images(repository, new_image(number, data=os.urandom(4_000_000)))
        assert path.with_name("set.db-wal").stat().st_size < 2 * CHECKPOINT_BYTES


def test_check_finds_changed_bytes_and_missing_bytes(path: Path) -> None:
    _make(path, 3)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE image_data SET data = x'00' WHERE image_id = 1")
    connection.execute("DELETE FROM image_data WHERE image_id = 2")
    connection.commit()
    connection.close()
    with open_repository(path) as repository:
        found = [(problem.image, problem.what) for problem in repository.check()]
    assert found == [
        (2, "the bytes are missing"),
        (1, "the bytes are not those that were stored (sha256)"),
    ]


def test_check_finds_references_to_nothing(path: Path) -> None:
    _make(path, 1)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE image SET label_id = 77")
    connection.commit()
    connection.close()
    with open_repository(path) as repository:
        (problem,) = repository.check()
    assert problem.what == "reference: row 1 of image points at nothing in label"


def test_a_backup_is_whole_while_another_process_writes(path: Path, tmp_path: Path) -> None:
    _make(path, 50)
    with open_repository(path) as reader, open_repository(path) as writer:
        add_images(writer, new_image(1000))
        reader.backup(tmp_path / "copy.db")
    with open_repository(tmp_path / "copy.db") as copy:
        assert copy.stats().images == 51
        assert list(copy.check()) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.db", "set.db"]


def test_a_backup_writes_over_nothing(path: Path, tmp_path: Path) -> None:
    _make(path)
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    with open_repository(path) as repository, pytest.raises(RefusedInput, match="already there"):
        repository.backup(taken)
    assert taken.read_text() == "mine"


def test_the_views_answer_other_programs(path: Path) -> None:
    with open_repository(path, create=True) as repository:
        (image,) = add_images(repository, new_image(1, label="b", tags=("t", "s")))
        model = repository.models.add(new_model("a", "b"))
        repository.predictions.save(model, [new_prediction(image, "a", 0.7)])
    database = sqlite_utils.Database(path)
    (row,) = database["images"].rows
    assert (row["label"], row["tags"], row["source"]) == ("b", "s, t", "1.png")
    (wrong,) = database["wrong_predictions"].rows
    assert (wrong["predicted"], wrong["label"], wrong["confidence"]) == ("a", "b", 0.7)
    assert list(database["low_confidence"].rows) == [wrong]
    database.close()


def test_indexes_that_only_large_datasets_need_are_made_when_one_grows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "LARGE", 10)
    with open_repository(path, create=True) as repository:
        add_images(repository, *(new_image(n) for n in range(9)))
        assert _indexes(path).isdisjoint(_large_names())
        add_images(repository, *(new_image(n) for n in range(9, 12)))
        assert _indexes(path) >= _large_names()


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("label:a", "image_label"),
        ("split:test", "image_split"),
        ("sort:width", "image_width"),
        ("sort:-bytes", "image_bytes"),
        ("sort:confidence", "prediction_confidence"),
        ("is:wrong sort:confidence", "prediction_"),
        ("sort:margin", "prediction_margin"),
    ],
)
def test_the_pages_of_a_large_dataset_come_from_an_index_without_sorting(
    path: Path, monkeypatch: pytest.MonkeyPatch, text: str, index: str
) -> None:
    monkeypatch.setattr(images, "LARGE", 10)
    with open_repository(path, create=True) as repository:
        ids = add_images(repository, *(new_image(n, label="a") for n in range(12)))
        model = repository.models.add(new_model("a", "b"))
        repository.predictions.save(model, [new_prediction(i, "b", i / 20) for i in ids])
        statements: list[str] = []
        monkeypatch.setattr(
            type(repository._database),
            "all",
            _recording(statements, type(repository._database).all),
        )
        repository.images.page(parse(text), limit=5)
    plan = statements[-1]
    assert index in plan
    assert "TEMP B-TREE" not in plan.split("SCAN page")[0]


def test_a_page_of_an_actions_events_comes_from_an_index_without_sorting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_repository(path, create=True) as repository:
        ids = add_images(repository, *(new_image(n) for n in range(12)))
        action = repository.images.set_label(ids, "a", actor="test")
        plans: list[str] = []
        database = type(repository._database)
        monkeypatch.setattr(database, "all", _recording(plans, database.all))
        assert len(repository.history.events(action.id, limit=5, after=ids[2])) == 5
    assert plans == ["SEARCH event USING INDEX event_action (action_id=? AND image_id>?)"]


def _recording(plans, original):
    def recorded(self, sql, parameters=()):
        rows = original(self, f"EXPLAIN QUERY PLAN {sql}", parameters)
        plans.append("\n".join(row[3] for row in rows))
        return original(self, sql, parameters)

    return recorded


def _indexes(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'").fetchall()
    connection.close()
    return {row[0] for row in rows}


def _large_names() -> set[str]:
    return {statement.split()[5] for statement in LARGE_INDEXES}


def test_a_write_by_a_link_waits_for_one_by_the_file_itself(path: Path, tmp_path: Path) -> None:
    _make(path)
    link = tmp_path / "link.db"
    link.symlink_to(path.name)
    with (
        open_repository(link, wait=0.05) as repository,
        WriteLock(path, wait=1).held(),
        pytest.raises(DatasetBusy, match="written by another process"),
    ):
        add_images(repository, new_image(7))
    assert {file.name for file in tmp_path.iterdir()} == {path.name, link.name}


def test_a_link_that_leads_nowhere_is_a_missing_file(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path.name)
    with pytest.raises(DatasetError, match="no dataset file"):
        open_repository(link)
    _make(link)
    assert path.is_file()
    assert link.is_symlink()


def test_a_link_that_leads_to_itself_is_an_error(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(link.name)
    with pytest.raises(DatasetError, match="cannot read"):
        open_repository(link)


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_only_a_regular_file_tells_who_works_on_a_run(path: Path, kind: str) -> None:
    _make(path)
    beside = Path(f"{path}-run-1")
    elsewhere = path.with_name("elsewhere")
    if kind == "pipe":
        os.mkfifo(beside)
    elif kind == "link":
        beside.symlink_to(elsewhere)
    else:
        beside.mkdir()
    with open_repository(path) as repository:
        repository.runs.create(new_run())
        for use in (
            lambda: repository.runs.is_held(1),
            lambda: repository.runs.hold(1).__enter__(),
        ):
            with pytest.raises(DatasetError, match=r"set\.db-run-1.* cannot be used") as raised:
                use()
            assert raised.value.hint is not None
    assert not elsewhere.exists()
