"""How far a review has come, and its edits: values, without the app."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from ml.review_items import Suggestion
from ml.review_queue import Listing
from storage.opening import open_repository
from tests.making import add_images, new_image
from tui.review_edits import Decision, accept_edit, do_again, keep_edit, take_back
from tui.review_state import Review


def review(*images: int) -> Review:
    return Review(Listing(array("q", images)))


def decision(*places: int) -> Decision:
    return Decision("kept", places, keep_edit((1,), actions=[]), [])


def test_the_next_open_item_comes_round_to_those_left_behind() -> None:
    some = review(5, 6, 7)
    some.decide(decision(1))
    assert some.next_open(0) == 2
    assert some.next_open(2) == 0
    some.decide(decision(0, 2))
    assert some.next_open(0) is None


def test_the_whole_list_begins_with_what_is_shown() -> None:
    some = review(5, 6)
    some.complete(Listing(array("q", (6, 7, 8))))
    assert list(some.listing.images) == [5, 6, 7, 8]
    assert (some.total, some.is_whole) == (4, True)


def test_a_page_has_whole_items_and_at_least_one() -> None:
    groups = Review(Listing(array("q", range(6)), starts=array("q", (0, 3, 5, 6))))
    assert groups.page(0, 2) == (0,)
    assert groups.page(0, 5) == (0, 1)
    groups.decide(decision(0))
    assert groups.page(0, 3) == (1, 2)


def test_a_decision_is_taken_back_and_done_again() -> None:
    some = review(5, 6)
    made = decision(0)
    some.decide(made)
    assert some.undo() is made
    assert some.tally.decided == 0
    assert some.redo() is made
    assert some.tally.kept == 1
    assert some.redo() is None


def test_a_new_decision_drops_what_could_be_done_again() -> None:
    some = review(5, 6)
    some.decide(decision(0))
    some.undo()
    some.decide(decision(1))
    assert some.redo() is None


def test_a_refused_edit_opens_its_items() -> None:
    some = review(5, 6)
    made = decision(0, 1)
    some.decide(made)
    assert some.refuse(made.edit) is made
    assert some.is_open(0)
    assert some.refuse(made.edit) is None


def test_items_that_are_gone_are_stepped_over() -> None:
    some = review(5, 6, 7)
    some.gone.add(1)
    assert some.step(1) == 2
    assert some.next_open(0) == 2


def test_taking_back_undoes_just_the_actions_of_a_decision(tmp_path: Path) -> None:
    with open_repository(tmp_path / "some.db", create=True) as repo:
        add_images(repo, new_image(1), new_image(2))
        actions: list[int] = []
        suggestions = [Suggestion("label", (1,), "a"), Suggestion("tag", (2,), "dark")]
        accept_edit(suggestions, kind="problems", actions=actions).store(repo)
        assert len(actions) == 3
        assert (repo.images.get(1).label, repo.images.get(1).tags) == ("a", ("reviewed",))
        assert repo.images.get(2).tags == ("dark", "reviewed")
        assert len(take_back(repo, actions) or []) == 3
        assert (repo.images.get(1).label, repo.images.get(2).tags) == (None, ())
        assert len(do_again(repo, actions) or []) == 3
        repo.images.add_tag([1], "other", actor="test")
        assert take_back(repo, actions) is None
        assert repo.images.get(1).label == "a"


@pytest.mark.parametrize(
    ("suggestions", "words"),
    [
        ([Suggestion("label", (1,), "a"), Suggestion("label", (2,), "a")], ("label", "1,2", "a")),
        ([Suggestion("trash", (2, 3))], ("rm", "2,3")),
        (
            [Suggestion("label", (1,), "a"), Suggestion("label", (2,), "b")],
            ("review", "wrong", "id:1,2", "--accept"),
        ),
    ],
)
def test_an_accepted_suggestion_is_a_command_line(
    suggestions: list[Suggestion], words: tuple[str, ...]
) -> None:
    assert accept_edit(suggestions, kind="wrong", actions=[]).words() == words
