"""`pixshelf db copy`: what it prints and how it ends. tests/unit/test_copying*.py hold what is
copied, tests/faults/test_copy_faults.py what a copy that was cut off leaves.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from storage.opening import open_repository
from tests.cli.conftest import Run, RunTerminal
from tests.making import add_images, new_image


@pytest.fixture
def filled(db: Path) -> Path:
    with open_repository(db, create=True) as repo:
        add_images(repo, *(new_image(n, data=b"%d" % n * 500) for n in range(9)))
    return db


def test_a_copy_says_what_was_copied(filled: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    result = run("db", "copy", filled, target)
    assert result.exit_code == 0, result.stderr
    assert re.fullmatch(
        rf"{target}: 9 images \(4\.4 KiB\), 19 rows copied and verified in \d+\.\d s\n",
        result.stdout,
    )
    assert result.stderr == ""
    assert json.loads(run("stats", "--json", on=target).stdout)["images"] == 9


def test_a_dry_run_says_what_would_be_copied(filled: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    result = run("db", "copy", filled, target, "--dry-run")
    assert result.stdout == f"{target}: 9 images (4.4 KiB), 19 rows would be copied\n"
    assert not target.exists()


def test_a_target_that_is_there_is_refused(filled: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    assert run("db", "copy", filled, target, "--quiet").exit_code == 0
    result = run("db", "copy", filled, target)
    assert result.exit_code == 4
    assert result.stderr.startswith(f"pixshelf: error: {target} is already there\n")


def test_a_dataset_goes_to_a_server_and_back(
    filled: Path, run: Run, tmp_path: Path, postgres_url: str
) -> None:
    back = tmp_path / "back.db"
    there = json.loads(run("db", "copy", filled, postgres_url, "--json").stdout)
    assert there["to"].startswith("postgresql://")
    again = json.loads(run("db", "copy", postgres_url, back, "--json").stdout)
    assert (again["from"], again["rows"]) == (there["to"], there["rows"])
    assert run("db", "check", "--deep", on=back).exit_code == 0


def test_a_terminal_shows_what_is_being_done(
    filled: Path, run_terminal: RunTerminal, tmp_path: Path
) -> None:
    code, shown = run_terminal("db", "copy", filled, tmp_path / "copy.db")
    assert code == 0
    assert "copying" in shown
    assert "9 images" in shown
