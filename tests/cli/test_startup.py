"""Start-up is a feature: which modules an entry may not load, held entry by entry.

Each entry runs as a user starts it, `python -m cli …`, in a process of its own; when it leaves,
the process writes down what it had loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.app import SUMMARIES
from storage.opening import open_repository
from tests.ml_fixtures import digits_model, store_digits

ROOT = Path(__file__).resolve().parents[2]

HEAVY = frozenset(
    {
        "PIL",
        "ai_edge_litert",
        "keras",
        "matplotlib",
        "numpy",
        "psycopg",
        "scipy",
        "sklearn",
        "tensorflow",
        "textual",
    }
)
UNUSED_BY_HELP = frozenset(
    {"rich", "sqlite3", "sqlite_utils", "concurrent", "asyncio", "ml", "textual"}
)

ENTRY = """
import atexit, json, runpy, sys
def note(path=sys.argv.pop(1)):
    names = sorted({name.partition(".")[0] for name in sys.modules})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(names, file)
atexit.register(note)
runpy.run_module("cli", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """An empty dataset file."""
    path = tmp_path / "empty.db"
    open_repository(path, create=True).close()
    return path


def loaded_by(*words: str, db: Path | None = None, code: int = 0) -> set[str]:
    """The top-level modules in the process when `pixshelf words…` left with `code`."""
    note = Path(os.environ["XDG_STATE_HOME"]) / "loaded.json"
    named = ["--db", str(db)] if db is not None else []
    done = subprocess.run(
        [sys.executable, "-c", ENTRY, str(note), *named, *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return set(json.loads(note.read_text("utf-8")))


@pytest.mark.parametrize("words", [["--help"], ["--version"], []], ids=["help", "version", "bare"])
def test_saying_what_there_is_loads_nothing_that_does_it(words: list[str]) -> None:
    loaded = loaded_by(*words)
    assert "cli" in loaded
    assert not loaded & (HEAVY | UNUSED_BY_HELP)


def test_the_version_needs_no_command_line_library() -> None:
    assert "typer" not in loaded_by("--version")


@pytest.mark.parametrize("command", SUMMARIES)
def test_the_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    assert not loaded_by(command, "--help") & (HEAVY | {"rich", "sqlite3", "sqlite_utils"})


@pytest.mark.parametrize(
    "words",
    [
        ["ls"],
        ["ls", "--json"],
        ["ls", "label:7", "--csv"],
        ["stats"],
        ["stats", "--json"],
        ["models", "ls"],
        ["runs", "ls"],
        ["labels", "ls"],
        ["history"],
        ["sql", "SELECT 1"],
        ["db", "info"],
        ["db", "check"],
    ],
    ids=" ".join,
)
def test_a_command_that_reads_the_dataset_loads_nothing_heavy(
    words: list[str], dataset: Path
) -> None:
    assert not loaded_by(*words, db=dataset) & HEAVY


def test_planning_a_training_loads_nothing_heavy(dataset: Path) -> None:
    with open_repository(dataset) as repo:
        store_digits(repo, 30, split="train")
    assert not loaded_by("train", "--dry-run", db=dataset) & HEAVY


def test_a_mistyped_command_is_refused_without_loading_anything_heavy() -> None:
    assert not loaded_by("imprt", code=2) & (HEAVY | UNUSED_BY_HELP)


@pytest.mark.parametrize("where", ["file", "dataset"])
def test_prediction_never_loads_tensorflow(where: str, dataset: Path, tmp_path: Path) -> None:
    with open_repository(dataset) as repo:
        repo.models.add(digits_model())
        (image,) = store_digits(repo, 1)
        picture = tmp_path / "digit.png"
        picture.write_bytes(repo.images.data(image))
    words = [str(picture)] if where == "file" else ["--query", "id>0", "--save"]
    loaded = loaded_by("predict", *words, db=dataset)
    assert "ai_edge_litert" in loaded
    assert not loaded & {"tensorflow", "keras", "sklearn", "matplotlib", "textual"}


def test_explaining_and_comparing_load_no_more_than_prediction(
    dataset: Path, tmp_path: Path
) -> None:
    with open_repository(dataset) as repo:
        repo.models.add(digits_model())
        repo.models.add(digits_model("other"))
        store_digits(repo, 2)
    for words in (
        ["predict", "--query", "id:1", "--explain", "--explain-to", str(tmp_path / "maps")],
        ["models", "compare", "1", "2"],
    ):
        loaded = loaded_by(*words, db=dataset)
        assert "ai_edge_litert" in loaded
        assert not loaded & {"tensorflow", "keras", "sklearn", "scipy", "matplotlib", "textual"}


def test_evaluation_loads_neither_tensorflow_nor_scikit_learn(dataset: Path) -> None:
    with open_repository(dataset) as repo:
        repo.models.add(digits_model())
        store_digits(repo, 20, split="test")
    heavy = {"tensorflow", "keras", "sklearn", "matplotlib", "textual"}
    assert not loaded_by("eval", "--json", db=dataset) & heavy
