"""What was not alike in two trainings: choices, recipe, network, versions and data, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.errors import NotFound
from storage.records import ModelRecord, RunRecord

if TYPE_CHECKING:
    from storage.repository import Repository

_LEFT_OUT = ("architecture", "paced")
"""Parts of a run's settings: the first is the model's spec again, the second was measured."""

_TOLD_ELSEWHERE = ("chosen.name", "chosen.seed")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that was not alike in the two trainings; None where one has no such thing."""

    name: str
    a: Any
    b: Any


def differences_of(
    repo: Repository, a: ModelRecord, b: ModelRecord
) -> tuple[tuple[Difference, ...], list[str]]:
    """What was not alike in the trainings of two models, and notes on what cannot be told: of a
    model whose run is not in the dataset only what the model itself carries is compared."""
    runs = [_run_of(repo, model) for model in (a, b)]
    notes = [
        f"the training of {model.name} is not in this dataset"
        for model, run in zip((a, b), runs, strict=True)
        if run is None
    ]
    facts = [_facts(model, None if notes else run) for model, run in zip((a, b), runs, strict=True)]
    names = list(dict.fromkeys([*facts[0], *facts[1]]))
    found = (Difference(name, facts[0].get(name), facts[1].get(name)) for name in names)
    return tuple(each for each in found if each.a != each.b), notes


def _run_of(repo: Repository, model: ModelRecord) -> RunRecord | None:
    if model.run is None:
        return None
    try:
        return repo.runs.get(model.run)
    except NotFound:
        return None


def _facts(model: ModelRecord, run: RunRecord | None) -> dict[str, Any]:
    """Everything about a model and its training that may tell it from another, by dotted name."""
    facts: dict[str, Any] = {"labels": list(model.labels)}
    _flatten("spec", model.spec, facts)
    facts["parameters"] = model.parameters
    if run is not None:
        settings = {name: part for name, part in run.settings.items() if name not in _LEFT_OUT}
        _flatten("", settings, facts)
        for name in _TOLD_ELSEWHERE:
            facts.pop(name, None)
        facts["seed"] = run.seed
        _flatten("versions", run.versions, facts)
        facts["data_digest"] = run.data_digest.hex()
    return facts


def _flatten(prefix: str, values: Mapping[str, Any], into: dict[str, Any]) -> None:
    for key, value in values.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            _flatten(name, value, into)
        else:
            into[name] = value
