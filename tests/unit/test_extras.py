"""The command that installs an optional part: what the distribution declares, for this Python."""

from __future__ import annotations

import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from storage import extras
from storage.extras import PACKAGES, install_hint

ROOT = Path(__file__).resolve().parents[2]


def test_the_packages_are_those_that_the_distribution_declares() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    parts = declared["optional-dependencies"]
    assert {name: tuple(parts[name]) for name in parts if name != "dev"} == PACKAGES


def test_the_command_is_one_of_this_python_that_a_shell_takes_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/my tools/python")
    command = shlex.split(install_hint("postgres").removeprefix("Install it: "))
    assert command == [
        "/opt/my tools/python", "-m", "pip", "install", "psycopg[binary,pool]>=3.2.4",
    ]  # fmt: skip


def test_without_pip_it_is_one_of_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert install_hint("onnx").startswith("Install it: uv pip install --python ")
    assert install_hint("onnx").endswith(" 'onnx>=1.19' 'tf2onnx>=1.17'")
