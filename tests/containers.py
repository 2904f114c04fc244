"""Dockerfile and compose.yaml as data, for tests that hold what they promise: no engine is needed.

Only what the project's own files use is understood; anything else is an error, never a guess.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]

_WORDS = "FROM LABEL ENV ARG RUN COPY WORKDIR VOLUME USER EXPOSE ENTRYPOINT CMD STOPSIGNAL"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile, its continuation lines joined, its --flags apart."""

    word: str
    flags: Mapping[str, str]
    rest: str

    def listed(self) -> list[str]:
        """The words of an exec form: `["a", "b"]`. Raises ValueError for the shell form."""
        words = json.loads(self.rest)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"not a list of words: {self.rest}")
        return words


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a Dockerfile: what it starts from, its name, and what follows its FROM."""

    base: str
    name: str
    steps: tuple[Instruction, ...]

    def all(self, *words: str) -> list[Instruction]:
        """Its instructions of these kinds, in order."""
        return [step for step in self.steps if step.word in words]

    def environment(self) -> dict[str, str]:
        """What its ENV lines set; a value may still name another variable."""
        pairs = (word.partition("=") for step in self.all("ENV") for word in shlex.split(step.rest))
        return {name: value for name, _, value in pairs}


def read_dockerfile(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """The stages of a Dockerfile. Raises ValueError for what this reader does not know: another
    escape character, a here-document, an unknown instruction."""
    return parse_dockerfile(path.read_text("utf-8"))


def parse_dockerfile(text: str) -> list[Stage]:
    """`read_dockerfile` for a text."""
    if re.match(r"#\s*escape\s*=", text, flags=re.IGNORECASE):
        raise ValueError("another escape character than the backslash")
    # Comment lines go first: they may stand between the lines of one instruction.
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\[ \t]*\n", "", kept)
    stages: list[Stage] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        step = _instruction(line)
        if step.word == "FROM":
            base, _, name = step.rest.partition(" AS ")
            stages.append(Stage(base.strip(), name.strip(), ()))
        else:
            last = stages[-1]
            stages[-1] = Stage(last.base, last.name, (*last.steps, step))
    return stages


def _instruction(line: str) -> Instruction:
    word, _, rest = line.partition(" ")
    rest = rest.strip()
    flags: dict[str, str] = {}
    while match := re.match(r"--([a-z]+)=(\S+)\s+", rest):
        flags[match[1]] = match[2]
        rest = rest[match.end() :]
    if word not in _WORDS.split():
        raise ValueError(f"not an instruction that is known here: {line}")
    if "<<" in rest:
        raise ValueError(f"a here-document: {line}")
    return Instruction(word, flags, rest)


# compose.yaml

_VARIABLE = re.compile(r"\$(?:\$|\{([A-Z0-9_]+)(?:(:[-?])([^${}]*))?\})")


class Unset(Exception):
    """A variable that compose.yaml requires is empty or not there: its name, and what it says."""


def read_compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """compose.yaml with its variables put in, as `docker compose config` would show it. Raises
    Unset for a required one that is empty, ValueError for a form of `$` that is not known here."""
    document: dict[str, Any] = _put_in(raw_compose(), variables)
    return document


def raw_compose() -> dict[str, Any]:
    """compose.yaml as it is written, its anchors followed."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return document


def variables_of_compose() -> list[tuple[str, str, str]]:
    """Every use of a variable in compose.yaml: its name, ':-', ':?' or '', and what follows."""
    found: list[tuple[str, str, str]] = []

    def note(text: str) -> str:
        for name, kind, rest in _VARIABLE.findall(text):
            if name:
                found.append((name, kind, rest))
        return text

    _each_text(raw_compose(), note)
    return found


def read_env_example() -> dict[str, str]:
    """The variables of .env.example, which has nothing but comments and NAME=VALUE."""
    pairs = {}
    for line in (ROOT / ".env.example").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not equals or not re.fullmatch(r"[A-Z0-9_]+", name):
                raise ValueError(f".env.example: {line}")
            pairs[name] = value
    return pairs


def filled_in() -> dict[str, str]:
    """The variables of .env.example with secrets as somebody might choose them: hard to quote."""
    secrets = {"PIXSHELF_DB_PASSWORD": "it's a $ecret: @/%\\", "PIXSHELF_TOKEN": "0123456789abcdef"}
    return read_env_example() | secrets


def _put_in(document: Any, variables: Mapping[str, str]) -> Any:
    def value(match: re.Match[str]) -> str:
        name, kind, rest = match[1], match[2], match[3]
        if name is None:
            return "$"
        found = variables.get(name, "")
        if kind == ":?" and not found:
            raise Unset(f"{name} {rest}")
        return found or (rest if kind == ":-" else "")

    def put(text: str) -> str:
        if "$" in _VARIABLE.sub("", text):
            raise ValueError(f"a form of $ that is not known here: {text}")
        return _VARIABLE.sub(value, text)

    return _each_text(document, put)


def _each_text(document: Any, change: Callable[[str], str]) -> Any:
    if isinstance(document, dict):
        return {key: _each_text(value, change) for key, value in document.items()}
    if isinstance(document, list):
        return [_each_text(value, change) for value in document]
    return change(document) if isinstance(document, str) else document


def in_seconds(duration: str) -> int:
    """A duration as compose.yaml writes it, `90s` or `2m`."""
    number, unit = int(duration[:-1]), duration[-1]
    return number * {"s": 1, "m": 60}[unit]
