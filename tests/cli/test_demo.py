"""The demo, as a user runs it: once in full, then reusing what it made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cli.demonstration
from cli.watching import Outcome
from ml.settings import TrainSettings
from storage.opening import open_repository
from tests.cli.conftest import Run, RunProcess
from tests.cli.test_json_document import EXAMPLES
from tests.making import add_images, new_image


@pytest.mark.slow
def test_the_demo_trains_measures_draws_and_is_reused(
    run_process: RunProcess, run: Run, db: Path
) -> None:
    first = run_process("demo")
    assert first.returncode == 0, first.stderr
    assert f"dataset: {db}" in first.stdout
    assert "imported 1,797 digits" in first.stdout
    assert "starting TensorFlow" in first.stderr
    assert "epoch " in first.stderr
    assert "some test images" in first.stdout
    assert f"pixshelf --db {db} " in first.stdout
    assert "\x1b" not in first.stdout

    again = run("demo", "--json")
    assert again.exit_code == 0
    assert again.stderr == ""
    report = json.loads(again.stdout)
    assert list(report) == list(EXAMPLES["demo"])
    assert report["reused"] == {"images": True, "model": True}
    assert report["eval"]["accuracy"] >= 0.98
    assert len(report["predictions"]) == 8
    assert all(len(row["top"]) == 3 for row in report["predictions"])
    assert json.loads(run("stats", "--json").stdout)["images"] == 1797

    told = run("demo")
    assert "reusing its 1,797 images" in told.stdout
    assert "reusing model 1" in told.stdout


def test_the_demo_leaves_a_dataset_of_other_images_alone(run: Run, db: Path) -> None:
    with open_repository(db, create=True) as repo:
        add_images(repo, new_image(1, label="cat"))
    result = run("demo")
    assert result.exit_code == 4
    assert "images of your own" in result.stderr
    assert json.loads(run("stats", "--json").stdout)["images"] == 1


def test_a_demo_that_is_interrupted_says_how_to_go_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(url: str, settings: TrainSettings, *, program: str, **named: object) -> Outcome:
        return Outcome(None, True, f"go on with: {program} runs resume 1")

    monkeypatch.setattr(cli.demonstration, "train_watched", interrupted)
    result = run("demo")
    assert result.exit_code == 130
    assert "runs resume 1" in result.stderr
    assert "--db" in result.stderr
