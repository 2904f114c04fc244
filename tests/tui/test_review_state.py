"""How far a review has come, and its edits: values, without the app."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from ml.review_items import Suggestion
from ml.review_queue import Listing
from storage.opening import open_repository
from tests.making import add_images, new_image
from tui.review.edits import Decision, accept_edit, keep_edit
from tui.review.state import Review, joined


def review(*images: int) -> Review:
    return Review(Listing(array("q", images)))


def decision(*images: int) -> Decision:
    return Decision("kept", images, keep_edit(images, actions=[]), [])


def test_the_next_open_item_comes_round_to_those_left_behind() -> None:
    some = review(5, 6, 7)
    some.decide(decision(6))
    assert some.next_open(0) == 2
    assert some.next_open(2) == 0
    some.decide(decision(5, 7))
    assert some.next_open(0) is None


def test_the_whole_list_begins_with_what_is_shown() -> None:
    some = review(5, 6)
    some.complete(joined(some.listing, Listing(array("q", (6, 7, 8)))))
    assert list(some.listing.images) == [5, 6, 7, 8]
    assert (some.total, some.is_whole) == (4, True)


def test_a_page_has_whole_items_and_at_least_one() -> None:
    groups = Review(Listing(array("q", range(6)), starts=array("q", (0, 3, 5, 6))))
    assert groups.page(0, 2) == (0,)
    assert groups.page(0, 5) == (0, 1)
    groups.decide(decision(0))
    assert groups.page(0, 3) == (1, 2)


def test_decisions_hold_as_the_history_knows_them() -> None:
    some = review(5, 6)
    made = decision(5)
    some.decide(made)
    assert some.match({}) is None
    made.actions.extend((1, 2))
    assert some.match({1: "done"}) is None
    assert some.match({1: "done", 2: "undone"}) is made
    assert some.is_open(0)
    assert some.match({1: "done", 2: "done"}) is made
    assert some.outcome(0) == "kept"
    assert some.match({1: "dropped", 2: "dropped"}) is made
    assert (some.is_open(0), some.actions) == (True, [])


def test_an_item_that_was_decided_twice_keeps_the_first_outcome() -> None:
    some = review(5, 6)
    first, second = decision(5), decision(5)
    some.decide(first)
    some.decide(second)
    some.take_back(second)
    assert some.outcome(0) == "kept"


def test_a_refused_edit_opens_its_items_until_it_is_tried_again() -> None:
    some = review(5, 6)
    made = decision(5, 6)
    some.decide(made)
    assert some.refuse(made.edit) is made
    assert some.is_open(0)
    assert some.refuse(made.edit) is None
    some.try_again(made.edit)
    assert some.tally.kept == 2


def test_a_list_that_is_read_anew_keeps_the_decisions_and_the_place() -> None:
    some = review(5, 6, 7)
    some.decide(decision(5))
    some.place = 1
    again = some.anew()
    again.begin(Listing(array("q", (7,))))
    assert not len(again.listing)
    again.complete(Listing(array("q", (7, 6))))
    assert (again.place, again.tally.kept, again.mark) == (1, 1, None)


def test_an_item_of_several_images_is_found_by_each_of_them() -> None:
    groups = Listing(array("q", (9, 8, 7, 6)), starts=array("q", (0, 2, 4)))
    assert [groups.place_of(image) for image in (9, 8, 7, 6, 5)] == [0, 0, 1, 1, None]


def test_items_that_are_gone_are_stepped_over() -> None:
    some = review(5, 6, 7)
    some.gone.add(1)
    assert some.step(1) == 2
    assert some.next_open(0) == 2


def test_an_accepted_page_notes_its_actions(tmp_path: Path) -> None:
    with open_repository(tmp_path / "some.db", create=True) as repo:
        add_images(repo, new_image(1), new_image(2))
        actions: list[int] = []
        suggestions = [Suggestion("label", (1,), "a"), Suggestion("tag", (2,), "dark")]
        edit = accept_edit(suggestions, queue=("review", "problems"), actions=actions)
        edit.store(repo)
        assert [action.id for action in repo.history.actions()] == actions[::-1]
        assert (repo.images.get(1).label, repo.images.get(1).tags) == ("a", ("reviewed",))
        edit.store(repo)
        assert Decision("accepted", (1, 2), edit, actions).stored == tuple(actions[:3])
        assert Decision("accepted", (1, 2), edit, actions[3:]).changed_nothing


@pytest.mark.parametrize(
    ("suggestions", "words"),
    [
        (
            [Suggestion("label", (1,), "a"), Suggestion("label", (2,), "a")],
            ("label", "--reviewed", "1,2", "a"),
        ),
        (
            [Suggestion("tag", (1,), "dark")],
            ("review", "wrong", "--model", "3", "id:1", "--accept"),
        ),
        ([Suggestion("trash", (2, 3))], ("rm", "2,3")),
        (
            [Suggestion("label", (1,), "a"), Suggestion("label", (2,), "b")],
            ("review", "wrong", "--model", "3", "id:1,2", "--accept"),
        ),
    ],
)
def test_an_accepted_suggestion_is_a_command_line(
    suggestions: list[Suggestion], words: tuple[str, ...]
) -> None:
    queue = ("review", "wrong", "--model", "3")
    assert accept_edit(suggestions, queue=queue, actions=[]).words() == words
