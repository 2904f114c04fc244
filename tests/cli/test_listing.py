"""ls, stats, show, runs and models: what they print of a dataset, in each form."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path

import pytest

from storage.opening import open_repository
from tests.cli.conftest import Run
from tests.making import add_images, new_image, new_model, new_run
from tests.ml_fixtures import digits_model, store_digits

IMAGE_KEYS = {
    "id",
    "sha256",
    "label",
    "split",
    "tags",
    "width",
    "height",
    "channels",
    "format",
    "bytes",
    "source",
    "added_at",
    "prediction",
}


@pytest.fixture
def filled(db: Path) -> Path:
    """A dataset of five small images: three labelled, one with hostile words."""
    with open_repository(db, create=True) as repo:
        add_images(
            repo,
            new_image(1, label="cat", split="train", tags=("a", "b c")),
            new_image(2, label="cat", split="test"),
            new_image(3, label="dog", split="train"),
            new_image(4, width=640, height=480),
            new_image(5, source="\x1b]0;owned\x07\x9b2Jevil.png"),
        )
    return db


@pytest.fixture
def predicted(db: Path, run: Run) -> Path:
    """A dataset of forty digits with a model's stored predictions."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 40)
        repo.models.add(digits_model())
    assert run("eval", "--quiet").exit_code == 0
    return db


def test_ls_prints_every_documented_key(filled: Path, run: Run) -> None:
    rows = json.loads(run("ls", "--json").stdout)
    assert len(rows) == 5
    assert all(set(row) == IMAGE_KEYS for row in rows)
    assert rows[0]["tags"] == ["a", "b c"]
    assert len(bytes.fromhex(rows[0]["sha256"])) == 32
    assert rows[0]["added_at"].endswith("Z")
    assert rows[3]["label"] is None


def test_ls_takes_a_query(filled: Path, run: Run) -> None:
    rows = json.loads(run("ls", "label:cat", "split:test", "--json").stdout)
    assert [row["id"] for row in rows] == [2]


def test_ls_takes_a_negated_word(filled: Path, run: Run) -> None:
    rows = json.loads(run("ls", "-label:cat", "is:labelled", "--json").stdout)
    assert [row["id"] for row in rows] == [3]


def test_ls_says_how_to_go_on(filled: Path, run: Run) -> None:
    first = run("ls", "label:cat,dog", "--limit", 2, "--jsonl")
    assert len(first.stdout.splitlines()) == 2
    command = first.stderr.strip().removeprefix("more: pixshelf ")
    rest = run(*shlex.split(command), "--jsonl")
    assert [json.loads(line)["id"] for line in rest.stdout.splitlines()] == [3]
    assert rest.stderr == ""


def test_ls_without_a_limit_gives_everything(filled: Path, run: Run) -> None:
    result = run("ls", "--limit", 0, "--jsonl")
    assert len(result.stdout.splitlines()) == 5
    assert result.stderr == ""


def test_ls_refuses_a_cursor_that_is_none(filled: Path, run: Run) -> None:
    result = run("ls", "--after", "nonsense")
    assert result.exit_code == 2
    assert result.stderr.startswith("pixshelf: error: ")


def test_ls_points_at_a_word_that_it_does_not_understand(filled: Path, run: Run) -> None:
    result = run("ls", "label:cat", "is:odd")
    assert result.exit_code == 2
    first, query, caret, *_ = result.stderr.splitlines()
    assert first.startswith("pixshelf: error: ")
    assert query == "  label:cat is:odd"
    assert "^" in caret


def test_ls_of_nothing_is_an_empty_list(filled: Path, run: Run) -> None:
    assert json.loads(run("ls", "label:cow", "--json").stdout) == []


def test_ls_as_csv_has_a_heading_and_flat_cells(filled: Path, run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("ls", "--csv").stdout)))
    assert rows[0]["tags"] == "a,b c"
    assert rows[0]["prediction.label"] == ""
    assert {"id", "sha256", "label", "split", "source"} <= set(rows[0])


