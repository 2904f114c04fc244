"""merge: another dataset's images, labels, splits and tags into this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.opening import open_repository
from tests.cli.conftest import Run
from tests.making import add_images, new_image, new_model


@pytest.fixture
def other(db: Path, tmp_path: Path) -> Path:
    """A dataset that shares two images with the test's own, one of them labelled otherwise."""
    with open_repository(db, create=True) as repo:
        add_images(repo, new_image(1, label="cat"), new_image(2), new_image(3))
    path = tmp_path / "other.db"
    with open_repository(path, create=True) as repo:
        given = [new_image(n, label="dog", tags=("new",)) for n in (1, 2, 4, 5)]
        add_images(repo, *given)
        repo.models.add(new_model("cat", "dog"))
    return path


def labels(run: Run) -> dict[str, int]:
    found: dict[str, int] = json.loads(run("stats", "--json").stdout)["labels"]
    return found


def test_a_merge_says_what_it_did(other: Path, run: Run) -> None:
    result = run("merge", other)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "2 images added, 2 there already",
        "1 label and 0 splits in conflict, resolved for ours",
        "changed: 1 label, 0 splits, 2 tagged images",
    ]
    assert "image 1: label cat here, dog there" in result.stderr
    assert labels(run) == {"cat": 1, "dog": 3}


def test_theirs_are_preferred_on_request_and_undone(other: Path, run: Run) -> None:
    printed = json.loads(run("merge", other, "--prefer", "theirs", "--json").stdout)
    assert printed["conflicts"] == {"labels": 1, "splits": 0}
    assert labels(run) == {"dog": 4}
    with open_repository(other.with_name("test.db")) as repo:
        repo.history.undo()
    assert labels(run) == {"cat": 1, "dog": 2}


def test_a_dry_run_changes_nothing(other: Path, run: Run) -> None:
    result = run("merge", other, "--dry-run", "--models")
    assert result.stdout.splitlines()[0] == "2 images would be added, 2 there already"
    assert labels(run) == {"cat": 1}
    assert json.loads(run("models", "ls", "--json").stdout) == []


def test_models_come_on_request(other: Path, run: Run) -> None:
    run("merge", other, "--models")
    assert len(json.loads(run("models", "ls", "--json").stdout)) == 1


def test_only_what_the_query_selects_is_merged(other: Path, run: Run) -> None:
    assert json.loads(run("merge", other, "id>2", "--json").stdout)["images"] == 2


def test_merging_into_a_dataset_that_is_not_there_makes_it(
    other: Path, run: Run, tmp_path: Path
) -> None:
    new = tmp_path / "new.db"
    assert json.loads(run("merge", other, "--json", on=new).stdout)["added"] == 4


def test_a_dataset_that_is_not_there_is_refused_and_none_is_made(run: Run, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    assert run("merge", tmp_path / "nowhere.db", on=new).exit_code == 3
    assert not new.exists()


def test_a_preference_that_is_nobodys_is_refused(other: Path, run: Run) -> None:
    result = run("merge", other, "--prefer", "their")
    assert result.exit_code == 2
    assert "did you mean theirs?" in result.stderr


def test_a_dataset_is_not_merged_into_itself(other: Path, run: Run, db: Path) -> None:
    assert run("merge", db).exit_code == 2
