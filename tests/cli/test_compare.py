"""runs compare and models compare: two models on the same images."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from storage.opening import open_repository
from tests.cli.conftest import Run
from tests.making import new_run
from tests.ml_fixtures import DIGITS, digits_model, store_digits

SWAPPED = ("1", "0", *DIGITS[2:])


@pytest.fixture
def two(db: Path) -> Path:
    """A dataset of two hundred test digits with two models, each of a run."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 200)
        for name, labels in (("good", DIGITS), ("swapped", SWAPPED)):
            settings = {"chosen": {"name": name, "epochs": len(name)}}
            run = repo.runs.create(dataclasses.replace(new_run(), name=name, settings=settings))
            repo.models.add(dataclasses.replace(digits_model(name, labels), run=run))
    return db


def test_two_runs_are_compared_for_a_person(two: Path, run: Run) -> None:
    result = run("runs", "compare", 1, 2)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "good and swapped on test, 200 images"
    assert any(line.split()[:2] == ["good", "1"] for line in lines)
    assert any(line.startswith("right: both ") for line in lines)
    assert any(line.startswith("McNemar's test, ") for line in lines)
    assert any(line.startswith("good is better: ") for line in lines)
    assert ["chosen.epochs", "4", "7"] in [line.split() for line in lines]
    assert any("the first 20 (--limit 0 lists all)" in line for line in lines)
    assert "look at them: pixshelf --db" in result.stderr
    assert " ls id:" in result.stderr


def test_the_images_that_are_pointed_at_can_be_listed(two: Path, run: Run) -> None:
    flips = json.loads(run("runs", "compare", 1, 2, "--limit", 3, "--json").stdout)["flips"]
    assert len(flips) == 3
    ids = ",".join(str(flip["image"]) for flip in flips)
    listed = json.loads(run("ls", f"id:{ids}", "--json").stdout)
    assert [image["label"] for image in listed] == [flip["label"] for flip in flips]


def test_models_are_compared_by_name_as_their_runs_are(two: Path, run: Run) -> None:
    by_run = run("runs", "compare", 1, 2, "--json")
    by_name = run("models", "compare", "good", "swapped", "--json")
    assert by_name.exit_code == 0
    assert by_name.stdout == by_run.stdout
    comparison = json.loads(by_name.stdout)
    assert len(comparison["flips"]) == comparison["only_a"] + comparison["only_b"] > 20
    shares = (comparison[key] for key in ("both", "only_a", "only_b", "neither"))
    assert sum(shares) == comparison["n"] == 200


def test_a_comparison_takes_a_query_or_a_split(two: Path, run: Run) -> None:
    printed = run("runs", "compare", 1, 2, "--on", "id<11", "--json").stdout
    assert (json.loads(printed)["on"], json.loads(printed)["n"]) == ("id<11", 10)
    assert run("runs", "compare", 1, 2, "--split", "val").exit_code == 1


def test_what_was_predicted_is_kept(two: Path, run: Run) -> None:
    run("models", "compare", 1, 2)
    assert len(json.loads(run("show", 1, "--json").stdout)["predictions"]) == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("runs", "compare", "1", "9"), 4),
        (("runs", "compare", "1", "1"), 2),
        (("runs", "compare", "1", "two"), 2),
        (("models", "compare", "good", "nobody"), 4),
        (("models", "compare", "good", "swapped", "--split", "tset"), 2),
        (("models", "compare", "good", "swapped", "--on", "is:odd"), 2),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_a_code(
    two: Path, run: Run, words: tuple[str, ...], code: int
) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert "error: " in result.stderr
