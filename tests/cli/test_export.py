"""export: folders, CSV and npz, and what is refused before anything is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from storage.opening import open_repository
from tests.cli.conftest import Run
from tests.ml_fixtures import store_digits


@pytest.fixture
def filled(db: Path) -> Path:
    with open_repository(db, create=True) as repo:
        store_digits(repo, 20)
    return db


def test_a_folder_holds_the_bytes_as_they_were_given(
    filled: Path, run: Run, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    result = run("export", target, "--json")
    assert json.loads(result.stdout) == {"path": str(target), "format": "folder", "images": 20}
    files = [path for path in target.rglob("*") if path.is_file()]
    with open_repository(filled) as repo:
        stored = {repo.images.data(image) for image in range(1, 21)}
    assert {path.read_bytes() for path in files} == stored
    again = tmp_path / "again.db"
    assert json.loads(run("import", target, "--json", on=again).stdout)["added"] == 20


def test_a_csv_has_a_row_for_each_match(filled: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    result = run("export", target, "id<6")
    assert result.stdout == f"5 images written to {target}\n"
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5"]


def test_an_npz_holds_arrays(filled: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.npz"
    assert run("export", target).exit_code == 0
    with np.load(target, allow_pickle=False) as arrays:
        assert arrays["images"].shape == (20, 8, 8, 1)
    bigger = tmp_path / "bigger.npz"
    assert run("export", bigger, "--size", "16x12").exit_code == 0
    with np.load(bigger, allow_pickle=False) as arrays:
        assert arrays["images"].shape == (20, 12, 16, 1)


@pytest.mark.parametrize("name", ["out.csv", "out.npz"])
def test_a_file_that_is_there_is_not_replaced(
    filled: Path, run: Run, tmp_path: Path, name: str
) -> None:
    target = tmp_path / name
    target.write_text("mine")
    assert run("export", target).exit_code == 4
    assert target.read_text() == "mine"


@pytest.mark.parametrize(
    "words",
    [
        ("out.zip",),
        ("out", "--format", "floder"),
        ("out.csv", "--size", "8x8"),
        ("out.npz", "--size", "big"),
        ("out.npz", "--size", "0x8"),
        ("out.csv", "is:odd"),
    ],
)
def test_words_that_make_no_sense_write_nothing(
    filled: Path, run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    target, *rest = words
    result = run("export", tmp_path / target, *rest)
    assert result.exit_code == 2
    assert result.stderr.startswith("pixshelf: error: ")
    assert not (tmp_path / target).exists()


@pytest.mark.parametrize(
    ("name", "words", "form"),
    [
        ("list.csv", ("--bytes", "files"), "csv"),
        ("list.jsonl", ("--bytes", "files"), "jsonl"),
        ("list.ndjson", ("--bytes", "base64"), "jsonl"),
        ("images", ("--format", "imagefolder"), "imagefolder"),
        ("train-images-idx3-ubyte.gz", (), "idx"),
        ("all-images-idx3-ubyte", (), "idx"),
        ("out.npz", (), "npz"),
        ("out", (), "folder"),
    ],
)
def test_what_is_exported_is_imported(
    filled: Path, run: Run, tmp_path: Path, name: str, words: tuple[str, ...], form: str
) -> None:
    target = tmp_path / name
    printed = json.loads(run("export", target, *words, "--json").stdout)
    assert printed == {"path": str(target), "format": form, "images": 20}
    again = tmp_path / "again.db"
    report = json.loads(run("import", target, "--json", on=again).stdout)
    assert (report["added"], report["refused"]) == (20, 0)
    before, after = (json.loads(run("stats", "--json", on=on).stdout) for on in (filled, again))
    assert after["labels"] == before["labels"]


def test_every_word_is_the_query_where_the_target_is_named_by_a_flag(
    filled: Path, run: Run, tmp_path: Path
) -> None:
    target = tmp_path / "some.db"
    result = run("export", "--to", target, "id<6", "-id:2", "--json")
    assert json.loads(result.stdout) == {"path": str(target), "format": "dataset", "images": 4}
    assert len(json.loads(run("ls", "--json", on=target).stdout)) == 4
    assert sorted(path.name for path in tmp_path.glob("some*")) == ["some.db"]


def test_a_dataset_that_is_there_is_not_exported_into(
    filled: Path, run: Run, tmp_path: Path
) -> None:
    before = filled.read_bytes()
    assert run("export", "--to", filled).exit_code == 4
    assert filled.read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("out.csv", "--bytes", "base64"),
        ("out.csv", "--bytes", "some"),
        ("out.npz", "--bytes", "files"),
        ("out.csv", "--models"),
        ("out.idx", "--format", "idx"),
    ],
)
def test_flags_that_do_not_go_together_write_nothing(
    filled: Path, run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    named = [tmp_path / word if word.startswith("out") else word for word in words]
    assert run("export", *named).exit_code == 2
    assert not list(tmp_path.glob("out*"))
    assert not list(tmp_path.glob(".*partial"))