def test_no_escape_sequence_of_the_dataset_reaches_the_terminal(filled: Path, run: Run) -> None:
    for words in (("ls",), ("ls", "--json"), ("stats",)):
        shown = run(*words).stdout
        assert "\x1b" not in shown
        assert "\x9b" not in shown
        assert "\x07" not in shown


def test_stats_prints_every_documented_key(filled: Path, run: Run) -> None:
    stats = json.loads(run("stats", "--json").stdout)
    assert set(stats) == {"images", "unlabelled", "bytes", "labels", "splits", "formats", "sizes"}
    assert stats["images"] == 5
    assert stats["unlabelled"] == 2
    assert stats["labels"] == {"cat": 2, "dog": 1}
    assert stats["formats"] == {"png": 5}
    assert stats["sizes"]["28x28"] == 4


def test_stats_prints_tables_for_people(filled: Path, run: Run) -> None:
    lines = run("stats").stdout.splitlines()
    assert lines[0].startswith("5 images, 2 unlabelled")
    assert any(line.split() == ["cat", "2"] for line in lines)


@pytest.mark.parametrize("words", [("ls",), ("stats",), ("show", "1"), ("db", "info"), ("eval",)])
def test_a_dataset_that_is_not_there_is_one_line_and_a_hint(
    words: tuple[str, ...], run: Run, db: Path
) -> None:
    result = run(*words)
    assert result.exit_code == 3
    assert result.stderr.startswith("pixshelf: error: ")
    assert "hint: " in result.stderr
    assert not db.exists()


