"""predict: answers for files, standard input and stored images."""

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


def test_an_answer_below_the_threshold_is_unsure_and_keeps_its_label(
    ready: Path, run: Run, files: Path
) -> None:
    plain = json.loads(run("predict", files, "--json").stdout)
    middle = sorted(row["confidence"] for row in plain)[1]
    result = run("predict", files, "--abstain", middle, "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [row["unsure"] for row in rows] == [row["confidence"] < middle for row in plain]
    assert sum(row["unsure"] for row in rows) == 1
    assert [{**row, "unsure": None} for row in rows] == [{**row, "unsure": None} for row in plain]
    share = f"{100 * middle:g} %"
    assert result.stderr == f"unsure of 1 of 3 images: confidence below {share}\n"


def test_an_unsure_answer_is_called_so_in_the_table_and_in_csv(
    ready: Path, run: Run, files: Path
) -> None:
    table = run("predict", files / "3.png", "--abstain", 1).stdout.splitlines()
    assert table[1].split()[1:3] == ["unsure", "(3"]
    (row,) = csv.DictReader(
        io.StringIO(run("predict", files / "3.png", "--abstain", 1, "--csv").stdout)
    )
    assert (row["label"], row["unsure"]) == ("3", "true")


def test_stored_predictions_know_no_threshold(ready: Path, run: Run) -> None:
    run("predict", "--query", "id:1", "--save", "--abstain", 1)
    (answer,) = json.loads(run("show", 1, "--json").stdout)["predictions"]
    assert answer["label"] in "0123456789"


@pytest.mark.parametrize("threshold", ["-0.1", "1.5", "90", "nan", "much"])
def test_a_threshold_is_a_share_of_1(ready: Path, run: Run, files: Path, threshold: str) -> None:
    assert run("predict", files, "--abstain", threshold).exit_code == 2


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
