"""The container's recipe keeps its promises: checked downloads, no root, data on a volume.

The Dockerfile is read, not built: what is held here are the properties of its instructions.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile, its continuation lines joined."""

    word: str
    rest: str


def read_stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage, the FROM first."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines) + "\n")
    stages: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            stages.append([])
        stages[-1].append(Instruction(word, rest))
    return stages


@pytest.fixture(scope="module")
def stages() -> list[list[Instruction]]:
    return read_stages((ROOT / "Dockerfile").read_text("utf-8"))


def all_of(stage: list[Instruction], word: str) -> list[str]:
    return [instruction.rest for instruction in stage if instruction.word == word]


def environment(stage: list[Instruction]) -> dict[str, str]:
    pairs = (word.partition("=") for text in all_of(stage, "ENV") for word in shlex.split(text))
    return {name: value for name, _, value in pairs}


def test_every_stage_starts_from_one_slim_python_that_is_served(
    stages: list[list[Instruction]],
) -> None:
    bases = {all_of(stage, "FROM")[0].split()[0] for stage in stages}
    (base,) = bases
    match = re.fullmatch(r"python:(3\.\d+)-slim", base)
    assert match is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"{match[1]}.5" in SpecifierSet(project["requires-python"])


def test_what_is_downloaded_is_checked_against_its_hash(stages: list[list[Instruction]]) -> None:
    installs = [text for stage in stages for text in all_of(stage, "RUN") if "pip install" in text]
    locked = [text for text in installs if "--requirement /build/requirements.txt" in text]
    assert len(locked) == 1
    assert "--require-hashes" in locked[0]
    for text in installs:
        assert "--require-hashes" in text or "--no-index" in text


def test_the_project_brings_no_dependency_of_its_own(stages: list[list[Instruction]]) -> None:
    (last,) = [
        text
        for stage in stages
        for text in all_of(stage, "RUN")
        if "pip install" in text and "--requirement" not in text
    ]
    assert {"--no-deps", "--no-build-isolation", "--no-index"} <= set(last.split())


def test_the_dependencies_are_a_layer_below_the_program(stages: list[list[Instruction]]) -> None:
    steps = [step for step in stages[0] if step.word in {"COPY", "RUN"}]
    lock = next(i for i, step in enumerate(steps) if step.rest.startswith("requirements.txt"))
    install = next(i for i, step in enumerate(steps) if "--require-hashes" in step.rest)
    program = next(i for i, step in enumerate(steps) if step.rest.startswith(". "))
    assert lock < install < program


def test_nothing_is_added_from_an_address_and_no_system_package_is_needed(
    stages: list[list[Instruction]],
) -> None:
    for stage in stages:
        assert not all_of(stage, "ADD")
        for step in stage:
            assert "://" not in step.rest
            assert not re.search(r"\b(apt|apt-get|curl|wget)\b", step.rest)


def test_the_program_runs_as_a_user_with_a_fixed_number(stages: list[list[Instruction]]) -> None:
    (user,) = all_of(stages[-1], "USER")
    number, group = user.split(":")
    assert int(number) == int(group) >= 10000
    assert any(f"useradd --uid {number} --user-group" in text for text in all_of(stages[-1], "RUN"))
    after = stages[-1][[step.word for step in stages[-1]].index("USER") :]
    assert not all_of(after, "RUN")


def test_the_dataset_file_lies_on_the_volume_and_the_user_owns_it(
    stages: list[list[Instruction]],
) -> None:
    (volume,) = all_of(stages[-1], "VOLUME")
    names = environment(stages[-1])
    assert Path(names["PIXSHELF_DB"]).parent == Path(volume)
    assert Path(names["XDG_STATE_HOME"]).is_relative_to(volume)
    words = [step.word for step in stages[-1]]
    (owned,) = [text for text in all_of(stages[-1], "RUN") if "--owner pixshelf" in text]
    assert owned.rstrip().endswith(volume)
    assert words.index("RUN") < words.index("VOLUME")


def test_the_container_is_the_command(stages: list[list[Instruction]]) -> None:
    assert all_of(stages[-1], "ENTRYPOINT") == ['["pixshelf"]']
    assert all_of(stages[-1], "CMD") == ['["--help"]']


def test_the_image_says_what_it_is(stages: list[list[Instruction]]) -> None:
    (text,) = all_of(stages[-1], "LABEL")
    labels = dict(word.split("=", 1) for word in shlex.split(text))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert labels == {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.description": project["description"],
        "org.opencontainers.image.licenses": project["license"],
    }


def test_the_context_holds_only_what_the_image_is_built_from() -> None:
    text = (ROOT / ".dockerignore").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    packages = {"cli", "tui", "ml", "storage"}
    assert let_in == packages | {"LICENSE", "README.md", "pyproject.toml", "requirements.txt"}
    assert {"**/__pycache__", "**/*.db*"} <= set(lines)
