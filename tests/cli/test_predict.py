"""predict and eval: answers for files, standard input and stored images, and their figures."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.pictures import encode_png
from tests.cli.conftest import Run, RunProcess
from tests.ml_fixtures import digits, digits_model, store_digits

EVAL_KEYS = [
    "model",
    "split",
    "n",
    "accuracy",
    "accuracy_interval",
    "loss",
    "ece",
    "labels",
    "confusion",
    "per_class",
]


@pytest.fixture
def ready(db: Path) -> Path:
    """A dataset of forty test digits with a model."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 40)
        repo.models.add(digits_model())
    return db


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of three digits as PNG files."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number in (0, 1, 3):
        (folder / f"{number}.png").write_bytes(encode_png(digits()[0][number]))
    return folder


def test_files_are_predicted_in_order(ready: Path, run: Run, files: Path) -> None:
    result = run("predict", files / "1.png", files / "0.png", "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [row["source"] for row in rows] == [str(files / "1.png"), str(files / "0.png")]
    assert all(set(row) == {"source", "label", "confidence", "top", "model"} for row in rows)
    assert rows[0]["model"] == "digits"
    assert [set(each) for each in rows[0]["top"]] == [{"label", "confidence"}] * 3
    assert rows[0]["top"][0] == {"label": rows[0]["label"], "confidence": rows[0]["confidence"]}
    assert [row["label"] for row in rows] == ["1", "0"]


def test_a_folder_is_predicted_whole(ready: Path, run: Run, files: Path) -> None:
    result = run("predict", files, "--top", 1, "--jsonl")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["label"] for row in rows] == ["0", "1", "3"]
    assert all(len(row["top"]) == 1 for row in rows)


def test_standard_input_is_predicted(ready: Path, run: Run, files: Path) -> None:
    result = run("predict", "-", "--json", stdin=(files / "3.png").read_bytes())
    (row,) = json.loads(result.stdout)
    assert (row["source"], row["label"]) == ("-", "3")


def test_predictions_as_csv(ready: Path, run: Run, files: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("predict", files, "--csv").stdout)))
    assert [row["label"] for row in rows] == ["0", "1", "3"]
    assert set(rows[0]) == {"source", "label", "confidence", "model"}


def test_predictions_for_people(ready: Path, run: Run, files: Path) -> None:
    lines = run("predict", files).stdout.splitlines()
    assert lines[0].split() == ["source", "label", "confidence", "then"]
    assert len(lines) == 4


def test_bad_files_are_named_and_the_others_predicted(ready: Path, run: Run, files: Path) -> None:
    (files / "1.png").write_text("hello")
    result = run("predict", files, files / "none.png", "--json")
    assert result.exit_code == 4
    assert [row["label"] for row in json.loads(result.stdout)] == ["0", "3"]
    lines = result.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"refused {files / '1.png'}",
        f"refused {files / 'none.png'}",
    ]


def test_an_empty_folder_is_refused(ready: Path, run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run("predict", empty)
    assert result.exit_code == 4
    assert "no file" in result.stderr


def test_stored_images_are_predicted_by_query(ready: Path, run: Run) -> None:
    rows = json.loads(run("predict", "--query", "id<4", "--json").stdout)
    assert [row["image"] for row in rows] == [1, 2, 3]
    assert all(set(row) == {"image", "label", "confidence", "top", "model"} for row in rows)
    assert json.loads(run("show", 1, "--json").stdout)["predictions"] == []


def test_predictions_of_stored_images_are_kept_when_asked(ready: Path, run: Run) -> None:
    assert run("predict", "--query", "id<4", "--save").exit_code == 0
    rows = json.loads(run("ls", "is:predicted", "--json").stdout)
    assert [row["id"] for row in rows] == [1, 2, 3]


def test_files_are_kept_once_with_their_predictions(ready: Path, run: Run, files: Path) -> None:
    (files / "copy.png").write_bytes((files / "0.png").read_bytes())
    rows = json.loads(run("predict", files, "--save", "--json").stdout)
    assert len(rows) == 4
    assert all(
        set(row) == {"image", "source", "label", "confidence", "top", "model"} for row in rows
    )
    images = {Path(row["source"]).name: row["image"] for row in rows}
    assert images["copy.png"] == images["0.png"]
    assert json.loads(run("stats", "--json").stdout)["images"] == 43
    shown = json.loads(run("show", images["3.png"], "--json").stdout)
    assert shown["label"] is None
    assert [answer["label"] for answer in shown["predictions"]] == ["3"]


def test_a_dataset_without_a_model_is_not_ready(run: Run, files: Path) -> None:
    run("db", "init")
    result = run("predict", files)
    assert result.exit_code == 1
    assert "pixshelf train" in result.stderr


def test_an_unknown_model_is_refused(ready: Path, run: Run, files: Path) -> None:
    assert run("predict", files, "--model", "nobody").exit_code == 4


@pytest.mark.parametrize("words", [(), ("--query", "id:1", "x.png"), ("--top", "0", "x.png")])
def test_words_that_make_no_sense_are_a_usage_error(
    ready: Path, run: Run, words: tuple[str, ...]
) -> None:
    assert run("predict", *words).exit_code == 2


def test_predict_prints_nothing_but_data(ready: Path, run_process: RunProcess, files: Path) -> None:
    result = run_process("predict", files, "--json")
    assert result.returncode == 0
    assert result.stderr == ""
    assert len(json.loads(result.stdout)) == 3


def test_eval_prints_exactly_the_documented_keys(ready: Path, run: Run) -> None:
    result = run("eval", "--json")
    assert result.exit_code == 0
    evaluation = json.loads(result.stdout)
    assert list(evaluation) == EVAL_KEYS
    assert evaluation["split"] == "test"
    assert evaluation["n"] == 40
    assert sum(map(sum, evaluation["confusion"])) == 40
    assert set(evaluation["per_class"]["7"]) == {"precision", "recall", "f1", "support"}
    low, high = evaluation["accuracy_interval"]
    assert low <= evaluation["accuracy"] <= high


def test_eval_prints_a_summary_the_labels_and_the_matrix(ready: Path, run: Run) -> None:
    result = run("eval")
    assert result.exit_code == 0
    assert result.stdout.startswith("digits on test, 40 images: accuracy ")
    assert "precision" in result.stdout
    assert "\x1b" not in result.stdout


def test_eval_draws_the_confusion_matrix(ready: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "matrix.svg"
    result = run("eval", "--confusion", target, "--json")
    assert result.exit_code == 0
    assert b"<svg" in target.read_bytes()
    assert json.loads(result.stdout)["n"] == 40


def test_eval_takes_a_query(ready: Path, run: Run) -> None:
    assert json.loads(run("eval", "--on", "id<11", "--json").stdout)["n"] == 10


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--split", "tset"), 2),
        (("--confusion", "matrix.pgn"), 2),
        (("--split", "val"), 1),
        (("--on", "is:odd"), 2),
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


def test_eval_of_labels_that_the_model_never_learned_is_refused(ready: Path, run: Run) -> None:
    run("label", 1, "cat")
    result = run("eval")
    assert result.exit_code == 4
    assert "cat" in result.stderr
