"""A URL with a password, given where none is meant: no command repeats the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.failures import run_guarded
from tests.cli.conftest import Run

URL = "postgresql://ann:s3cret@server/photos"


@pytest.mark.parametrize(
    "words",
    [
        ("import", URL),
        ("import", URL, "--json"),
        ("predict", URL),
        ("predict", URL, "--json"),
        ("db", "backup", URL),
        ("db", "init", URL),
        ("db", "copy", f"{URL} x", "out.db"),
        ("export", "out", URL),
        ("problems", URL),
        ("ls", URL),
        ("label", URL, "cat"),
        ("show", URL),
        ("--db", "host=server password=s3cret", "ls"),
        ("--db", "host=server password=s3cret", "db", "init"),
        ("--config", URL, "ls"),
        ("--wait", URL, "ls"),
        (URL,),
    ],
    ids=lambda words: " ".join(words).replace(URL, "URL").replace("s3cret", "…"),
)
def test_a_password_in_the_wrong_place_is_not_repeated(words: tuple[str, ...], run: Run) -> None:
    run("db", "init")
    done = run(*words)
    assert done.exit_code != 0
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", [("import", URL), ("db", "backup", URL)])
def test_a_database_in_the_place_of_a_file_is_told_how_to_be_copied(
    words: tuple[str, ...], run: Run
) -> None:
    run("db", "init")
    done = run(*words)
    assert done.exit_code == 4
    assert "pixshelf db copy FROM TO" in done.stderr


def test_the_log_of_a_defect_has_neither_password_nor_token(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        raise ZeroDivisionError(f"of {URL}")

    monkeypatch.setattr("sys.argv", ["pixshelf", "--db", URL, "serve", "--token", "t0ken"])
    run_guarded(run)
    (log,) = own_home.rglob("error-*.log")
    for text in (log.read_text(encoding="utf-8"), capsys.readouterr().err):
        assert "s3cret" not in text
        assert "t0ken" not in text
        assert "ann:…@server" in text
