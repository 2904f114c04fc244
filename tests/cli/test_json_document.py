"""docs/json.md says what the program prints: every example has exactly the printed keys."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from storage.opening import open_repository
from tests.cli.conftest import Run
from tests.making import checkpoint, epoch, new_run
from tests.ml_fixtures import digits_model, store_digits

DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
BLOCK = re.compile(r"```json ([\w.]+)\n(.*?)```", re.DOTALL)
EXAMPLES: dict[str, Any] = {
    name: json.loads(body) for name, body in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))
}
OPEN = {"labels", "splits", "formats", "sizes", "per_class", "probabilities", "settings"} | {
    "versions",
    "details",
    "spec",
    "packages",
    "rows",
}
"""Keys whose objects are keyed by what is in the dataset."""


@pytest.fixture
def full(db: Path) -> Path:
    """A dataset with something of everything."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 40)
        run_id = repo.runs.create(new_run())
        repo.runs.record_epoch(run_id, epoch(1), last=checkpoint(1))
        repo.models.add(digits_model())
    return db


def make_other(path: Path) -> None:
    """Another dataset, in conflict with the first."""
    with open_repository(path, create=True) as repo:
        store_digits(repo, 1, split="val")
        repo.images.set_label([1], "other", actor="test")


def assert_same_keys(example: Any, printed: Any) -> None:
    """Every object of the example has the keys of the one that was printed in its place."""
    if isinstance(example, list) and isinstance(printed, list):
        if example and printed:
            assert_same_keys(example[0], printed[0])
    elif isinstance(example, dict) and isinstance(printed, dict):
        assert list(example) == list(printed)
        for key in example.keys() - OPEN:
            assert_same_keys(example[key], printed[key])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ls", ("ls",)),
        ("stats", ("stats",)),
        ("import", ("import", "/nowhere")),
        ("label", ("label", "1", "7")),
        ("tag", ("tag", "add", "new", "1")),
        ("rm", ("rm", "1", "--dry-run")),
        ("rm", ("restore", "1")),
        ("labels.ls", ("labels", "ls")),
        ("tags.ls", ("tags", "ls")),
        ("labels.rename", ("labels", "rename", "1", "one")),
        ("labels.merge", ("labels", "merge", "1", "2", "--yes")),
        ("label.rm", ("labels", "rm", "1", "--yes")),
        ("history", ("history",)),
        ("history", ("undo",)),
        ("db.migrate", ("db", "migrate")),
        ("db.vacuum", ("db", "vacuum")),
        ("db.repair", ("db", "repair-thumbnails")),
        ("split", ("split", "--to", "val")),
        ("split.check", ("split", "--check")),
        ("duplicates", ("duplicates", "near", "--keep", "first")),
        ("problems", ("problems",)),
        ("review", ("review", "unlabelled")),
        ("eval", ("eval",)),
        ("predict", ("predict", "{picture}")),
        ("runs.ls", ("runs", "ls")),
        ("runs.rm", ("runs", "rm", "1", "--yes")),
        ("models.ls", ("models", "ls")),
        ("models.export", ("models", "export", "1", "{folder}/m.tflite")),
        ("models.rename", ("models", "rename", "1", "other")),
        ("models.rm", ("models", "rm", "1", "--yes")),
        ("db.info", ("db", "info")),
        ("db.check", ("db", "check")),
        ("db.backup", ("db", "backup", "{folder}/b.db")),
        ("db.copy", ("db", "copy", "{folder}/test.db", "{folder}/copy.db")),
        ("doctor", ("doctor",)),
        ("export", ("export", "{folder}/out.csv")),
        ("merge", ("merge", "{folder}/other.db")),
    ],
)
def test_an_example_has_the_printed_keys(
    name: str, words: tuple[str, ...], full: Path, run: Run, tmp_path: Path
) -> None:
    run("eval")
    run("label", "--clear", 2)
    run("tag", "add", "old", 1)
    picture = tmp_path / "one.png"
    assert run("show", 1, "-o", picture).exit_code == 0
    make_other(tmp_path / "other.db")
    filled = [word.format(picture=picture, folder=tmp_path) for word in words]
    printed = json.loads(run(*filled, "--json").stdout)
    assert_same_keys(EXAMPLES[name], printed[0] if isinstance(printed, list) else printed)


@pytest.mark.parametrize(
    ("name", "words", "without"),
    [
        ("runs.show", ("runs", "show", "1"), "runs.ls"),
        ("models.show", ("models", "show", "1"), "models.ls"),
        ("history.show", ("history", "show", "1"), "history"),
    ],
)
def test_a_detail_has_the_keys_of_its_row_and_those_of_its_example(
    name: str, words: tuple[str, ...], without: str, full: Path, run: Run
) -> None:
    run("tag", "add", "old", 1)
    printed = json.loads(run(*words, "--json").stdout)
    assert list(printed) == [*EXAMPLES[without], *EXAMPLES[name]]
    assert_same_keys(EXAMPLES[name], {key: printed[key] for key in EXAMPLES[name]})


def test_a_line_of_json_lines_has_the_documented_keys(full: Path, run: Run, tmp_path: Path) -> None:
    run("eval")
    target = tmp_path / "list.jsonl"
    assert run("export", target, "--bytes", "files").exit_code == 0
    assert_same_keys(EXAMPLES["export.jsonl"], json.loads(target.read_text().splitlines()[0]))


def test_a_comparison_has_the_documented_keys(full: Path, run: Run) -> None:
    with open_repository(full) as repo:
        repo.models.add(digits_model("other", tuple("1023456789")))
    printed = json.loads(run("models", "compare", "1", "2", "--json").stdout)
    assert printed["flips"]
    assert printed["differences"]
    assert_same_keys(EXAMPLES["compare"], printed)


def test_a_prediction_says_what_is_unsure_and_where_its_map_is(
    full: Path, run: Run, tmp_path: Path
) -> None:
    words = ("--abstain", "0.9", "--explain-to", tmp_path / "maps", "--json")
    (printed,) = json.loads(run("predict", "--query", "id:1", *words).stdout)
    without = [key for key in EXAMPLES["predict"] if key != "source"]
    assert list(printed) == ["image", *without, *EXAMPLES["predict.more"]]
    assert_same_keys(
        EXAMPLES["predict.more"], {key: printed[key] for key in ("unsure", "explanation")}
    )


def test_show_has_the_keys_of_ls_and_its_predictions(full: Path, run: Run) -> None:
    run("eval")
    printed = json.loads(run("show", 1, "--json").stdout)
    assert list(printed) == [*EXAMPLES["ls"], "predictions"]
    assert_same_keys(EXAMPLES["show.predictions"], printed["predictions"][0])


def test_the_result_of_a_training_has_the_documented_keys() -> None:
    from dataclasses import fields

    from ml.events import Done

    assert list(EXAMPLES["train"]) == [field.name for field in fields(Done)]


def test_the_plan_of_a_training_has_the_documented_keys(db: Path, run: Run) -> None:
    with open_repository(db, create=True) as repo:
        store_digits(repo, 40, split="train")
    printed = json.loads(run("train", "--dry-run", "--json").stdout)
    example = EXAMPLES["train.plan"]
    assert list(printed) == list(example)
    assert_same_keys(example["counts"]["0"], printed["counts"]["0"])
    assert_same_keys(example["notes"], printed["notes"])
    for part in ("settings", "recipe", "architecture"):
        assert printed[part].keys() >= example[part].keys()


def test_the_exit_codes_are_documented() -> None:
    from storage.errors import ExitCode

    rows = re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in ExitCode]
