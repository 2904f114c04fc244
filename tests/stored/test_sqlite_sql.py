"""SQL on a dataset file: what SQLite alone has, and how little of it is let through."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.errors import UsageError
from storage.repository import Repository
from tests.backends import Backend, SqliteBackend
from tests.making import add_images, new_image


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return SqliteBackend(tmp_path / "dataset.db")


@pytest.fixture
def filled(repository: Repository) -> Repository:
    add_images(repository, *(new_image(n, label="ab"[n % 2]) for n in range(1, 6)))
    return repository


def answer(repository: Repository, text: str) -> list[tuple[object, ...]]:
    with closing(repository.sql(text)) as rows:
        return list(rows)


def test_values_keep_their_kinds(filled: Repository) -> None:
    assert answer(filled, "SELECT 1, 1.5, 'text', x'00ff', NULL") == [
        (1, 1.5, "text", b"\x00\xff", None)
    ]


def test_text_that_is_not_utf8_is_shown_as_far_as_it_goes(filled: Repository) -> None:
    assert answer(filled, "SELECT CAST(x'61ff62' AS TEXT)") == [("a\ufffdb",)]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "ATTACH '{folder}/other.db' AS other",
        "VACUUM INTO '{folder}/other.db'",
        "SELECT load_extension('x')",
        "SELECT fts3_tokenizer('x')",
        "PRAGMA user_version = 9",
        "PRAGMA user_version(9)",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA wal_checkpoint",
        "PRAGMA optimize",
        "EXPLAIN DELETE FROM image",
        "SELECT",
        "SELECT hex(zeroblob(200000000))",
    ],
    ids=lambda text: text[:30].replace("/", "-"),
)
def test_what_does_not_only_read_is_refused_and_changes_nothing(
    filled: Repository, backend: Backend, unchanged: Callable[[], object], tmp_path: Path, text: str
) -> None:
    before = unchanged()
    files = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(UsageError, match=r"^SQL: ") as caught:
        answer(filled, text.replace("{folder}", str(tmp_path)))
    assert "\n" not in caught.value.message
    assert unchanged() == before
    assert backend.rows("pragma_user_version", "user_version") != [(9,)]
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
    ],
)
def test_what_only_reads_is_answered(filled: Repository, text: str) -> None:
    assert answer(filled, text)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("SELEC 1", 'near "SELEC": syntax error', "Did you mean SELECT?"),
        ("SELECT id FRM image", 'near "image": syntax error', None),
        ("SELECT 1; SELECT 2", "there is more than one statement", "one at a time"),
        ("SELECT zzz FROM images", "no such column: zzz", "The tables: "),
        ("SELECT 1 FROM imagse", "no such table: imagse", "The tables: "),
    ],
)
def test_the_tables_are_named_only_where_a_name_is_not_there(
    filled: Repository, text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(UsageError) as caught:
        answer(filled, text)
    assert message in caught.value.message
    assert (caught.value.hint is None) if hint is None else (hint in str(caught.value.hint))
