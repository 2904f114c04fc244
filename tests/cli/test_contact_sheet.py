"""export --contact-sheet: every word is the query, and no other form of export goes with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.opening import open_repository
from tests.cli.conftest import Run
from tests.ml_fixtures import store_digits


@pytest.fixture
def filled(db: Path) -> Path:
    with open_repository(db, create=True) as repo:
        store_digits(repo, 30)
    return db


def test_the_words_are_the_query(filled: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    result = run("export", "--contact-sheet", target, "split:test", "id<4", "--json")
    expected = {"path": str(target), "format": "contact-sheet", "images": 3}
    assert json.loads(result.stdout) == expected
    assert target.read_bytes().startswith(b"\x89PNG")


def test_without_words_all_images_are_meant(filled: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    result = run("export", "--contact-sheet", target)
    assert result.stdout == f"9 images written to {target}\n"


@pytest.mark.parametrize("words", [("--to", "x.csv"), ("--size", "8x8"), ("--models",)])
def test_it_goes_with_no_other_form(
    filled: Path, run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    result = run("export", "--contact-sheet", tmp_path / "sheet.png", *words)
    assert result.exit_code == 2
    assert words[0] in result.stderr


def test_a_file_that_is_there_is_not_replaced(filled: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    target.write_text("mine")
    assert run("export", "--contact-sheet", target).exit_code == 4
    assert target.read_text() == "mine"
