"""Undo and redo of actions that belong together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.errors import NotReady
from storage.opening import open_repository
from storage.records import Action
from storage.repository import Repository
from tests.making import add_images, new_image
from tui.frame import undoing
from tui.frame.undoing import OthersError, go, redo, states, told, undo


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "some.db", create=True) as opened:
        add_images(opened, new_image(1), new_image(2))
        yield opened


def decided(repo: Repository) -> list[int]:
    label = repo.images.set_label([1], "a", actor="test")
    return [label.id, repo.images.add_tag([1], "reviewed", actor="test").id]


def test_what_belongs_together_is_undone_and_redone_whole(repo: Repository) -> None:
    group = decided(repo)
    assert [action.id for action in undo(repo, [group])] == [*reversed(group)]
    assert (repo.images.get(1).label, repo.images.get(1).tags) == (None, ())
    assert [action.id for action in redo(repo, [group])] == group
    assert (repo.images.get(1).label, repo.images.get(1).tags) == ("a", ("reviewed",))


def test_what_came_after_a_group_is_undone_first_and_alone(repo: Repository) -> None:
    group = decided(repo)
    after = repo.images.add_tag([2], "odd", actor="test")
    assert [action.id for action in undo(repo, [group])] == [after.id]
    assert [action.id for action in undo(repo, [group])] == [*reversed(group)]
    assert undo(repo, [group]) == []


def test_a_group_with_something_else_in_between_goes_one_by_one(repo: Repository) -> None:
    first = repo.images.set_label([1], "a", actor="test").id
    between = repo.images.add_tag([2], "odd", actor="test").id
    last = repo.images.add_tag([1], "reviewed", actor="test").id
    for action in (last, between, first):
        assert [each.id for each in undo(repo, [[first, last]])] == [action]


def test_a_group_that_was_half_undone_elsewhere_is_redone_whole(repo: Repository) -> None:
    group = decided(repo)
    repo.history.undo()
    assert [action.id for action in undo(repo, [group])] == [group[0]]
    assert [action.id for action in redo(repo, [group])] == group


def test_what_another_does_just_then_is_not_undone(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = decided(repo)
    look = undoing.ahead

    def another_meanwhile(*words: Any) -> list[Action]:
        found = look(*words)
        repo.images.set_label([2], "theirs", actor="other")
        return found

    monkeypatch.setattr(undoing, "ahead", another_meanwhile)
    with pytest.raises(NotReady, match="changed meanwhile"):
        undo(repo, [group])
    assert set(states(repo, group).values()) == {"done"}
    assert repo.images.get(2).label == "theirs"


def test_the_states_of_actions_are_told_also_of_those_that_are_gone(repo: Repository) -> None:
    first, last = decided(repo)
    repo.history.undo()
    assert states(repo, [first, last, 99]) == {first: "done", last: "undone", 99: "dropped"}
    repo.images.set_label([2], "b", actor="test")
    assert states(repo, [last]) == {last: "dropped"}
    assert states(repo, []) == {}


def test_what_somebody_else_did_is_undone_only_where_it_is_agreed(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "bo")
    theirs = repo.images.set_label([1], "a", actor="cli:carl")
    for way, step in (("undo", undo), ("redo", redo)):
        with pytest.raises(OthersError) as asked:
            step(repo, [], only_own=True)
        assert [action.id for action in asked.value.actions] == [theirs.id]
        assert [action.id for action in go(repo, asked.value.way, [theirs.id])] == [theirs.id]
        assert asked.value.way == way


def test_what_one_did_by_another_door_is_ones_own(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "bo")
    for actor in ("cli:bo", "tui:bo", "test"):
        repo.images.set_label([1], actor, actor=actor)
        assert len(undo(repo, [], only_own=True)) == 1


def test_an_action_is_told_with_the_name_of_somebody_else(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "bo")
    theirs = repo.images.set_label([1, 2], "3", actor="cli:carl")
    mine = repo.images.set_label([1], "4", actor="cli:bo")
    assert told(theirs) == "carl's label '3' (2 images)"
    assert told(mine) == "label '4' (1 image)"
