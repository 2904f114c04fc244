"""Runs and models as rows and details, and the names that models are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.records import EpochMetrics, ModelRecord, RunRecord
from tui.models.actions import mistakes_query
from tui.models.names import export_name, export_problem, name_problem
from tui.models.run_records import model_details, model_row, run_details, run_row


def run(*, name: str = "digits", epochs: int = 2, error: str | None = None) -> RunRecord:
    metrics = tuple(
        EpochMetrics(at, at * 10, at * 1.0, 0.1, 0.5, 0.8, 0.4, 0.8 + at / 100)
        for at in range(1, epochs + 1)
    )
    return RunRecord(
        *(3, name, "failed", 0, {"chosen": {"preset": "quick"}}, ("a\x1b[31m", "b"), b"\1" * 32),
        *({"keras": "3"}, 5, 50, None, 1_700_000_000, 1_700_000_042, error, None, metrics),
    )


def model(name: str = "digits") -> ModelRecord:
    return ModelRecord(4, name, 3, ("a", "b"), {"input": "odd"}, 99, b"\2" * 32, 1.0, 0.9, None, 0)


def test_a_row_tells_the_state_by_a_sign_too() -> None:
    row = run_row(run(), "interrupted")
    assert row[:5] == ("3", "digits", "! interrupted", "2/5", "82.00 %")


def test_names_with_controls_are_made_printable() -> None:
    assert run_row(run(name="a\x1b[31mb"), "done")[1] == "ab"
    assert model_row(model("a\nb"), marked=True)[2] == "a\ufffdb"
    assert "\x1b" not in run_details(run(), "done", 30).plain


def test_the_details_of_a_run_hold_settings_error_and_figures() -> None:
    text = run_details(run(error="out of memory"), "failed", 60).plain
    for part in ("error: out of memory", "took 42 s", "best 82.00 %", "preset quick", "keras 3"):
        assert part in text


def test_a_run_without_epochs_has_details_too() -> None:
    assert "no model" in run_details(run(epochs=0), "running", 40).plain


def test_a_model_whose_input_cannot_be_read_has_details_too() -> None:
    assert "unknown to this version" in model_details(model(), 60).plain


def test_mistakes_are_asked_for_by_a_name_of_any_kind() -> None:
    assert mistakes_query("a b") == 'is:wrong model:"a b" sort:-confidence'


@pytest.mark.parametrize(
    ("text", "words"), [("", "empty"), ("taken", "another model"), ("fine", "")]
)
def test_a_name_is_checked(text: str, words: str) -> None:
    problem = name_problem(text, {"taken"})
    assert words in problem
    assert bool(words) == bool(problem)


def test_a_file_is_named_after_its_model() -> None:
    assert export_name("my/model 2", "keras") == "my-model-2.keras"
    assert export_name("v1.2", "savedmodel") == "v1-2"
    assert export_name("..", "onnx") == "model.onnx"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.tflite", ""),
        ("folder", ""),
        ("a.exe", "cannot be written"),
        ("no/such/a.keras", "no folder"),
        ("  ", "name a file"),
        ("a\0.keras/b.keras", ""),
    ],
)
def test_a_path_is_checked(tmp_path: Path, name: str, words: str) -> None:
    problem = export_problem(str(tmp_path / name) if name.strip() else name)
    if "\0" in name:
        assert problem
    else:
        assert words in problem
        assert bool(words) == bool(problem)
