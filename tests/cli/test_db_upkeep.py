"""db migrate, vacuum and repair-thumbnails, and sql: looking after a dataset and asking it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.sqlite.schema import SCHEMA_VERSION
from tests.cli.conftest import ROOT, Run, RunTerminal
from tests.faults.harness import png
from tests.making import add_images, new_image

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture
def filled(db: Path) -> Path:
    with open_repository(db, create=True) as repo:
        add_images(repo, *(new_image(n, data=b"%d" % n * 40_000) for n in range(1, 10)))
    return db


@pytest.fixture
def old(db: Path) -> Path:
    shutil.copyfile(ROOT / "tests" / "fixtures" / "v1.db", db)
    return db


def test_an_older_file_is_refused_until_it_is_migrated(old: Path, run: Run) -> None:
    refused = run("stats")
    assert refused.exit_code == 3
    assert "pixshelf db migrate" in refused.stderr
    result = run("db", "migrate")
    backup = old.with_name("test.v1.db")
    assert result.stdout == (f"{old}: schema version 1 became {SCHEMA_VERSION}\nbackup: {backup}\n")
    assert backup.exists()
    assert json.loads(run("stats", "--json").stdout)["images"] == 4
    assert run("db", "check", "--deep").exit_code == 0


def test_a_migration_without_a_backup_writes_none(old: Path, run: Run) -> None:
    assert json.loads(run("db", "migrate", "--no-backup", "--json").stdout) == {
        "path": str(old),
        "before": 1,
        "after": SCHEMA_VERSION,
        "backup": None,
    }


def test_a_file_at_the_newest_version_says_so(filled: Path, run: Run) -> None:
    result = run("db", "migrate")
    assert result.exit_code == 0
    assert result.stdout == f"{filled} is at the newest schema version, {SCHEMA_VERSION}\n"


def test_emptying_the_trash_says_what_it_removed_and_gave_back(filled: Path, run: Run) -> None:
    run("rm", "id<6", "--yes")
    dry = json.loads(run("db", "vacuum", "--dry-run", "--json").stdout)
    assert dry == {"images": 5, "bytes": None, "dry_run": True}
    assert run("db", "vacuum").exit_code == 2
    before = filled.stat().st_size
    done = json.loads(run("db", "vacuum", "--yes", "--json").stdout)
    assert done["images"] == 5
    assert done["bytes"] == before - filled.stat().st_size > 100_000
    assert run("restore", 1).exit_code == 4
    assert run("db", "vacuum").stdout == "0 images removed for good, 0 B given back\n"


def test_emptying_the_trash_asks_on_a_terminal(
    filled: Path, run: Run, run_terminal: RunTerminal
) -> None:
    run("rm", 1, "--yes")
    code, text = run_terminal("db", "vacuum", keys="n\n")
    assert code == 1
    assert "Remove 1 image for good?" in text
    assert run("restore", 1).exit_code == 0


def test_thumbnails_are_repaired(db: Path, run: Run) -> None:
    large = png(1000, 1000, bytes(1_000_000))
    with open_repository(db, create=True) as repo:
        add_images(repo, new_image(1, data=large, width=1000, height=1000))
    assert run("db", "repair-thumbnails", "--dry-run").stdout == (
        "1 thumbnail would be made, 0 would be dropped\n"
    )
    assert run("db", "repair-thumbnails").stdout == "1 thumbnail made, 0 dropped\n"
    with open_repository(db) as repo:
        assert repo.images.thumbnail(1)
        add_images(repo, new_image(2, width=50_000))
    result = run("db", "repair-thumbnails")
    assert result.exit_code == 1
    assert "image 2: not a picture" in result.stdout


def test_a_question_in_sql_is_printed_in_every_format(filled: Path, run: Run) -> None:
    words = ("sql", "SELECT id, x'00ff' AS raw, NULL AS \"a.b\", 9e999 AS much FROM images LIMIT 1")
    assert json.loads(run(*words, "--json").stdout) == [
        {"id": 1, "raw": "00ff", "a.b": None, "much": "Infinity"}
    ]
    assert run(*words, "--jsonl").stdout.count("\n") == 1
    assert run(*words, "--csv").stdout == "id,raw,a.b,much\n1,00ff,,Infinity\n"
    assert run(*words, "--tsv").stdout == "id\traw\ta.b\tmuch\n1\t00ff\t\tInfinity\n"
    title, row = run(*words).stdout.splitlines()
    assert title.split() == ["id", "raw", "a.b", "much"]
    assert row.split() == ["1", "x'00ff'", "(2", "B)", "inf"]


def test_a_table_shows_the_start_of_a_blob_and_its_length(filled: Path, run: Run) -> None:
    result = run("sql", "SELECT data FROM image_data LIMIT 1")
    assert result.stdout.splitlines()[1] == f"x'{b'11111111'.hex()}…' (40,000 B)"


def test_a_table_cannot_send_escape_sequences(filled: Path, run: Run) -> None:
    result = run("sql", "SELECT char(27) || '[2Jred' AS \"\x1b]0;t\x07name\"")
    assert "\x1b" not in result.stdout
    assert result.stdout.splitlines() == ["name", "red"]


def test_rows_that_are_not_printed_are_mentioned(filled: Path, run: Run) -> None:
    result = run("sql", "SELECT id FROM images", "--limit", 3, "--json")
    assert len(json.loads(result.stdout)) == 3
    assert "--limit 0" in result.stderr
    assert run("sql", "SELECT id FROM images", "--limit", 9).stderr == ""
    assert len(run("sql", "SELECT id FROM images", "--limit", 0).stdout.splitlines()) == 10


def test_a_statement_comes_from_standard_input(filled: Path, run: Run) -> None:
    assert run("sql", "-", "--csv", stdin="SELECT 1\nAS n").stdout == "n\n1\n"


def test_an_answer_without_rows_still_has_its_heading(filled: Path, run: Run) -> None:
    assert run("sql", "SELECT 1 AS n WHERE 0", "--csv").stdout == "n\n"
    assert run("sql", "SELECT 1 AS n WHERE 0", "--json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELCT 1", 2),
        ("DELETE FROM image", 2),
        ("SELECT zzz", 2),
        ("", 2),
    ],
)
def test_an_sql_error_is_one_line_and_a_hint(filled: Path, run: Run, text: str, code: int) -> None:
    result = run("sql", text)
    assert result.exit_code == code
    first, hint = result.stderr.splitlines()
    assert first.startswith("pixshelf: error: SQL: ")
    assert hint.startswith("hint: ")
    assert result.stdout == ""


def test_a_question_that_takes_too_long_fails(filled: Path, run: Run) -> None:
    result = run("sql", ENDLESS, "--timeout", 0.1)
    assert result.exit_code == 1
    assert "longer than 0.1 s" in result.stderr


def test_an_endless_question_is_interrupted(filled: Path, run_terminal: RunTerminal) -> None:
    text = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
    code, _ = run_terminal("sql", text, "--jsonl", interrupt_at='{"x": 5}')
    assert code == 130
