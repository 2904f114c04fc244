"""The queues of the review: what is in each, in which order, with which suggestion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import copies
from ml.predicting import as_predictions
from ml.review_items import Suggestion, read_items
from ml.review_lists import GRAVITY
from ml.review_queue import KINDS, REVIEWED, Queue
from ml.reviewing import (
    as_query,
    count,
    count_lacking,
    fill,
    first_page,
    lacking,
    lacking_texts,
    listing,
    query_text,
    resolve,
)
from storage.errors import DatasetError, NotReady, UsageError
from storage.opening import open_repository
from storage.query import parse
from storage.records import LOOKS, NewPrediction
from storage.repository import Repository
from tests.making import add_images, new_image
from tests.ml_fixtures import digits_model, picture, store_digits

ABC = ("a", "b", "c")
ANSWERS = {
    # id: (label, probabilities of a, b, c)
    1: ("a", (0.9, 0.05, 0.05)),
    2: ("a", (0.05, 0.9, 0.05)),  # a surely wrong label
    3: ("b", (0.05, 0.85, 0.1)),
    4: ("b", (0.6, 0.3, 0.1)),  # a wrong answer, not a sure one
    5: ("c", (0.05, 0.1, 0.85)),
    6: (None, (0.5, 0.4, 0.1)),
    7: (None, (0.4, 0.3, 0.3)),
    8: (None, (0.98, 0.01, 0.01)),
}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "some.db", create=True) as opened:
        yield opened


@pytest.fixture
def repo(empty: Repository) -> Repository:
    """Eight images, five of them with labels, and what one model says of them."""
    add_images(empty, *(new_image(at, label=label) for at, (label, _) in ANSWERS.items()))
    empty.models.add(digits_model("first", ABC))
    say(empty, 1, {at: row for at, (_, row) in ANSWERS.items()})
    return empty


def say(repo: Repository, model: int, rows: dict[int, tuple[float, ...]]) -> None:
    array = np.array(list(rows.values()), np.float32)
    repo.predictions.save(model, as_predictions(list(rows), ABC, array))


def near(share: float) -> Any:
    return pytest.approx(share)


def images_of(repo: Repository, queue: Queue) -> list[int]:
    return list(listing(repo, resolve(repo, queue)).images)


def item_of(repo: Repository, queue: Queue, place: int = 0) -> Any:
    resolved = resolve(repo, queue)
    return read_items(repo, resolved, listing(repo, resolved), [place])[place]


# what is in the queues


@pytest.mark.parametrize(
    ("queue", "images"),
    [
        (Queue("wrong"), [2, 4]),
        (Queue("confidence"), [7, 6, 4]),
        (Queue("margin"), [6, 7]),
        (Queue("unlabelled"), [7, 6, 8]),
        (Queue("unlabelled", by="margin"), [6, 7, 8]),
        (Queue("unlabelled", by="entropy"), [7, 6, 8]),
        (Queue("labels"), [2, 4]),
        (Queue("wrong", query=parse("label:b")), [4]),
        (Queue("unlabelled", by="entropy", query=parse("id:6,8 sort:-width")), [6, 8]),
    ],
)
def test_a_queue_has_its_images_in_its_order(
    repo: Repository, queue: Queue, images: list[int]
) -> None:
    assert images_of(repo, queue) == images


def test_a_label_error_is_one_also_where_only_its_image_is_asked_for(repo: Repository) -> None:
    whole = images_of(repo, Queue("labels"))
    for image in whole:
        assert images_of(repo, Queue("labels", query=parse(f"id:{image}"))) == [image]


@pytest.mark.parametrize("queue", [Queue("wrong"), Queue("labels"), Queue("unlabelled")])
def test_what_was_reviewed_is_left_out(repo: Repository, queue: Queue) -> None:
    first, *rest = images_of(repo, queue)
    repo.images.add_tag([first], REVIEWED, actor="test")
    assert images_of(repo, queue) == rest


@pytest.mark.parametrize("queue", [Queue("wrong"), Queue("unlabelled", by="entropy")])
def test_what_is_in_the_trash_is_left_out(repo: Repository, queue: Queue) -> None:
    first, *rest = images_of(repo, queue)
    repo.images.delete([first], actor="test")
    assert images_of(repo, queue) == rest


def test_the_disagreements_are_those_of_which_both_are_surest_first(repo: Repository) -> None:
    repo.models.add(digits_model("second", ABC))
    say(repo, 2, {1: (0.1, 0.8, 0.1), 2: (0, 1, 0), 3: (0.97, 0.02, 0.01), 4: (0.2, 0.7, 0.1)})
    assert images_of(repo, Queue("disagreement", "first", "second")) == [3, 1, 4]


def test_of_two_models_the_one_named_first_gives_the_suggestion(repo: Repository) -> None:
    repo.models.add(digits_model("second", ABC))
    say(repo, 2, {3: (0.97, 0.02, 0.01)})
    item = item_of(repo, Queue("disagreement", "first", "second"))
    assert item.suggestion == Suggestion("label", (3,), "b", near(0.85))
    assert item.reason == "first says b (85.0 %), second says a (97.0 %)"
    assert [answer.model for answer in item.answers] == ["first", "second"]


def test_two_models_of_one_name_are_told_apart(repo: Repository) -> None:
    repo.models.add(digits_model("first", ABC))
    say(repo, 2, {3: (0.97, 0.02, 0.01)})
    item = item_of(repo, Queue("disagreement", model="1", other="2"))
    assert [answer.model for answer in item.answers] == ["first (id 1)", "first (id 2)"]
    assert item.reason.startswith("first (id 1) says b")


def test_the_better_of_two_models_is_named_first_where_none_is_named(repo: Repository) -> None:
    repo.models.add(digits_model("worse", ABC))
    say(repo, 2, {1: (0, 1, 0), 3: (1, 0, 0), 5: (1, 0, 0)})
    found = resolve(repo, Queue("disagreement"))
    assert (found.model, found.other) == ("1", "2")


def test_two_models_must_be_two(repo: Repository) -> None:
    with pytest.raises(NotReady, match="one model"):
        resolve(repo, Queue("disagreement"))
    repo.models.add(digits_model("second", ABC))
    with pytest.raises(UsageError, match="both models"):
        resolve(repo, Queue("disagreement", "first", "1"))


def test_without_a_model_there_is_no_queue_of_answers(empty: Repository) -> None:
    with pytest.raises(NotReady):
        resolve(empty, Queue("wrong"))


def test_the_newest_model_with_predictions_is_meant(repo: Repository) -> None:
    repo.models.add(digits_model("silent", ABC))
    assert resolve(repo, Queue("wrong")).model == "1"


def test_probabilities_that_do_not_fit_the_model_are_told_of(repo: Repository) -> None:
    repo.predictions.save(1, [NewPrediction(6, "a", 0.5, 0.1, b"1234")])
    with pytest.raises(DatasetError, match="image 6"):
        images_of(repo, Queue("unlabelled", by="entropy"))


# quick answers


@pytest.mark.parametrize("kind", ["wrong", "confidence", "margin", "unlabelled"])
def test_the_first_page_begins_the_listing(repo: Repository, kind: Any) -> None:
    queue = resolve(repo, Queue(kind))
    page = first_page(repo, queue, 2)
    assert page is not None
    assert list(page.images) == list(listing(repo, queue).images)[:2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_count_is_that_of_the_listing_or_none(repo: Repository, kind: Any) -> None:
    if kind == "disagreement":
        repo.models.add(digits_model("second", ABC))
    queue = resolve(repo, Queue(kind))
    if kind == "problems":
        assert count(repo, queue) is None
        return
    found = count(repo, queue)
    assert found in (None, len(listing(repo, queue)))
    assert (found is None) == (as_query(queue) is None)


@pytest.mark.parametrize("kind", ["wrong", "confidence", "margin", "unlabelled"])
def test_a_query_says_the_same_as_the_queue(repo: Repository, kind: Any) -> None:
    queue = resolve(repo, Queue(kind))
    assert repo.images.ids(parse(query_text(queue) or "")) == list(listing(repo, queue).images)


# what is lacking, and filling it in


def test_what_has_no_answer_is_lacking(repo: Repository) -> None:
    add_images(repo, new_image(9, label="a"), new_image(10))
    assert lacking(repo, resolve(repo, Queue("wrong"))) == [9]
    assert lacking(repo, resolve(repo, Queue("unlabelled"))) == [10]
    assert count_lacking(repo, resolve(repo, Queue("confidence"))) == 2


@pytest.mark.parametrize("kind", ["wrong", "labels", "unlabelled", "confidence"])
def test_what_is_lacking_is_told_as_a_query(repo: Repository, kind: Any) -> None:
    repo.models.add(digits_model("silent", ABC))
    queue = resolve(repo, Queue(kind, model="silent"))
    ((model, text),) = lacking_texts(queue)
    assert model == queue.model
    assert repo.images.ids(parse(text)) == lacking(repo, queue) != []


def test_filling_stores_the_answers_that_are_lacking(empty: Repository) -> None:
    store_digits(empty, 20, label=None)
    empty.models.add(digits_model())
    queue = resolve(empty, Queue("unlabelled"))
    told: list[tuple[int, int]] = []
    assert fill(empty, queue, progress=lambda *pair: told.append(pair)) == 20
    assert told[-1] == (20, 20)
    assert count_lacking(empty, queue) == 0
    assert len(listing(empty, queue)) == 20


def test_filling_for_two_models_asks_both(empty: Repository) -> None:
    store_digits(empty, 20)
    empty.models.add(digits_model("one"))
    empty.models.add(digits_model("two", ("1", "0", *"23456789")))
    queue = resolve(empty, Queue("disagreement", "one", "two"))
    assert count_lacking(empty, queue) == 40
    assert fill(empty, queue) == 40
    assert len(listing(empty, queue)) > 0


# copies


def test_copies_under_two_labels_come_first_and_the_largest_file_is_kept(
    empty: Repository,
) -> None:
    same, other = b"s" * 16, b"o" * 16
    add_images(
        empty,
        new_image(1, label="a", pixel_hash=same, dhash=0),
        new_image(2, label="a", pixel_hash=same, dhash=0, data=b"a longer file of the picture"),
        new_image(3, label="a", pixel_hash=other, dhash=0),
        new_image(4, label="b", pixel_hash=other, dhash=0),
    )
    found = listing(empty, Queue("duplicates"))
    assert [found.group(at) for at in range(len(found))] == [(3, 4), (2, 1)]
    item = item_of(empty, Queue("duplicates"))
    assert item.suggestion == Suggestion("trash", (4,))
    assert item.reason == "the same picture in 2 files, under the labels a and b"


def test_pictures_that_look_alike_come_after_equal_ones(empty: Repository) -> None:
    same = b"s" * 16
    add_images(
        empty,
        new_image(1, dhash=-1, width=64, height=64),
        new_image(2, dhash=-1 ^ 0b11, width=64, height=64),
        new_image(3, pixel_hash=same, dhash=0b1010 << 40),
        new_image(4, pixel_hash=same, dhash=0b1010 << 40),
    )
    found = listing(empty, Queue("duplicates"))
    assert [found.group(at) for at in range(len(found))] == [(3, 4), (1, 2)]
    reason = item_of(empty, Queue("duplicates"), 1).reason
    assert reason == "2 pictures look alike (up to 2 of 64 bits differ)"


@pytest.mark.parametrize(
    ("side", "label", "suggested"), [(64, "a", True), (64, "b", False), (8, "a", False)]
)
def test_of_pictures_that_look_alike_only_large_ones_of_one_label_may_go(
    empty: Repository, side: int, label: str, suggested: bool
) -> None:
    add_images(
        empty,
        new_image(1, dhash=-1, width=side, height=side, label="a"),
        new_image(2, dhash=-2, width=side, height=side, label=label),
    )
    item = item_of(empty, Queue("duplicates"))
    assert (item.suggestion is not None) == suggested
    assert ("small" in item.reason) == (side == 8)


def test_a_group_is_left_out_once_all_of_it_was_reviewed(empty: Repository) -> None:
    same = b"s" * 16
    add_images(empty, *(new_image(at, pixel_hash=same, dhash=0) for at in (1, 2)))
    empty.images.add_tag([1], REVIEWED, actor="test")
    assert len(listing(empty, Queue("duplicates"))) == 1
    empty.images.add_tag([2], REVIEWED, actor="test")
    assert len(listing(empty, Queue("duplicates"))) == 0


def test_a_crowd_that_looks_alike_is_told_of_and_left_out(empty: Repository) -> None:
    add_images(empty, *(new_image(at, dhash=0b111 << 20 | 1 << at) for at in range(1, 41)))
    found = listing(empty, Queue("duplicates"))
    assert len(found) == 0
    assert found.note is not None
    assert found.note.startswith("40 pictures look too much alike")


def test_a_group_that_was_broken_up_since_is_no_item_any_more(empty: Repository) -> None:
    same = b"s" * 16
    add_images(empty, *(new_image(at, pixel_hash=same, dhash=0) for at in (1, 2)))
    found = listing(empty, Queue("duplicates"))
    empty.images.delete([2], actor="test")
    assert read_items(empty, Queue("duplicates"), found, [0]) == {}


def test_looking_for_copies_tells_how_far_it_has_come(
    empty: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_EVERY", 2)
    add_images(empty, *(new_image(at) for at in range(1, 6)))
    told: list[object] = []
    listing(
        empty,
        Queue("duplicates"),
        progress=lambda done, total: told.append((done, total)),
        stage=told.append,
    )
    assert told == [(2, 5), (4, 5), "grouping 5 pictures", "reading the labels"]


def test_looking_for_copies_can_be_given_up(empty: Repository) -> None:
    def give_up(words: str) -> None:
        raise InterruptedError(words)

    with pytest.raises(InterruptedError, match="grouping 0"):
        listing(empty, Queue("duplicates"), stage=give_up)


# problems


@pytest.fixture
def looks(empty: Repository) -> Repository:
    """A blank picture, a dark one, a good one; the numbers are their ids."""
    generator = np.random.default_rng(1)
    good = generator.integers(0, 255, (20, 20), np.uint8)
    dark = generator.integers(0, 40, (20, 20), np.uint8)
    add_images(empty, picture(np.full((20, 20), 130, np.uint8)), picture(dark), picture(good))
    return empty


def test_problems_need_measures_and_filling_takes_them(looks: Repository) -> None:
    queue = Queue("problems")
    assert count_lacking(looks, queue) == 3
    with pytest.raises(NotReady):
        listing(looks, queue)
    assert fill(looks, queue) == 3
    assert count_lacking(looks, queue) == 0


def test_the_gravest_problem_comes_first_and_is_for_the_trash(looks: Repository) -> None:
    fill(looks, Queue("problems"))
    assert images_of(looks, Queue("problems")) == [1, 2]
    first, second = (item_of(looks, Queue("problems"), at) for at in (0, 1))
    assert first.suggestion == Suggestion("trash", (1,))
    assert first.reason == "it is blank, one-colour"
    assert second.suggestion == Suggestion("tag", (2,), "dark")


def test_every_look_has_its_place_among_the_problems() -> None:
    assert sorted(GRAVITY) == sorted(LOOKS)


# items


def test_an_item_of_the_wrong_answers_suggests_the_answer(repo: Repository) -> None:
    item = item_of(repo, Queue("wrong"))
    assert (item.image, item.images) == (2, (2,))
    assert item.suggestion == Suggestion("label", (2,), "b", near(0.9))
    assert item.answers[0].top[0] == ("b", pytest.approx(0.9))
    assert item.reason == "labelled a, but the model is 90.0 % sure of b"


@pytest.mark.parametrize(
    "queue", [Queue("labels"), Queue("confidence"), Queue("margin"), Queue("unlabelled")]
)
def test_every_item_has_a_reason(repo: Repository, queue: Queue) -> None:
    assert "%" in item_of(repo, queue).reason


def test_an_image_that_is_gone_is_no_item(repo: Repository) -> None:
    queue = resolve(repo, Queue("wrong"))
    found = listing(repo, queue)
    repo.images.delete([2], actor="test")
    repo.vacuum()
    assert list(read_items(repo, queue, found, [0, 1])) == [1]


def test_an_item_whose_image_went_to_the_trash_is_still_shown(repo: Repository) -> None:
    queue = resolve(repo, Queue("wrong"))
    found = listing(repo, queue)
    repo.images.delete([2], actor="test")
    assert read_items(repo, queue, found, [0])[0].records[0].deleted


def test_an_image_without_an_answer_has_no_suggestion(repo: Repository) -> None:
    queue = resolve(repo, Queue("wrong"))
    repo.models.add(digits_model("silent", ABC))
    silent = replace(queue, model="2")
    assert read_items(repo, silent, listing(repo, queue), [0])[0].suggestion is None
