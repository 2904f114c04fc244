"""The checks that run on every change run what the README tells a person to run."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".ci/run"


def readme_commands() -> list[str]:
    """The lines of the README that make an environment and run the tests, as .ci/run finds them."""
    found = re.search(r"grep -E '(.+?)' ", RUN.read_text("utf-8"))
    assert found is not None
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    return [line for line in lines if re.search(found[1], line)]


def test_the_script_is_well_formed_and_can_be_started() -> None:
    assert RUN.stat().st_mode & 0o111
    done = subprocess.run(["bash", "-n", str(RUN)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "set -euo pipefail" in RUN.read_text("utf-8")


def test_the_readme_has_exactly_one_command_for_the_tests() -> None:
    (command,) = readme_commands()
    assert command.strip().removeprefix("$ ").startswith("python3 -m venv .venv && ")
    assert "pip install -e '.[dev]'" in command


def test_the_readme_command_runs_every_test() -> None:
    (command,) = readme_commands()
    assert command.rstrip().endswith("/pytest")


def test_everything_else_that_must_hold_is_checked_too() -> None:
    text = RUN.read_text("utf-8")
    for tool in ("ruff check .", "ruff format --check .", "mypy", "lint-imports --no-logo"):
        assert f"    .venv/bin/{tool}\n" in text


def test_the_one_folder_that_is_left_out_is_run_by_itself() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    options = settings["ini_options"]["addopts"].split()
    assert [each for each in options if "ignore" in each] == ["--ignore=tests/image"]
    assert re.search(
        r"^    \.venv/bin/pytest .* tests/image$", RUN.read_text("utf-8"), re.MULTILINE
    )
