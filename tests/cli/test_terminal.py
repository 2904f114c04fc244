"""On a terminal: tables and pictures in colour, bars on stderr, questions before destruction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from storage.opening import open_repository
from tests.cli.conftest import Run, RunTerminal
from tests.ml_fixtures import digits_model, store_digits

COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-9]|4[0-9]|9[0-9])[0-9;]*m")
CONTROL = re.compile(r"\x1b(?!\[[0-9;?]*[A-Za-z])|\x07|\x9b")


@pytest.fixture
def ready(db: Path) -> Path:
    """A dataset of ten digits with a model, one of them with a hostile label."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 10, source="\x1b]0;owned\x07evil.png")
        repo.models.add(digits_model())
    return db


def test_a_table_is_drawn_and_the_picture_is_coloured(
    ready: Path, run_terminal: RunTerminal
) -> None:
    code, text = run_terminal("ls")
    assert code == 0
    assert "─" in text
    code, text = run_terminal("show", 1)
    assert code == 0
    assert COLOUR.search(text)
    assert "▀" in text or "\x1b[48;5;" in text


def test_no_color_takes_the_colours_away(ready: Path, run_terminal: RunTerminal) -> None:
    for words in (("ls",), ("show", 1), ("stats",), ("eval",)):
        code, text = run_terminal(*words, env={"NO_COLOR": "1"})
        assert code == 0
        assert not COLOUR.search(text)


def test_no_control_sequence_of_the_dataset_reaches_the_terminal(
    ready: Path, run_terminal: RunTerminal
) -> None:
    for words in (("ls",), ("ls", "--csv"), ("ls", "--json"), ("show", 1)):
        code, text = run_terminal(*words)
        assert code == 0
        assert "owned" not in text or "\\u001b" in text
        assert not CONTROL.search(text)


def test_json_on_a_terminal_is_indented(ready: Path, run_terminal: RunTerminal) -> None:
    _, text = run_terminal("stats", "--json")
    assert text.splitlines()[1].startswith('  "images"')


def test_an_import_shows_a_bar(tmp_path: Path, run_terminal: RunTerminal) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for shade in range(5):
        Image.new("L", (8, 8), shade).save(folder / f"{shade}.png")
    code, text = run_terminal("import", folder)
    assert code == 0
    assert "importing photos" in text
    code, text = run_terminal("import", folder, "--quiet")
    assert "importing" not in text


def test_a_model_is_removed_after_a_yes(ready: Path, run_terminal: RunTerminal, run: Run) -> None:
    code, text = run_terminal("models", "rm", 1, keys="y\n")
    assert code == 0
    assert "[y/N]" in text
    assert run("models", "ls", "--jsonl").stdout == ""


@pytest.mark.parametrize("keys", ["n\n", "\n", "\x04"])
def test_a_model_is_kept_after_anything_else(
    ready: Path, run_terminal: RunTerminal, run: Run, keys: str
) -> None:
    code, text = run_terminal("models", "rm", 1, keys=keys)
    assert code == 1
    assert "nothing was changed" in text
    assert len(run("models", "ls", "--jsonl").stdout.splitlines()) == 1


def test_ctrl_c_at_a_question_leaves_with_130(
    ready: Path, run_terminal: RunTerminal, run: Run
) -> None:
    code, text = run_terminal("models", "rm", 1, interrupt_at="[y/N]")
    assert code == 130
    assert "pixshelf: interrupted" in text
    assert "Traceback" not in text
    assert len(run("models", "ls", "--jsonl").stdout.splitlines()) == 1


def test_bytes_are_not_written_to_a_terminal(ready: Path, run_terminal: RunTerminal) -> None:
    code, text = run_terminal("show", 1, "-o", "-")
    assert code == 2
    assert "is a terminal" in text
