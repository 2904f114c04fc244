"""tag, rm, restore, labels, tags, history, undo, redo: each an action, each with a way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli import actions
from cli.editing import actor
from storage.opening import open_repository
from tests.cli.conftest import Run, RunTerminal
from tests.making import add_images, new_image

BACK = "pixshelf undo takes it back\n"


@pytest.fixture
def filled(db: Path) -> Path:
    with open_repository(db, create=True) as repo:
        images = (new_image(n, label="cat" if n < 7 else "dog") for n in range(1, 11))
        add_images(repo, *images)
    return db


def printed(run: Run, *words: object, stdin: str | None = None) -> Any:
    result = run(*words, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def ids(run: Run, *query: str) -> list[int]:
    return [row["id"] for row in printed(run, "ls", *query)]


def test_ids_are_tagged_and_untagged(filled: Path, run: Run) -> None:
    result = run("tag", "add", "checked", 1, 2, 3)
    assert (result.stdout, result.stderr) == ("3 images tagged checked, 3 changed\n", BACK)
    assert ids(run, "tag:checked") == [1, 2, 3]
    result = run("tag", "rm", "checked", "1,2")
    assert result.stdout == "2 images without the tag checked, 2 changed\n"
    assert ids(run, "tag:checked") == [3]


def test_a_query_and_standard_input_name_images_to_tag(filled: Path, run: Run) -> None:
    assert printed(run, "tag", "add", "x", "label:cat", "-id:1") == {
        "tag": "x",
        "images": 5,
        "changed": 5,
        "action": 1,
        "dry_run": False,
    }
    assert printed(run, "tag", "rm", "x", "-", stdin="2\n3\n")["changed"] == 2
    assert ids(run, "tag:x") == [4, 5, 6]


def test_a_change_of_nothing_is_no_action_and_says_nothing_of_undo(filled: Path, run: Run) -> None:
    run("tag", "add", "x", 1)
    result = run("tag", "add", "x", 1)
    assert (result.stdout, result.stderr) == ("1 image tagged x, 0 changed\n", "")
    assert printed(run, "tag", "add", "x", 1)["action"] is None
    assert len(printed(run, "history")) == 1


@pytest.mark.parametrize(
    "words",
    [("tag", "add", "x"), ("tag", "rm", "x"), ("rm", "--yes"), ("restore",)],
    ids=" ".join,
)
def test_a_dry_run_changes_nothing_and_finds_unknown_ids(
    filled: Path, run: Run, words: tuple[str, ...]
) -> None:
    result = printed(run, *words, 1, 2, "--dry-run")
    assert (result["images"], result["changed"], result["dry_run"]) == (2, None, True)
    assert printed(run, "history") == []
    for more in ((), ("--dry-run",)):
        refused = run(*words, 1, 99, *more)
        assert refused.exit_code == 4
        assert "99" in refused.stderr
    assert printed(run, "history") == []


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("words", [("tag", "add", "x"), ("rm", "--yes"), ("restore",)])
def test_a_blank_word_does_not_mean_every_image(
    filled: Path, run: Run, words: tuple[str, ...], blank: str
) -> None:
    result = run(*words, blank)
    assert result.exit_code == 2
    assert "no images are named" in result.stderr
    assert len(ids(run)) == 10


def test_no_images_named_is_a_usage_error(filled: Path, run: Run) -> None:
    for words in (("tag", "add", "x"), ("rm", "--yes"), ("restore",)):
        assert run(*words).exit_code == 2


@pytest.mark.parametrize("tag", ["", "a,b", "a\nb", "x" * 201])
def test_a_bad_tag_is_refused(filled: Path, run: Run, tag: str) -> None:
    assert run("tag", "add", tag, 1).exit_code == 4
    assert printed(run, "tags", "ls") == []


def test_images_go_into_the_trash_and_come_back(filled: Path, run: Run) -> None:
    result = run("rm", "label:dog", "--yes")
    assert (result.stdout, result.stderr) == ("4 images put into the trash, 4 changed\n", BACK)
    assert len(ids(run)) == 6
    assert ids(run, "is:deleted") == [7, 8, 9, 10]
    assert run("restore", 7, 8).stdout == "2 images out of the trash, 2 changed\n"
    assert printed(run, "restore", "is:deleted")["changed"] == 2
    assert len(ids(run)) == 10


def test_removal_needs_a_yes_where_nobody_can_be_asked(filled: Path, run: Run) -> None:
    run("tag", "add", "x", 1)
    for words in (
        ("rm", 1),
        ("labels", "rm", "cat"),
        ("labels", "merge", "cat", "dog"),
        ("tags", "rm", "x"),
    ):
        result = run(*words)
        assert result.exit_code == 2
        assert "--yes" in result.stderr
    assert len(printed(run, "history")) == 1


def test_a_terminal_is_asked_and_a_no_changes_nothing(
    filled: Path, run: Run, run_terminal: RunTerminal
) -> None:
    code, text = run_terminal("rm", "1", "2", keys="n\n")
    assert code == 1
    assert "Put 2 images into the trash? [y/N]" in text
    assert len(ids(run)) == 10
    code, text = run_terminal("rm", "1", "2", keys="y\n")
    assert code == 0
    assert BACK.strip() in text
    assert len(ids(run)) == 8


def test_labels_are_listed_with_their_counts(filled: Path, run: Run) -> None:
    assert printed(run, "labels", "ls") == [
        {"label": "cat", "images": 6},
        {"label": "dog", "images": 4},
    ]
    assert run("labels", "ls", "--csv").stdout == "label,images\ncat,6\ndog,4\n"
    run("tag", "add", "checked", 1)
    assert run("tags", "ls", "--tsv").stdout == "tag\timages\nchecked\t1\n"


def test_a_label_is_renamed_merged_and_removed_and_all_is_undone(filled: Path, run: Run) -> None:
    assert run("labels", "rename", "cat", "kitten").stdout == (
        "label cat renamed kitten: 6 images, 6 changed\n"
    )
    assert printed(run, "labels", "merge", "kitten", "dog", "--yes")["changed"] == 6
    assert printed(run, "labels", "rm", "dog", "--yes")["changed"] == 10
    assert printed(run, "labels", "ls") == []
    assert len(printed(run, "undo", 3)) == 3
    assert [row["images"] for row in printed(run, "labels", "ls")][:2] == [6, 4]


def test_a_tag_is_renamed_and_removed(filled: Path, run: Run) -> None:
    run("tag", "add", "chekced", 1, 2)
    assert printed(run, "tags", "rename", "chekced", "checked")["images"] == 2
    assert printed(run, "tags", "rm", "checked", "--yes")["changed"] == 2
    assert printed(run, "tags", "ls") == []


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("labels", "rename", "cta", "x"), 4, "did you mean 'cat'?"),
        (("labels", "rename", "cat", "dog"), 4, "a label 'dog' already"),
        (("labels", "rename", "cat", "dog", "--dry-run"), 4, "a label 'dog' already"),
        (("labels", "rename", "cat", ""), 4, "the label is empty"),
        (("labels", "merge", "cat", "dgo", "--yes"), 4, "did you mean 'dog'?"),
        (("labels", "merge", "cat", "cat", "--yes"), 2, "into itself"),
        (("labels", "rm", "cow", "--yes"), 4, "there is no label 'cow'"),
        (("tags", "rm", "none", "--yes"), 4, "there is no tag 'none'"),
        (("tags", "rename", "none", "a,b"), 4, "comma"),
    ],
)
def test_a_name_that_will_not_do_is_refused(
    filled: Path, run: Run, words: tuple[str, ...], code: int, text: str
) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert text in result.stderr
    assert printed(run, "history") == []


def test_a_dry_run_leaves_the_vocabulary_alone(filled: Path, run: Run) -> None:
    for words in (
        ("labels", "rename", "cat", "x"),
        ("labels", "merge", "cat", "dog"),
        ("labels", "rm", "cat"),
    ):
        result = printed(run, *words, "--dry-run")
        assert (result["images"], result["dry_run"]) == (6, True)
    assert printed(run, "history") == []


def test_the_history_lists_what_was_done_newest_first(filled: Path, run: Run) -> None:
    run("tag", "add", "x", 1)
    run("label", 1, 2, "cow")
    run("undo")
    first, second = printed(run, "history")
    assert (first["kind"], first["images"], first["state"]) == ("label", 2, "undone")
    assert (second["summary"], second["actor"]) == ("tag 'x'", actor())
    assert first["at"].endswith("Z")
    lines = run("history").stdout.splitlines()
    assert lines[0].split() == ["id", "when", "who", "what", "images", "state"]
    assert len(lines) == 3


def test_a_long_history_goes_on_where_it_ended(filled: Path, run: Run) -> None:
    for number in range(5):
        run("label", 1, f"label{number}")
    result = run("history", "--limit", 2, "--json")
    assert [row["id"] for row in json.loads(result.stdout)] == [5, 4]
    assert result.stderr.endswith("history --limit 2 --before 4\n")
    assert [row["id"] for row in printed(run, "history", "--limit", 0, "--before", 4)] == [3, 2, 1]
    assert run("history", "--limit", 5).stderr == ""


def test_an_action_is_shown_image_by_image(filled: Path, run: Run) -> None:
    run("label", "id<8", "cow")
    shown = printed(run, "history", "show", 1, "--limit", 0)
    assert shown["events"][0] == {"image": 1, "before": "cat", "after": "cow"}
    assert len(shown["events"]) == 7
    result = run("history", "show", 1, "--limit", 3)
    assert result.stdout.splitlines()[0] == "action 1, label 'cow': done"
    assert result.stderr.endswith("history show 1 --limit 3 --after 3\n")
    rest = printed(run, "history", "show", 1, "--limit", 3, "--after", 3)
    assert [event["image"] for event in rest["events"]] == [4, 5, 6]
    assert run("history", "show", 9).exit_code == 4


def test_the_dataset_may_be_named_after_a_command_that_has_commands(
    filled: Path, run: Run, tmp_path: Path
) -> None:
    run("tag", "add", "x", 1)
    elsewhere = tmp_path / "none.db"
    assert len(json.loads(run("history", "--json", "--db", filled, on=elsewhere).stdout)) == 1


def test_undo_says_what_it_took_back_and_redo_what_it_did_again(filled: Path, run: Run) -> None:
    run("label", 1, "cow")
    run("tag", "add", "x", 1, 2)
    result = run("undo")
    assert result.stdout == "undone: action 2, tag 'x' (2 images)\n"
    assert result.stderr == "pixshelf redo does it again\n"
    result = run("undo", 5)
    assert result.stdout == "undone: action 1, label 'cow' (1 image)\n"
    assert result.stderr == "there were no more than 1 to undo\n"
    assert [row["state"] for row in printed(run, "redo", 2)] == ["done", "done"]
    assert ids(run, "label:cow", "tag:x") == [1]


@pytest.mark.parametrize("way", ["undo", "redo"])
def test_nothing_to_undo_or_redo_is_a_clear_failure(filled: Path, run: Run, way: str) -> None:
    result = run(way)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == f"pixshelf: error: there is nothing to {way}"
    assert run(way, 0).exit_code == 2


@pytest.mark.parametrize("number", [2**63, 10**20])
def test_ids_and_limits_too_large_to_be_held_are_told_as_any_others(
    filled: Path, run: Run, number: int
) -> None:
    run("tag", "add", "x", 1)
    for what, words in (
        ("image", ("show", number)),
        ("action", ("history", "show", number)),
        ("run", ("runs", "show", number)),
    ):
        result = run(*words)
        assert result.exit_code == 4
        assert f"there is no {what} {number}" in result.stderr
    for words in (("history",), ("history", "show", 1), ("sql", "SELECT 1"), ("ls",)):
        assert run(*words, "--limit", number).exit_code == 0
    assert len(printed(run, "undo", number)) == 1


def test_an_undo_that_is_refused_takes_nothing_back_and_says_what_can_be(
    filled: Path, run: Run
) -> None:
    run("labels", "rename", "cat", "kitten")
    with open_repository(filled) as repo:
        add_images(repo, new_image(20, label="cat"))
    run("tag", "add", "x", 1)
    result = run("undo", 2)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "images imported since have a label of that name" in result.stderr
    assert "Nothing was changed." in result.stderr
    assert ids(run, "tag:x") == [1]
    assert run("undo", 1).stdout == "undone: action 2, tag 'x' (1 image)\n"


@pytest.mark.parametrize("way", ["undo", "redo"])
def test_what_another_does_just_then_is_not_undone_or_redone(
    filled: Path, run: Run, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    run("tag", "add", "x", 1)
    if way == "redo":
        run("undo")
    look = actions.ahead

    def another_meanwhile(*words: Any) -> Any:
        found = look(*words)
        with open_repository(filled) as repo:
            repo.images.set_label([2], "cow", actor="bob")
        return found

    monkeypatch.setattr(actions, "ahead", another_meanwhile)
    result = run(way)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the history has changed meanwhile" in result.stderr
    assert ids(run, "label:cow") == [2]
    assert ids(run, "tag:x") == ([1] if way == "undo" else [])


def test_the_actor_is_the_door_and_the_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass

    from storage.actors import actor_of

    monkeypatch.setattr(getpass, "getuser", lambda: "alice")
    assert actor_of("cli") == "cli:alice"
    monkeypatch.setattr(getpass, "getuser", lambda: "a\x1b[2Jl\n" + "x" * 99)
    assert actor_of("tui") == ("tui:a[2Jl" + "x" * 99)[:68]

    def nobody() -> str:
        raise KeyError("no such user")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert actor_of("cli") == "cli"


def test_an_undo_and_a_redo_say_whose_it_was_where_it_is_somebody_elses(
    filled: Path, run: Run
) -> None:
    with open_repository(filled) as repo:
        repo.images.set_label([1], "cow", actor="cli:carl the other")
    assert run("undo").stdout == "undone: action 1, carl the other's label 'cow' (1 image)\n"
    assert run("redo").stdout == "redone: action 1, carl the other's label 'cow' (1 image)\n"
