"""eval: its figures in text and JSON, its pictures and its report, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.pixels import InputSpec
from storage.opening import open_repository
from tests.cli.conftest import Run, RunTerminal
from tests.making import checkpoint, epoch, new_run
from tests.ml_fixtures import digits_model, digits_weights, linear_litert, store_digits

KEYS = [
    *("model", "split", "n", "accuracy", "accuracy_interval", "loss", "ece", "reliability"),
    *("labels", "confusion", "per_class", "model_id", "run", "top3", "macro", "temperature"),
    *("uncalibrated", "confused", "mistakes", "data_digest"),
]


@pytest.fixture
def ready(db: Path) -> Path:
    """A dataset of forty test digits with a model that comes from a run."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 40)
        run_id = repo.runs.create(new_run())
        for number in (1, 2):
            repo.runs.record_epoch(run_id, epoch(number), last=checkpoint(number))
        repo.models.add(replace(digits_model(), run=run_id))
    return db


def test_the_json_has_exactly_the_documented_keys(ready: Path, run: Run) -> None:
    result = run("eval", "--json")
    assert result.exit_code == 0
    evaluation = json.loads(result.stdout)
    assert list(evaluation) == KEYS
    assert (evaluation["split"], evaluation["n"], evaluation["run"]) == ("test", 40, 1)
    assert sum(map(sum, evaluation["confusion"])) == 40
    assert set(evaluation["per_class"]["7"]) == {"precision", "recall", "f1", "support"}
    low, high = evaluation["accuracy_interval"]
    assert low <= evaluation["accuracy"] <= high
    assert sum(each["images"] for each in evaluation["reliability"]) == 40


def test_a_person_gets_the_summary_the_labels_the_matrix_and_the_mistakes(
    ready: Path, run: Run
) -> None:
    result = run("eval")
    assert result.exit_code == 0
    assert result.stdout.startswith("digits on test, 40 images: accuracy ")
    for text in (
        "top-3 ",
        "before calibration",
        "precision",
        "Most confused",
        "true\\pred",
    ):
        assert text in result.stdout
    assert result.stdout.index("Worst mistakes") > result.stdout.index("true\\pred")
    assert "Reliability" not in result.stdout
    assert "\x1b" not in result.stdout


def test_details_have_the_reliability_and_the_learning_curves(ready: Path, run: Run) -> None:
    result = run("eval", "--details")
    assert "Reliability" in result.stdout
    assert "loss, epochs 1 to 2" in result.stdout
    assert "accuracy, epochs 1 to 2" in result.stdout


def test_of_many_labels_the_worst_are_shown_and_all_with_details(db: Path, run: Run) -> None:
    labels = (*"0123456789", *(f"never {at}" for at in range(40)))
    with open_repository(db, create=True) as repo:
        store_digits(repo, 60)
        weights, bias = digits_weights()
        weights = np.vstack([weights, np.zeros((40, 64), np.float32)])
        bias = np.concatenate([bias, np.full(40, -50, np.float32)])
        litert = linear_litert(weights, bias, InputSpec(8, 8, 1))
        repo.models.add(replace(digits_model(), labels=labels, litert=litert))
    short, long = run("eval").stdout, run("eval", "--details").stdout
    assert "40 labels more with --details" in short
    assert "never 7" not in short
    assert "never 7" in long
    assert len(short.splitlines()) < 40


def test_a_terminal_gets_the_mistakes_as_pictures(ready: Path, run_terminal: RunTerminal) -> None:
    code, text = run_terminal("eval")
    assert code == 0
    assert "worst mistakes" in text
    assert "▀" in text or "\x1b[48;5;" in text


@pytest.mark.parametrize("flag", ["--confusion", "--reliability", "--curves"])
@pytest.mark.parametrize("ending", ["svg", "png"])
def test_each_picture_is_drawn_by_its_ending(
    ready: Path, run: Run, tmp_path: Path, flag: str, ending: str
) -> None:
    target = tmp_path / f"picture.{ending}"
    result = run("eval", flag, target, "--json")
    assert result.exit_code == 0
    assert (b"<svg" if ending == "svg" else b"PNG") in target.read_bytes()
    assert str(target) in result.stderr
    assert json.loads(result.stdout)["n"] == 40


def test_a_report_is_one_page_in_a_new_folder(ready: Path, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    result = run("eval", "--report", folder)
    assert result.exit_code == 0
    assert f"report written to {folder / 'index.html'}" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    assert "digits on test" in (folder / "index.html").read_text("utf-8")


def test_a_report_overwrites_nothing_and_evaluates_nothing_then(
    ready: Path, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("mine")
    result = run("eval", "--report", tmp_path)
    assert result.exit_code == 4
    assert result.stdout == ""
    assert (tmp_path / "index.html").read_text() == "mine"
    assert json.loads(run("db", "info", "--json").stdout)["predictions"] == 0


def test_a_model_without_a_run_has_no_learning_curves(db: Path, run: Run, tmp_path: Path) -> None:
    with open_repository(db, create=True) as repo:
        store_digits(repo, 10)
        repo.models.add(digits_model())
    result = run("eval", "--curves", tmp_path / "curves.png", "--quiet")
    assert result.exit_code == 1
    assert "has no run" in result.stderr


def test_a_query_may_stand_in_place_of_a_split(ready: Path, run: Run) -> None:
    assert json.loads(run("eval", "--on", "id<11", "--json").stdout)["n"] == 10


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--split", "tset"), 2),
        (("--confusion", "matrix.pgn"), 2),
        (("--reliability", "nowhere/r.png"), 2),
        (("--curves", "curves"), 2),
        (("--split", "val"), 1),
        (("--on", "is:odd"), 2),
        (("--on", ""), 2),
        (("--on", "id:1", "--split", "train"), 2),
        (("--model", "nobody"), 4),
    ],
)
def test_an_eval_that_cannot_be_is_one_line_and_a_code(
    ready: Path, run: Run, words: tuple[str, ...], code: int
) -> None:
    result = run("eval", *words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("pixshelf: error: ")


def test_labels_that_the_model_never_learned_are_refused(ready: Path, run: Run) -> None:
    run("label", 1, "cat")
    result = run("eval")
    assert result.exit_code == 4
    assert "cat" in result.stderr
