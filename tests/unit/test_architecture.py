"""The floors of the house: imports go down only, and what belongs to one floor stays there.

The contracts are in pyproject.toml, under [tool.importlinter]; import-linter runs them here. That
they can fail is tested on a small house of the same plan with one import the wrong way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("cli", "tui", "ml", "storage")
LINT = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
)


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of `root`'s pyproject.toml over `root`'s packages."""
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """The four packages, empty but for one module each, under this project's contracts."""
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for floor in FLOORS:
        (tmp_path / floor).mkdir()
        (tmp_path / floor / "__init__.py").touch()
        (tmp_path / floor / "room.py").touch()
    return tmp_path


def test_every_contract_is_kept() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_floors_are_in_their_order() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (contract,) = (one for one in table["contracts"] if one["type"] == "layers")
    assert tuple(contract["layers"]) == FLOORS
    assert "ignore_imports" not in contract


def test_a_house_in_order_passes(small_house: Path) -> None:
    (small_house / "cli/room.py").write_text("import tui.room, ml.room, storage.room\n")
    done = lint(small_house)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("storage", "ml.room"),
        ("storage", "cli.room"),
        ("ml", "tui.room"),
        ("tui", "cli.room"),
        ("ml", "sqlite3"),
        ("tui", "sqlite3"),
        ("storage", "textual"),
        ("ml", "rich"),
        ("tui", "tensorflow"),
        ("cli", "keras"),
    ],
)
def test_an_import_the_wrong_way_is_found(importer: str, imported: str, small_house: Path) -> None:
    source = f"def late() -> None:\n    import {imported}\n"
    (small_house / importer / "room.py").write_text(source)
    done = lint(small_house)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 broken" in done.stdout
    assert f"{importer}.room -> {imported}" in done.stdout


def test_the_packages_stand_at_the_root_and_import_nothing_by_themselves() -> None:
    for floor in FLOORS:
        lines = (ROOT / floor / "__init__.py").read_text("utf-8")
        assert "import " not in lines.split('"""')[-1], floor