def test_a_jpeg_is_no_dataset(run: Run, tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "picture.jpg"
    Image.new("L", (9, 9)).save(picture)
    before = picture.read_bytes()
    result = run("stats", on=picture)
    assert result.exit_code == 3
    assert len(result.stderr.splitlines()) <= 2
    assert picture.read_bytes() == before


def test_a_dataset_of_a_newer_program_is_refused(filled: Path, run: Run) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("PRAGMA user_version = 999")
    result = run("ls")
    assert result.exit_code == 3
    assert "newer" in result.stderr


def test_show_draws_and_describes_an_image(predicted: Path, run: Run) -> None:
    result = run("show", 1, "--width", 16)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert all(len(line) <= 16 for line in lines[:8])
    assert any(line.startswith("label") for line in lines)
    assert any(line.startswith("model 1, digits: ") for line in lines)
    assert "\x1b" not in result.stdout


def test_show_as_json_has_every_models_probabilities(predicted: Path, run: Run) -> None:
    image = json.loads(run("show", 1, "--json").stdout)
    assert set(image) == IMAGE_KEYS | {"predictions"}
    (answer,) = image["predictions"]
    assert set(answer) == {
        "model",
        "name",
        "label",
        "confidence",
        "margin",
        "truth",
        "created_at",
        "probabilities",
    }
    assert abs(sum(answer["probabilities"].values()) - 1) < 1e-4
    assert answer["probabilities"][answer["label"]] == pytest.approx(answer["confidence"])


def test_show_writes_the_bytes_as_they_were_given(
    predicted: Path, run: Run, tmp_path: Path
) -> None:
    with open_repository(predicted) as repo:
        data = repo.images.data(3)
    assert run("show", 3, "--output", "-").stdout_bytes == data
    target = tmp_path / "out.png"
    assert run("show", 3, "-o", target).exit_code == 0
    assert target.read_bytes() == data


def test_show_of_an_unknown_image_is_refused(filled: Path, run: Run) -> None:
    result = run("show", 99)
    assert result.exit_code == 4
    assert "99" in result.stderr


def test_ls_prints_the_prediction_beside_the_image(predicted: Path, run: Run) -> None:
    rows = json.loads(run("ls", "--json").stdout)
    assert set(rows[0]["prediction"]) == {"model", "label", "confidence", "wrong"}
    wrong = json.loads(run("ls", "is:wrong", "--json").stdout)
    assert all(row["prediction"]["wrong"] for row in wrong)


@pytest.fixture
def trained(db: Path) -> Path:
    """A dataset with a finished run and two models."""
    with open_repository(db, create=True) as repo:
        run_id = repo.runs.create(new_run())
        repo.runs.finish(run_id, "done")
        repo.models.add(new_model("cat", "dog", name="first", run=run_id))
        repo.models.add(new_model("cat", "dog", name="second"))
    return db


def test_runs_are_listed_and_shown(trained: Path, run: Run) -> None:
    (row,) = json.loads(run("runs", "ls", "--json").stdout)
    assert set(row) == {
        "id",
        "name",
        "status",
        "seed",
        "epochs",
        "total_epochs",
        "val_accuracy",
        "model",
        "started_at",
        "finished_at",
        "error",
    }
    detail = json.loads(run("runs", "show", row["id"], "--json").stdout)
    assert set(detail) - set(row) == {
        "total_steps",
        "labels",
        "settings",
        "versions",
        "data_digest",
        "metrics",
    }
    assert run("runs", "show", row["id"]).stdout.startswith(f"run {row['id']}, ")


def test_an_unknown_run_is_refused(trained: Path, run: Run) -> None:
    assert run("runs", "show", 99).exit_code == 4


def test_models_are_listed_and_shown(trained: Path, run: Run) -> None:
    rows = json.loads(run("models", "ls", "--json").stdout)
    assert [row["name"] for row in rows] == ["second", "first"]
    assert set(rows[0]) == {
        "id",
        "name",
        "run",
        "labels",
        "parameters",
        "val_accuracy",
        "val_loss",
        "weights_sha256",
        "created_at",
    }
    detail = json.loads(run("models", "show", "first", "--json").stdout)
    assert set(detail) - set(rows[0]) == {"temperature", "spec"}
    assert "first" in run("models", "show", "first").stdout


def test_an_unknown_model_is_refused_and_none_at_all_is_not_ready(
    trained: Path, run: Run, tmp_path: Path
) -> None:
    assert run("models", "show", "third").exit_code == 4
    empty = tmp_path / "empty.db"
    assert run("db", "init", on=empty).exit_code == 0
    result = run("eval", on=empty)
    assert result.exit_code == 1
    assert "pixshelf train" in result.stderr


def test_a_model_is_not_removed_where_nobody_can_be_asked(trained: Path, run: Run) -> None:
    result = run("models", "rm", "first")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert len(json.loads(run("models", "ls", "--json").stdout)) == 2


def test_a_dry_run_removes_no_model(trained: Path, run: Run) -> None:
    result = run("models", "rm", "first", "--dry-run")
    assert result.exit_code == 0
    assert "would be removed" in result.stdout
    assert len(json.loads(run("models", "ls", "--json").stdout)) == 2


def test_a_model_is_removed_with_yes(trained: Path, run: Run) -> None:
    assert run("models", "rm", "first", "--yes").exit_code == 0
    assert [m["name"] for m in json.loads(run("models", "ls", "--json").stdout)] == ["second"]


def test_a_model_is_exported_as_its_stored_litert_bytes(
    predicted: Path, run: Run, tmp_path: Path
) -> None:
    target = tmp_path / "digits.tflite"
    result = run("models", "export", "digits", target, "--json")
    assert result.exit_code == 0
    with open_repository(predicted) as repo:
        stored = repo.models.litert(1)
    assert target.read_bytes() == stored
    assert json.loads(result.stdout) == {"model": 1, "path": str(target), "bytes": len(stored)}


def test_a_model_is_not_exported_to_an_unknown_ending(
    predicted: Path, run: Run, tmp_path: Path
) -> None:
    result = run("models", "export", "digits", tmp_path / "digits.kreas")
    assert result.exit_code == 2
    assert ".keras" in result.stderr


def test_a_list_of_nothing_says_so_beside_the_data(filled: Path, run: Run) -> None:
    listed = run("ls", "tag:none-such")
    assert (listed.exit_code, listed.stderr) == (0, "no image matches\n")
    assert run("ls", "tag:none-such", "--quiet").stderr == ""
    for form in ("--json", "--jsonl", "--csv", "--tsv"):
        assert run("ls", "tag:none-such", form).stderr == ""
