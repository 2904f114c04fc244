"""What is published holds what it should: pyproject.toml, its lock, and the wheel made from it.

Nothing here reads the network; the wheel is built with the setuptools that is installed.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cli", "ml", "storage", "tui")
IMPORT_NAMES = {"PIL": "pillow", "psycopg_pool": "psycopg", "sklearn": "scikit-learn"}
"""Where the name that is imported is not the name that is installed."""


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def direct() -> list[Requirement]:
    """What is needed at run time, with the extras that the image holds."""
    extras = project()["optional-dependencies"]
    asked = [*project()["dependencies"], *extras["postgres"], *extras["serve"]]
    return [Requirement(text) for text in asked]


def supported_pythons() -> list[str]:
    prefix = "Programming Language :: Python :: 3."
    return [text.rsplit(" ", 1)[1] for text in project()["classifiers"] if text.startswith(prefix)]


@dataclass(frozen=True, slots=True)
class Pin:
    """One entry of requirements.txt."""

    line: str
    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]


def read_lock(text: str) -> list[Pin]:
    """The entries of requirements.txt, in order. A line of another form fails the test."""
    pins = []
    for block in re.split(r"^(?=[^\s#])", text, flags=re.MULTILINE)[1:]:
        lines = block.splitlines()
        first = re.fullmatch(r"([a-z0-9-]+)==([^\s;]+)(?: ; (.+?))? \\", lines[0])
        assert first is not None, f"not a pinned requirement: {lines[0]!r}"
        rest = "\n".join(lines[1:])
        pins.append(
            Pin(
                line=lines[0],
                name=first[1],
                version=first[2],
                marker=first[3] or "",
                hashes=tuple(re.findall(r"--hash=(\S+)", rest)),
                via=tuple(re.findall(r"^ *# +(?:via )?(\S.*)$", rest, flags=re.MULTILINE)),
            )
        )
    return pins


@pytest.fixture(scope="module")
def lock_text() -> str:
    return (ROOT / "requirements.txt").read_text("utf-8")


@pytest.fixture(scope="module")
def lock(lock_text: str) -> list[Pin]:
    return read_lock(lock_text)


def test_the_lock_answers_to_the_dependencies_as_they_are_now(lock_text: str) -> None:
    extras = project()["optional-dependencies"]
    locked = [*project()["dependencies"], *extras["postgres"], *extras["serve"]]
    asked = [project()["requires-python"], *sorted(locked)]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    assert f"digest {digest}\n" in lock_text, "pyproject.toml has changed: run .ci/lock"


def test_the_lock_names_the_command_that_wrote_it(lock_text: str) -> None:
    assert "#    .ci/lock, which is: uv pip compile pyproject.toml --extra postgres" in lock_text
    assert (ROOT / ".ci/lock").stat().st_mode & 0o111


def test_the_lock_names_no_host_and_no_folder(lock_text: str) -> None:
    for word in ("http:", "https:", "file:", "--index-url", "--extra-index-url", "--find-links"):
        assert word not in lock_text
    assert not re.search(r"^\s*-(?!-hash)", lock_text, flags=re.MULTILINE)


def test_every_requirement_is_pinned_with_hashes(lock: list[Pin]) -> None:
    assert len(lock) > len(direct())
    for pin in lock:
        assert pin.hashes, pin.line
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in pin.hashes), pin.line


def test_every_pin_of_a_direct_dependency_is_within_its_bounds(lock: list[Pin]) -> None:
    for requirement in direct():
        pins = [pin for pin in lock if pin.name == canonicalize_name(requirement.name)]
        assert pins, f"{requirement.name} is not in requirements.txt: run .ci/lock"
        for pin in pins:
            assert requirement.specifier.contains(pin.version), (str(requirement), pin.line)


def test_the_lock_holds_as_direct_what_pyproject_holds_as_direct(lock: list[Pin]) -> None:
    asked = {canonicalize_name(requirement.name) for requirement in direct()}
    assert {pin.name for pin in lock if "pixshelf (pyproject.toml)" in pin.via} == asked


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_has_one_pin_of_each_direct_dependency_for(
    python: str, platform: str, lock: list[Pin]
) -> None:
    where = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": platform,
    }
    for requirement in direct():
        name = canonicalize_name(requirement.name)
        pins = [
            pin
            for pin in lock
            if pin.name == name and (not pin.marker or Marker(pin.marker).evaluate(where))
        ]
        assert len(pins) == 1, (name, python, platform)


def test_the_build_tool_is_in_the_lock_so_that_a_container_needs_no_other(lock: list[Pin]) -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]
    for requirement in map(Requirement, build["requires"]):
        versions = [pin.version for pin in lock if pin.name == requirement.name]
        assert versions
        assert all(requirement.specifier.contains(version) for version in versions)


def test_the_classifiers_name_exactly_the_pythons_that_are_accepted() -> None:
    accepted = SpecifierSet(project()["requires-python"])
    every = [f"3.{minor}" for minor in range(8, 30)]
    assert supported_pythons() == [python for python in every if f"{python}.5" in accepted]
    assert supported_pythons() == ["3.11", "3.12", "3.13"]


def test_every_direct_dependency_has_a_lower_bound_and_no_upper_one() -> None:
    for requirement in direct():
        assert [part.operator for part in requirement.specifier] == [">="], str(requirement)


def test_every_dependency_earns_its_place_in_the_decisions() -> None:
    page = (ROOT / "docs/decisions.md").read_text("utf-8")
    asked = [*project()["dependencies"]]
    for extra in project()["optional-dependencies"].values():
        asked.extend(extra)
    for requirement in map(Requirement, asked):
        if requirement.name == project()["name"]:
            continue  # its own extras
        assert f"| `{requirement.name}` |" in page, requirement.name


def imported_by(path: Path) -> Iterator[str]:
    """The top-level packages that a module imports, at its top or in a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def test_everything_that_is_imported_is_a_declared_dependency() -> None:
    declared = {requirement.name for requirement in direct()}
    for extra in project()["optional-dependencies"].values():
        declared.update(Requirement(text).name for text in extra)
    known = {*sys.stdlib_module_names, *PACKAGES}
    undeclared = {
        (str(path.relative_to(ROOT)), name)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in imported_by(path)
        if name not in known and IMPORT_NAMES.get(name, name.replace("_", "-")) not in declared
    }
    assert not undeclared


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing is left in the working tree."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    left_out = shutil.ignore_patterns("__pycache__", "*.pyc", "*.db*", "*.egg-info")
    for name in (*PACKAGES, "tests", "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    target = tmp_path_factory.mktemp("wheel")
    build = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(target)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_holds_the_four_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".db" not in path.name
    }
    assert inside == expected


def test_the_wheel_says_that_its_packages_are_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert {f"{package}/py.typed" for package in PACKAGES} <= set(archive.namelist())


def test_the_wheel_names_its_licence_in_spdx_and_carries_it(wheel: Path, metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License"] is None
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/licenses/LICENSE"))
        assert archive.read(name) == (ROOT / "LICENSE").read_bytes()


def test_the_wheel_installs_one_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        text = archive.read(name).decode()
    assert text.split() == ["[console_scripts]", "pixshelf", "=", "cli.__main__:main"]


def test_the_wheel_is_refused_by_a_python_it_was_not_made_for(metadata: Message) -> None:
    accepted = SpecifierSet(metadata["Requires-Python"])
    assert "3.10.9" not in accepted
    assert "3.14.0" not in accepted
