"""The container's recipe keeps its promises: checked downloads, no root, data on a volume.

The Dockerfile is read, not built; tests/image/test_image_commands.py runs what it says.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from tests.containers import ROOT, Stage, parse_dockerfile, read_dockerfile


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return read_dockerfile()


def installs(stages: list[Stage]) -> list[str]:
    """Every command that lets pip install or build something."""
    return [step.rest for stage in stages for step in stage.all("RUN") if "pip " in step.rest]


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return table


# The reader


def test_continuation_lines_and_the_comments_between_them_are_one_instruction() -> None:
    (stage,) = parse_dockerfile("FROM a:1 AS b\nRUN one \\\n# why\n    two\n")
    assert (stage.base, stage.name) == ("a:1", "b")
    assert stage.steps[0].rest.split() == ["one", "two"]


def test_flags_stand_apart_from_what_is_run() -> None:
    (stage,) = parse_dockerfile("FROM a:1\nRUN --mount=type=bind,from=b pip --version\n")
    assert stage.steps[0].flags == {"mount": "type=bind,from=b"}
    assert stage.steps[0].rest == "pip --version"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# escape=`\nFROM a:1\n", "escape"),
        ("FROM a:1\nRUN <<END\n", "here-document"),
        ("FROM a:1\nHEALTH yes\n", "not an instruction"),
    ],
)
def test_what_the_reader_does_not_know_is_an_error(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_dockerfile(text)


# What is downloaded, and how it is built


def test_every_stage_starts_from_one_slim_python_that_is_served(stages: list[Stage]) -> None:
    names = {stage.name for stage in stages}
    (base,) = {stage.base for stage in stages} - names
    match = re.fullmatch(r"python:(3\.\d+)-slim", base)
    assert match is not None
    assert f"{match[1]}.5" in SpecifierSet(project()["requires-python"])


def test_what_is_downloaded_is_checked_against_its_hash(stages: list[Stage]) -> None:
    locked = [text for text in installs(stages) if "--requirement /build/requirements.txt" in text]
    assert len(locked) == 1
    assert {"--require-hashes", "--only-binary"} <= set(locked[0].split())
    for text in installs(stages):
        assert "--require-hashes" in text or "--no-index" in text


def test_the_project_brings_no_dependency_of_its_own(stages: list[Stage]) -> None:
    own = [text for text in installs(stages) if "--requirement" not in text]
    assert len(own) == 2
    assert all({"--no-deps", "--no-index"} <= set(text.split()) for text in own)
    assert "--no-build-isolation" in own[0]


def test_the_dependencies_are_a_layer_that_a_change_to_the_program_leaves_alone(
    stages: list[Stage],
) -> None:
    dependencies, program, last = stages
    assert [step.rest for step in dependencies.all("COPY")] == ["requirements.txt /build/"]
    assert program.base == dependencies.name
    (copied,) = last.all("COPY")
    assert copied.flags == {"from": dependencies.name}
    (mounted,) = [step for step in last.all("RUN") if step.flags]
    assert f"from={program.name}" in mounted.flags["mount"].split(",")
    assert last.steps.index(copied) < last.steps.index(mounted)


def test_what_is_copied_between_stages_comes_from_one_that_there_is(stages: list[Stage]) -> None:
    for number, stage in enumerate(stages):
        before = {earlier.name for earlier in stages[:number]}
        for step in stage.steps:
            sources = re.findall(r"\bfrom=(\w+)", step.flags.get("mount", ""))
            assert {*sources, *filter(None, [step.flags.get("from")])} <= before


def test_nothing_is_added_from_an_address_and_no_system_package_is_needed(
    stages: list[Stage],
) -> None:
    for step in (step for stage in stages for step in stage.steps):
        assert "://" not in step.rest
        assert not re.search(r"\b(apt|apt-get|curl|wget|sudo|chmod 777)\b", step.rest)


def test_pip_leaves_no_cache_in_a_layer(stages: list[Stage]) -> None:
    inherited: dict[str, dict[str, str]] = {}
    for stage in stages:
        names = inherited.get(stage.base, {}) | stage.environment()
        inherited[stage.name] = names
        for text in installs([stage]):
            assert names.get("PIP_NO_CACHE_DIR") == "1" or "--no-cache-dir" in text


# What runs


def test_the_program_runs_as_a_user_with_a_fixed_number(stages: list[Stage]) -> None:
    last = stages[-1]
    (user,) = last.all("USER")
    number, group = user.rest.split(":")
    assert int(number) == int(group) >= 10000
    made = f"useradd --uid {number} --user-group"
    assert any(made in step.rest for step in last.all("RUN"))
    after = last.steps[last.steps.index(user) :]
    assert not {"RUN", "COPY"} & {step.word for step in after}


def test_what_outlives_the_container_lies_on_the_volume_and_the_user_owns_it(
    stages: list[Stage],
) -> None:
    last = stages[-1]
    (volume,) = last.all("VOLUME")
    (folder,) = last.all("WORKDIR")
    names = last.environment()
    assert volume.rest == folder.rest == names["HOME"] == "/data"
    assert Path(names["PIXSHELF_DB"]).parent == Path(volume.rest)
    (made,) = [step for step in last.all("RUN") if "--owner pixshelf" in step.rest]
    assert made.rest.endswith(volume.rest)
    assert f"--home-dir {volume.rest} --no-create-home" in made.rest
    assert last.steps.index(made) < last.steps.index(volume)


def test_the_container_is_the_command_and_opens_the_app_on_a_terminal(stages: list[Stage]) -> None:
    last = stages[-1]
    assert [step.listed() for step in last.all("ENTRYPOINT")] == [["pixshelf"]]
    assert [step.listed() for step in last.all("CMD")] == [[]]


def test_the_image_says_what_it_is(stages: list[Stage]) -> None:
    (label,) = stages[-1].all("LABEL")
    labels = dict(word.split("=", 1) for word in shlex.split(label.rest))
    table = project()
    assert labels == {
        "org.opencontainers.image.title": table["name"],
        "org.opencontainers.image.description": table["description"],
        "org.opencontainers.image.version": table["version"],
        "org.opencontainers.image.licenses": table["license"],
    }


def test_the_context_holds_only_what_the_image_is_built_from() -> None:
    text = (ROOT / ".dockerignore").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    packages = {"cli", "tui", "ml", "storage"}
    assert let_in == packages | {"LICENSE", "README.md", "pyproject.toml", "requirements.txt"}
    assert {"**/__pycache__", "**/*.db*", "**/.env*"} <= set(lines)
