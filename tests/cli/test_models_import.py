"""models import: what is refused before a process is started, and what comes out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.keras_files import write_keras


def test_a_model_file_is_refused_without_a_word_of_trust(
    run: Run, db: Path, tmp_path: Path
) -> None:
    result = run("models", "import", write_keras(tmp_path / "a.keras"))
    assert result.exit_code == 4
    assert "CVE-2025-1550" in result.stderr
    assert "--trust" in result.stderr
    assert not db.exists()


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("a.pkl", "a pickle, which runs code"),
        ("a.pt", "a PyTorch file"),
        ("a.pth", "a PyTorch file"),
        ("a.joblib", "a pickle"),
        ("a.onnx", "an ONNX model"),
        ("a.pb", "a TensorFlow graph"),
        ("a.tflite", "a LiteRT model"),
        ("a.txt", "'.txt'"),
        ("a", "such a file"),
        ("gone.keras", "no such file"),
    ],
)
def test_another_kind_of_file_is_refused_by_name(
    run: Run, tmp_path: Path, name: str, named: str
) -> None:
    if not name.startswith("gone"):
        (tmp_path / name).write_bytes(b"x")
    result = run("models", "import", tmp_path / name, "--trust")
    assert result.exit_code == 4
    assert named in result.stderr


def test_a_folder_is_refused(run: Run, tmp_path: Path) -> None:
    assert "SavedModel" in run("models", "import", tmp_path, "--trust").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--scale", "0..2"),
        ("--resize", "bend"),
        ("--size", "big"),
        ("--size", "0"),
        ("--size", "8x8x8"),
        ("--labels", "a,a"),
        ("--name", " "),
    ],
)
def test_a_choice_that_makes_no_sense_is_a_usage_error(
    run: Run, tmp_path: Path, words: tuple[str, str]
) -> None:
    result = run("models", "import", write_keras(tmp_path / "a.keras"), "--trust", *words)
    assert result.exit_code == 2
    assert words[0].strip("-") in result.stderr


def test_an_imported_model_is_printed_and_predicts(run: Run, tmp_path: Path) -> None:
    file = write_keras(tmp_path / "a.keras")
    result = run("models", "import", file, "--trust", "--labels", "no, yes", "--json")
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert (printed["name"], printed["labels"], printed["parameters"]) == ("a", ["no", "yes"], 34)
    listed = json.loads(run("models", "ls", "--json").stdout)
    assert listed == [printed]
    assert json.loads(run("import", "digits", "--json").stdout)["added"] == 1797
    predicted = run("predict", "--query", "id<6", "--jsonl")
    assert {json.loads(row)["model"] for row in predicted.stdout.splitlines()} == {"a"}
