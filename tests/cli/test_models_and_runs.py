"""`models rename`, and how `runs show` tells what a run's settings were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.pixels import InputSpec
from ml.settings import TrainSettings, resolve
from ml.spec import design
from storage.opening import open_repository
from tests.cli.conftest import Run, RunTerminal
from tests.making import new_model, new_run


def test_a_model_gets_another_name(run: Run, db: Path) -> None:
    with open_repository(db, create=True) as repo:
        repo.models.add(new_model("a", name="one"))
        repo.models.add(new_model("a", name="two"))
    assert run("models", "rename", "one", "best").stdout == "model 1, one, is now best\n"
    told = run("models", "rename", "best", "two")
    assert told.exit_code == 4
    assert "model 2 has the name 'two' already" in told.stderr
    answer = json.loads(run("models", "rename", 1, "first", "--json").stdout)
    assert answer == {"model": 1, "before": "best", "name": "first"}


def test_the_accuracy_of_a_run_is_called_the_best_of_its_epochs(
    run_terminal: RunTerminal, db: Path
) -> None:
    with open_repository(db, create=True) as repo:
        repo.runs.create(new_run())
    code, shown = run_terminal("runs", "ls")
    assert code == 0
    assert "best val" in shown
    assert "val accuracy" not in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["input: 28x28 grey, cropped", "network: 3 networks of ", "machine: here, Z80, 1 "]),
        ({"version": 99}, ["architecture: family pixshelf-conv, version 99"]),
    ],
)
def test_a_run_says_its_network_and_machine_in_words(
    run: Run, db: Path, changes: dict[str, Any], words: list[str]
) -> None:
    spec = design(InputSpec(28, 28, 1, "crop"), classes=10, width=4).to_json()
    chosen = TrainSettings(ensemble=3)
    recipe = resolve(chosen, images=100, height=28, width=28, channels=1)
    settings = {
        "recipe": recipe.to_json(),
        "architecture": spec | changes,
        "machine": {"host": "here", "processor": "Z80", "cores": "1"},
    }
    with open_repository(db, create=True) as repo:
        repo.runs.create(replace(new_run(), settings=settings))
    shown = run("runs", "show", 1)
    assert shown.exit_code == 0, shown.stderr
    for each in words:
        assert each in shown.stdout
    assert json.loads(run("runs", "show", 1, "--json").stdout)["settings"] == settings


def test_a_run_whose_recipe_cannot_be_read_is_still_shown(run: Run, db: Path) -> None:
    spec = design(InputSpec(28, 28, 1), classes=10, width=4).to_json()
    settings = {"recipe": {"members": "x" * 1000}, "architecture": spec}
    with open_repository(db, create=True) as repo:
        repo.runs.create(replace(new_run(), settings=settings))
    shown = run("runs", "show", 1)
    assert shown.exit_code == 0, shown.stderr
    assert "network: 4,102 parameters" in shown.stdout
