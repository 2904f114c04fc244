"""`sql`: any question that only reads, on any dataset, and nothing else whatever it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.errors import ExitCode, TimedOut, UsageError
from storage.repository import Repository
from tests.contract.conftest import Raw
from tests.making import add_images, new_image

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT {} FROM c"


@pytest.fixture
def filled(repository: Repository) -> Iterator[Repository]:
    add_images(repository, *(new_image(n, label="ab"[n % 2]) for n in range(1, 6)))
    return repository


def answer(
    repository: Repository, text: str, *, limit: int | None = None, timeout: float = 10.0
) -> list[tuple[object, ...]]:
    with closing(repository.sql(text, limit=limit, timeout=timeout)) as rows:
        return list(rows)


def test_a_question_is_answered_with_its_columns_and_rows(filled: Repository) -> None:
    with closing(filled.sql("SELECT label, count(*) AS n FROM images GROUP BY 1")) as rows:
        assert rows.columns == ("label", "n")
        assert list(rows) == [("a", 2), ("b", 3)]


def test_values_keep_their_kinds(filled: Repository) -> None:
    assert answer(filled, "SELECT 1, 1.5, 'text', x'00ff', NULL") == [
        (1, 1.5, "text", b"\x00\xff", None)
    ]


def test_text_that_is_not_utf8_is_shown_as_far_as_it_goes(filled: Repository) -> None:
    assert answer(filled, "SELECT CAST(x'61ff62' AS TEXT)") == [("a\ufffdb",)]


def test_no_more_rows_than_the_limit_are_given(filled: Repository) -> None:
    assert answer(filled, "SELECT id FROM images ORDER BY id", limit=2) == [(1,), (2,)]
    assert answer(filled, ENDLESS.format("x"), limit=3) == [(1,), (2,), (3,)]
    assert answer(filled, "SELECT 1", limit=0) == []


def test_columns_of_one_name_are_told_apart(filled: Repository) -> None:
    with closing(filled.sql('SELECT 1 AS n, 2 AS n, 3 AS "n:1", 4 AS n')) as rows:
        assert rows.columns == ("n", "n:1", "n:1:1", "n:2")


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM image",
        "UPDATE image SET width = 1",
        "INSERT INTO label (name) VALUES ('x')",
        "DROP TABLE image",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "CREATE TEMP VIEW v AS SELECT 1",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "ALTER TABLE image RENAME TO other",
        "ATTACH '{folder}/other.db' AS other",
        "VACUUM",
        "VACUUM INTO '{folder}/other.db'",
        "BEGIN",
        "SAVEPOINT s",
        "ANALYZE",
        "SELECT load_extension('x')",
        "SELECT fts3_tokenizer('x')",
        "PRAGMA user_version = 9",
        "PRAGMA user_version(9)",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA wal_checkpoint",
        "PRAGMA optimize",
        "WITH x AS (SELECT 1) DELETE FROM image",
        "EXPLAIN DELETE FROM image",
        "SELECT 1; DELETE FROM image",
        "DELETE FROM image RETURNING id",
        "REINDEX",
        "",
        "-- nothing",
        "SELECT",
        "SELECT nothing FROM image",
        "SELECT 1\0",
        "SELECT " + "1," * 60_000 + "1",
        "SELECT hex(zeroblob(200000000))",
    ],
    ids=lambda text: text[:30].replace("/", "-").replace("\0", "NUL") or "empty",
)
def test_what_does_not_only_read_is_refused_and_changes_nothing(
    filled: Repository, raw: Raw, tmp_path: Path, text: str
) -> None:
    before = raw("SELECT * FROM image"), raw("SELECT sql FROM sqlite_schema")
    files = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(UsageError, match=r"^SQL: ") as caught:
        answer(filled, text.replace("{folder}", str(tmp_path)))
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == ExitCode.USAGE
    assert (raw("SELECT * FROM image"), raw("SELECT sql FROM sqlite_schema")) == before
    assert raw("PRAGMA user_version") != [(9,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == files


@pytest.mark.parametrize(
    "text",
    [
        "PRAGMA table_info(image)",
        "SELECT name FROM pragma_table_info('image')",
        "PRAGMA user_version",
        "EXPLAIN QUERY PLAN SELECT * FROM images",
        "SELECT value FROM json_each('[1]')",
        "SELECT name FROM sqlite_schema",
        "VALUES (1)",
        "SELECT 1 -- and that is all",
        "SELECT 1;",
    ],
)
def test_what_only_reads_is_answered(filled: Repository, text: str) -> None:
    assert answer(filled, text)


@pytest.mark.parametrize("what", ["count(*)", "x"])
def test_a_question_that_takes_too_long_is_given_up(filled: Repository, what: str) -> None:
    with pytest.raises(TimedOut, match=r"longer than 0\.05 s") as caught:
        answer(filled, ENDLESS.format(what), timeout=0.05)
    assert caught.value.exit_code == ExitCode.FAILED


def test_the_time_between_rows_does_not_count(filled: Repository) -> None:
    import time

    with closing(filled.sql("SELECT id FROM images ORDER BY id", timeout=0.2)) as rows:
        reading = iter(rows)
        next(reading)
        time.sleep(0.3)
        assert len(list(reading)) == 4


def test_an_answer_is_closed_twice_and_leaves_the_repository_open(filled: Repository) -> None:
    rows = filled.sql("SELECT 1")
    rows.close()
    rows.close()
    assert filled.stats().images == 5


def test_writing_goes_on_while_an_answer_is_read(filled: Repository) -> None:
    with closing(filled.sql("SELECT id FROM images")) as rows:
        reading = iter(rows)
        next(reading)
        add_images(filled, new_image(9))
        assert len(list(reading)) == 4
    assert filled.stats().images == 6
