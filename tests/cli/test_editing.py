"""label, split and db: what changes a dataset, and what only looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.commands.split import parse_ratios
from cli.editing import actor
from storage.errors import UsageError
from storage.opening import open_repository
from tests.cli.conftest import Run
from tests.making import add_images, new_image


@pytest.fixture
def filled(db: Path) -> Path:
    with open_repository(db, create=True) as repo:
        add_images(repo, *(new_image(number) for number in range(1, 101)))
    return db


def labels(run: Run, *query: str) -> dict[str, int]:
    found: dict[str, int] = json.loads(run("stats", "--json").stdout)["labels"]
    return found


def test_ids_are_labelled(filled: Path, run: Run) -> None:
    result = run("label", 1, 2, 3, "cat")
    assert result.exit_code == 0
    assert result.stdout == "3 images labelled cat, 3 changed\n"
    assert labels(run) == {"cat": 3}


def test_ids_from_standard_input_are_labelled(filled: Path, run: Run) -> None:
    result = run("label", "-", "cat", "--json", stdin="1\n2\n2\n")
    assert json.loads(result.stdout) == {
        "label": "cat",
        "images": 2,
        "changed": 2,
        "dry_run": False,
    }


def test_a_query_is_labelled_and_is_one_action(filled: Path, run: Run) -> None:
    assert run("label", "is:unlabelled", "-id:5", "cat").exit_code == 0
    assert labels(run) == {"cat": 99}
    with open_repository(filled) as repo:
        (action,) = repo.history.actions()
    assert action.images == 99
    assert action.actor == actor()


def test_a_label_is_taken_away(filled: Path, run: Run) -> None:
    run("label", 1, 2, "cat")
    result = run("label", "--clear", 1)
    assert result.stdout == "1 image without a label, 1 changed\n"
    assert labels(run)["cat"] == 1


def test_a_label_is_given_as_the_review_gives_it(filled: Path, run: Run) -> None:
    assert run("label", "--reviewed", 1, 2, "cat").exit_code == 0
    with open_repository(filled) as repo:
        found = [(repo.images.get(image).label, repo.images.get(image).tags) for image in (1, 2)]
    assert found == [("cat", ("reviewed",))] * 2


def test_a_dry_run_labels_nothing(filled: Path, run: Run) -> None:
    result = run("label", 1, 2, "cat", "--dry-run")
    assert result.stdout == "2 images would be labelled cat\n"
    assert labels(run) == {}


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_an_unknown_id_is_refused_and_nothing_changed(
    filled: Path, run: Run, flags: tuple[str, ...]
) -> None:
    result = run("label", 1, 999, "cat", *flags)
    assert result.exit_code == 4
    assert "999" in result.stderr
    assert labels(run) == {}


def test_a_label_alone_is_a_usage_error(filled: Path, run: Run) -> None:
    assert run("label", "cat").exit_code == 2


def test_words_on_standard_input_that_are_no_ids_are_refused(filled: Path, run: Run) -> None:
    result = run("label", "-", "cat", stdin="1 two")
    assert result.exit_code == 2
    assert "'two'" in result.stderr


@pytest.mark.parametrize("label", ["", "a\nb", "x" * 201])
def test_a_bad_label_is_refused(filled: Path, run: Run, label: str) -> None:
    result = run("label", 1, label)
    assert result.exit_code == 4
    assert labels(run) == {}


def test_a_query_that_matches_nothing_changes_nothing(filled: Path, run: Run) -> None:
    result = run("label", "label:cow", "cat")
    assert result.exit_code == 0
    assert result.stdout == "0 images labelled cat, 0 changed\n"


def test_images_are_put_into_a_split(filled: Path, run: Run) -> None:
    result = run("split", "id<11", "--to", "test", "--json")
    assert json.loads(result.stdout) == {
        "images": 10,
        "splits": {"test": 10},
        "changed": 10,
        "dry_run": False,
    }
    assert run("split", "--to", "none").exit_code == 0
    assert json.loads(run("stats", "--json").stdout)["splits"].get("test", 0) == 0


def test_images_are_shared_out_the_same_way_each_time(filled: Path, run: Run) -> None:
    first = json.loads(run("split", "--ratios", "60/20/20", "--json").stdout)
    assert sum(first["splits"].values()) == 100
    assert set(first["splits"]) == {"train", "val", "test"}
    again = json.loads(run("split", "--ratios", "60/20/20", "--json").stdout)
    assert again["splits"] == first["splits"]
    assert again["changed"] == 0
    other = json.loads(run("split", "--ratios", "60/20/20", "--seed", 1, "--json").stdout)
    assert other["changed"] > 0


def test_a_dry_run_moves_no_image(filled: Path, run: Run) -> None:
    result = run("split", "--ratios", "8/1/1", "--dry-run")
    assert result.exit_code == 0
    assert "nothing changed" in result.stdout
    assert json.loads(run("stats", "--json").stdout)["splits"].get("train", 0) == 0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--to", "test", "--ratios", "1/1/1"),
        ("--to", "tst"),
        ("--ratios", "80/20"),
        ("--ratios", "a/b/c"),
        ("--ratios", "0/0/0"),
        ("--ratios", "-1/1/1"),
        ("--ratios", "nan/1/1"),
    ],
)
def test_a_split_that_makes_no_sense_is_a_usage_error(
    filled: Path, run: Run, words: tuple[str, ...]
) -> None:
    result = run("split", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("pixshelf: error: ")


def test_ratios_are_shares_of_one() -> None:
    assert parse_ratios("80/10/10") == pytest.approx((0.8, 0.1, 0.1))
    assert parse_ratios("8:1:1") == pytest.approx((0.8, 0.1, 0.1))
    with pytest.raises(UsageError, match="three numbers"):
        parse_ratios("1e999/1/1")


def test_a_dataset_is_made_and_described(db: Path, run: Run) -> None:
    made = json.loads(run("db", "init", "--json").stdout)
    assert db.exists()
    info = json.loads(run("db", "info", "--json").stdout)
    assert set(info) == {
        "url",
        "backend",
        "library",
        "schema_version",
        "bytes",
        "images",
        "models",
        "runs",
        "predictions",
        "details",
    }
    assert info["images"] == made["images"] == 0
    assert "schema" in run("db", "info").stdout


def test_making_a_dataset_again_keeps_it(filled: Path, run: Run) -> None:
    assert json.loads(run("db", "init", "--json").stdout)["images"] == 100


def test_a_sound_dataset_has_no_problem(filled: Path, run: Run) -> None:
    result = run("db", "check")
    assert result.exit_code == 0
    assert result.stdout == "no problem found\n"
    assert "--deep" in result.stderr
    assert json.loads(run("db", "check", "--json").stdout) == {"problems": [], "deep": False}
    assert run("db", "check", "--deep").stderr == ""


def test_a_changed_byte_is_found_by_a_deep_check(filled: Path, run: Run) -> None:
    content = filled.read_bytes()
    place = content.index(b"image 42")
    filled.write_bytes(content[:place] + b"imagf" + content[place + 5 :])
    assert run("db", "check").exit_code == 0
    result = run("db", "check", "--deep", "--json")
    assert result.exit_code == 1
    assert [problem["image"] for problem in json.loads(result.stdout)["problems"]] == [42]
    assert run("db", "check", "--deep").stdout.splitlines()[-1] == "1 problem"


def test_a_backup_is_a_dataset_and_never_replaces_a_file(
    filled: Path, run: Run, tmp_path: Path
) -> None:
    target = tmp_path / "backup.db"
    result = run("db", "backup", target, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"path": str(target), "bytes": target.stat().st_size}
    assert json.loads(run("stats", "--json", on=target).stdout)["images"] == 100
    assert run("db", "backup", target).exit_code == 4


@pytest.mark.parametrize(
    "words", [("label", "", "cat"), ("split", " ", "--to", "test"), ("ls", "")]
)
def test_an_empty_word_does_not_mean_all_images(words: tuple[str, ...], run: Run, db: Path) -> None:
    open_repository(db, create=True).close()
    result = run(*words)
    assert result.exit_code == 2
    assert "a word of the query is empty" in result.stderr


@pytest.mark.parametrize(
    ("words", "turned"),
    [
        ("cat is:unlabelled", "label is:unlabelled cat"),
        ("cat 12 13", "label 12 13 cat"),
        ("cat is:labelled -tag:odd", "label is:labelled -tag:odd cat"),
    ],
)
def test_a_label_that_came_first_is_told_the_order(
    filled: Path, run: Run, words: str, turned: str
) -> None:
    result = run("label", *words.split())
    assert result.exit_code == 2
    hint = result.stderr.splitlines()[-1]
    assert hint.startswith("hint: The images come first, then the label: pixshelf ")
    assert hint.endswith(turned)
    assert labels(run) == {}


@pytest.mark.parametrize("words", ["kittens cat", "kittens 7", "kittens puppies 7"])
def test_another_word_that_is_no_query_is_not_taken_for_a_label(
    filled: Path, run: Run, words: str
) -> None:
    assert "Did you mean label:kittens?" in run("label", *words.split()).stderr
