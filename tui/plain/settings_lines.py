"""What a stored run says of how it is done, as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.settings import Recipe
from ml.spec import ArchitectureSpec, parameters
from storage.errors import DatasetError
from tui.plain.plan_lines import FITTED, input_words, network_words


def settings_lines(settings: Mapping[str, Any]) -> list[str]:
    """A line for each part of a run's settings, the network and the machine in words."""
    lines = []
    for name, value in settings.items():
        if name == "architecture":
            lines += _architecture(value, settings.get("recipe"))
        elif name == "machine" and isinstance(value, Mapping):
            host, processor, cores = (value.get(key, "?") for key in ("host", "processor", "cores"))
            lines.append(f"machine: {host}, {processor}, {cores} cores")
        else:
            lines.append(f"{name}: {listed(value) if isinstance(value, Mapping) else value}")
    return lines


def listed(values: Mapping[str, Any]) -> str:
    """'name value, name value', without the values that were left open."""
    shown = {
        name: f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
        if value is not None
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _architecture(value: object, recipe: object) -> list[str]:
    try:
        spec = ArchitectureSpec.from_json(value)
    except DatasetError:
        # Of another version of the program: then as it is stored.
        return [f"architecture: {listed(value) if isinstance(value, Mapping) else value}"]
    # The spec is of one network; how many there are is the recipe's to say.
    try:
        members = Recipe.from_json(recipe).members
    except DatasetError:
        members = 1
    return [
        f"input: {input_words(spec.input)}, {FITTED[spec.input.resize]}",
        f"network: {network_words(members * parameters(spec), members)}",
    ]
