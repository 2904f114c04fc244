"""The review screen: every key of it, what it shows, and what the dataset then holds."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from ml.predicting import load_predictor, predict_stored
from ml.review_queue import KINDS, Kind
from storage.duplicates import find_groups
from storage.errors import DatasetError
from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tests.ml_fixtures import digits_model, picture
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Message
from tui.frame.edits import label_edit
from tui.picture.widget import Picture
from tui.screens.image import ImageScreen
from tui.screens.review import ReviewScreen

WRONG = (11, 12, 13, 14)


@pytest.fixture
def db(db: Path) -> Path:
    """The digits, four of them with a label that is not the answer."""
    with open_repository(db) as repo:
        for image in WRONG:
            answer = repo.images.get(image).prediction
            assert answer is not None
            other = "8" if answer.label != "8" else "9"
            repo.images.set_label([image], other, actor="test")
        wrong = [each.id for each in repo.images.page(parse("is:wrong"), limit=100).images]
        for image in set(wrong) - set(WRONG):
            found = repo.images.get(image).prediction
            assert found is not None
            repo.images.set_label([image], found.label, actor="test")
    return db


@pytest.fixture
def repo(db: Path) -> Iterator[Repository]:
    with open_repository(db) as opened:
        yield opened


@asynccontextmanager
async def reviewing(
    dataset: Dataset, kind: Kind = "wrong", *, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[PixshelfApp, Pilot[None], ReviewScreen]]:
    """The app with a queue of the review open and listed."""
    async with running(dataset, size=size) as (app, pilot):
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        await until(pilot, lambda: screen.review.is_whole or screen.trouble)
        if kind != "wrong":
            screen.choose(replace(screen.queue, kind=kind))
            await until(pilot, lambda: screen.resolved is not None or screen.trouble)
            await until(pilot, lambda: screen.review.is_whole or screen.trouble)
        await until(pilot, lambda: screen.item is not None or not len(screen.review.listing))
        yield app, pilot, screen


def answer_of(repo: Repository, image: int) -> str:
    found = repo.images.get(image).prediction
    assert found is not None
    return found.label


# what is shown


async def test_the_first_item_is_shown_with_picture_label_suggestion_and_reason(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.query_one(Picture).picture is not None)
        assert screen.item is not None
        assert screen.item.image in WRONG
        record = repo.images.get(screen.item.image)
        assert f"label      {record.label}" in screen.told
        assert f"suggested  {answer_of(repo, record.id)}" in screen.told
        assert "but the model is" in screen.told


async def test_the_queues_have_their_counts(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.counts.get("unlabelled") is not None)
        queues = screen.query_one(OptionList)
        first = str(queues.get_option_at_index(0).prompt)
        assert first.split() == ["Wrong", "answers", "4"]
        assert queues.option_count == len(KINDS)


async def test_a_queue_with_nothing_in_it_says_so(dataset: Dataset, repo: Repository) -> None:
    repo.images.add_tag(WRONG, "reviewed", actor="test")
    async with reviewing(dataset) as (_, _, screen):
        assert screen.item is None
        assert "Nothing is left" in str(screen.query_one("#nothing").render())


async def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    with open_repository(tmp_path / "empty.db", create=True):
        pass
    dataset = Dataset(str(tmp_path / "empty.db"))
    async with reviewing(dataset) as (_, _, screen):
        assert "no model" in screen.trouble
    dataset.close()


# deciding


async def test_f_gives_the_suggested_label_and_goes_on(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        assert screen.item is not None
        image = screen.item.image
        wanted = answer_of(repo, image)
        await pilot.press("f")
        assert screen.review.place == 1
        await until(pilot, lambda: repo.images.get(image).tags == ("reviewed",))
        assert repo.images.get(image).label == wanted
        assert screen.review.tally.accepted == 1


async def test_d_keeps_the_label_and_remembers_it(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        assert screen.item is not None
        image, label = screen.item.image, screen.item.records[0].label
        await pilot.press("d")
        await until(pilot, lambda: repo.images.get(image).tags == ("reviewed",))
        assert repo.images.get(image).label == label
        assert screen.review.tally.kept == 1


async def test_a_label_key_gives_another_label(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.label_keys)
        assert screen.item is not None
        image = screen.item.image
        told = {screen.item.records[0].label, answer_of(repo, image)}
        label = next(each for each in "0123" if each not in told)
        await pilot.press(label)
        await until(pilot, lambda: repo.images.get(image).label == label)
        await until(pilot, lambda: repo.images.get(image).tags == ("reviewed",))
        assert screen.review.tally.changed == 1


async def test_the_key_of_the_suggested_label_counts_as_accepted(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.label_keys)
        assert screen.item is not None
        await pilot.press(answer_of(repo, screen.item.image))
        assert screen.review.tally.accepted == 1


async def test_a_label_is_given_by_typing(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        assert screen.item is not None
        image = screen.item.image
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"zebra", "enter")
        await until(pilot, lambda: repo.images.get(image).label == "zebra")


async def test_the_trash_key_decides_too(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        app.settings = replace(app.settings, confirm=False)
        assert screen.item is not None
        image = screen.item.image
        await pilot.press("X")
        await until(pilot, lambda: repo.images.get(image).deleted)
        assert screen.review.place == 1


async def test_the_status_tells_the_share_that_was_accepted(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("f", "d")
        assert "3 of 4 · decided 2 · accepted 1 (50 %) · kept 1" in screen.status


async def test_after_the_last_one_it_says_that_all_is_decided(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("f", "f", "f", "d")
        assert screen.review.tally.decided == 4
        assert "✓ kept as it is" in screen.told


async def test_what_was_kept_is_left_out_the_next_time(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("d", "f")
        screen.refresh_data()
        await until(pilot, lambda: screen.review.is_whole and len(screen.review.listing) == 2)


# the way back


async def test_u_takes_the_whole_decision_back_and_shows_it_again(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        assert screen.item is not None
        image, label = screen.item.image, screen.item.records[0].label
        await pilot.press("f", "n", "u")
        await until(pilot, lambda: repo.images.get(image).tags == ())
        assert repo.images.get(image).label == label
        await until(pilot, lambda: screen.review.tally.decided == 0)
        assert screen.review.place == 0


async def test_what_was_undone_is_decided_again(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        assert screen.item is not None
        image = screen.item.image
        wanted = answer_of(repo, image)
        await pilot.press("f", "u")
        await until(pilot, lambda: screen.review.tally.accepted == 0)
        await pilot.press("U")
        await until(pilot, lambda: repo.images.get(image).tags == ("reviewed",))
        assert repo.images.get(image).label == wanted
        await until(pilot, lambda: screen.review.tally.accepted == 1)


async def test_without_a_decision_undo_takes_the_newest_action_back(
    dataset: Dataset, repo: Repository
) -> None:
    before = repo.images.get(1).label
    async with reviewing(dataset) as (app, pilot, _):
        app.edit(label_edit((1,), "zebra"))
        await until(pilot, lambda: repo.images.get(1).label == "zebra")
        await pilot.press("u")
        await until(pilot, lambda: repo.images.get(1).label == before)


async def test_what_came_after_a_decision_is_undone_before_it(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        assert screen.item is not None
        image, label = screen.item.image, screen.item.records[0].label
        await pilot.press("f", "p", "s", "t")
        await until(pilot, lambda: repo.images.get(image).split == "train")
        await pilot.press("u")
        await until(pilot, lambda: repo.images.get(image).split == "test")
        assert screen.review.tally.accepted == 1
        await pilot.press("u")
        await until(pilot, lambda: repo.images.get(image).tags == ())
        assert repo.images.get(image).label == label
        await until(pilot, lambda: screen.review.tally.decided == 0)


async def test_after_reading_anew_a_decision_is_still_undone_whole(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        assert screen.item is not None
        image, label = screen.item.image, screen.item.records[0].label
        await pilot.press("f", "ctrl+r")
        await until(pilot, lambda: screen.review.is_whole and len(screen.review.listing) == 3)
        assert screen.review.tally.accepted == 1
        await pilot.press("u")
        await until(pilot, lambda: repo.images.get(image).tags == ())
        assert repo.images.get(image).label == label
        await until(pilot, lambda: screen.item is not None and screen.item.image == image)
        assert screen.review.tally.decided == 0


async def test_an_undo_that_is_refused_leaves_the_decision(
    dataset: Dataset, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise DatasetError("the dataset is locked")

    async with reviewing(dataset) as (app, pilot, screen):
        assert screen.item is not None
        await pilot.press("d", "f")
        await until(pilot, lambda: repo.tags.counts().get("reviewed") == 2)
        with monkeypatch.context() as during:
            during.setattr("storage.sqlite.history.SqliteHistory.undo", refused)
            await pilot.press("u")
            await until(pilot, lambda: isinstance(app.screen, Message))
        assert (screen.review.tally.kept, screen.review.tally.accepted) == (1, 1)
        await pilot.press("escape", "u")
        await until(pilot, lambda: screen.review.tally.accepted == 0)
        assert screen.review.tally.kept == 1


async def test_undo_on_another_screen_takes_a_decision_back_whole_and_opens_it(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        assert screen.item is not None
        image, label = screen.item.image, screen.item.records[0].label
        await pilot.press("f", "f2", "u")
        await until(pilot, lambda: repo.images.get(image).tags == ())
        assert repo.images.get(image).label == label
        await pilot.press("f6")
        await until(pilot, lambda: screen.review.tally.decided == 0)
        assert screen.review.is_open(0)


async def test_what_changed_nothing_is_undone_without_the_history(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        assert screen.item is not None
        image = screen.item.image
        await pilot.press("d", "p", "d")
        await until(pilot, lambda: screen.review.decisions[-1].changed_nothing)
        await pilot.press("u")
        assert screen.review.tally.kept == 1
        await pilot.press("u")
        await until(pilot, lambda: repo.images.get(image).tags == ())
        await until(pilot, lambda: screen.review.tally.decided == 0)


async def test_a_refusal_is_heard_of_while_another_queue_is_open(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        wrong = screen.review
        assert screen.item is not None
        repo.images.delete([screen.item.image], actor="test")
        repo.vacuum()
        screen.action_keep()
        screen.choose(replace(screen.queue, kind="confidence"))
        await until(pilot, lambda: app.storing.waiting)
        assert wrong.tally.decided == 0


async def test_a_decision_that_is_refused_is_open_again(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        assert screen.item is not None
        repo.images.delete([screen.item.image], actor="test")
        repo.vacuum()
        await pilot.press("d")
        await until(pilot, lambda: app.refused)
        assert screen.review.tally.decided == 0
        await pilot.press("escape")


# moving


async def test_n_and_p_go_on_and_back_without_a_decision(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("n", "n", "p")
        assert screen.review.place == 1
        assert screen.review.tally.decided == 0


async def test_arrows_go_on_and_back_too(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("right", "down", "left")
        assert screen.review.place == 1


async def test_what_was_skipped_comes_again_at_the_end(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("n", "d", "d", "d")
        assert screen.review.place == 0


async def test_enter_opens_the_image(dataset: Dataset) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        await pilot.press("n")
        await until(pilot, lambda: screen.item is not None)
        assert screen.item is not None
        image = screen.item.image
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ImageScreen))
        assert isinstance(app.screen, ImageScreen)
        assert app.screen.image == image


# many at a time


@asynccontextmanager
async def paging(dataset: Dataset) -> AsyncIterator[tuple[Pilot[None], ReviewScreen]]:
    async with reviewing(dataset, size=(120, 40)) as (_, pilot, screen):
        await pilot.press("m")
        await until(pilot, lambda: len(screen.page) == 4 and len(screen.items) == 4)
        await until(pilot, lambda: screen.grid.has_focus)
        yield pilot, screen


async def test_m_shows_a_page_of_many_and_one_again(dataset: Dataset) -> None:
    async with paging(dataset) as (pilot, screen):
        assert sorted(screen.grid.ids) == list(WRONG)
        await pilot.press("right", "m")
        await until(pilot, lambda: not screen.grid.display)
        assert screen.review.place == 1


async def test_a_page_is_accepted_at_once_and_undone_at_once(
    dataset: Dataset, repo: Repository
) -> None:
    async with paging(dataset) as (pilot, screen):
        before = {image: repo.images.get(image).label for image in WRONG}
        await pilot.press("F")
        await until(pilot, lambda: repo.images.get(WRONG[-1]).tags == ("reviewed",))
        for image in WRONG:
            assert repo.images.get(image).label == answer_of(repo, image)
        assert screen.review.tally.accepted == 4
        await pilot.press("u")
        await until(pilot, lambda: repo.images.get(WRONG[0]).tags == ())
        assert {image: repo.images.get(image).label for image in WRONG} == before


async def test_a_page_is_kept_at_once(dataset: Dataset, repo: Repository) -> None:
    async with paging(dataset) as (pilot, screen):
        await pilot.press("D")
        await until(pilot, lambda: repo.tags.counts().get("reviewed") == 4)
        assert screen.review.tally.kept == 4


async def test_the_page_keys_need_a_page(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("F", "D")
        assert screen.review.tally.decided == 0


async def test_on_a_page_the_selection_is_decided(dataset: Dataset, repo: Repository) -> None:
    async with paging(dataset) as (pilot, screen):
        await pilot.press("space", "space", "f")
        assert set(screen.review.outcomes) == set(screen.grid.ids[:2])
        await until(pilot, lambda: repo.tags.counts().get("reviewed") == 2)
        assert screen.grid.cursor == 2


async def test_on_a_page_a_label_key_goes_on_to_the_next(dataset: Dataset) -> None:
    async with paging(dataset) as (pilot, screen):
        await until(pilot, lambda: screen.label_keys)
        await pilot.press("5")
        assert list(screen.review.outcomes) == [screen.grid.ids[0]]
        assert screen.grid.cursor == 1


async def test_on_a_page_n_turns_it(dataset: Dataset) -> None:
    async with reviewing(dataset, "unlabelled") as (_, pilot, screen):
        await pilot.press("c")
        await until(pilot, lambda: len(screen.review.listing) == 20)
        await pilot.press("m")
        await until(pilot, lambda: screen.page)
        first = screen.page
        await pilot.press("n")
        await until(pilot, lambda: screen.page != first)
        assert screen.page[0] == first[-1] + 1
        await pilot.press("p")
        assert screen.page == first


# queues, models, orders


async def test_a_queue_is_chosen_in_the_list(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("w", "down", "enter")
        await until(pilot, lambda: screen.queue.kind == "labels" and screen.review.is_whole)
        assert screen.focused is None


async def test_a_queue_is_found_where_it_was_left(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("d", "w", "down", "enter", "w", "up", "enter")
        assert screen.queue.kind == "wrong"
        assert (screen.review.place, screen.review.tally.kept) == (1, 1)


async def test_the_model_is_chosen(dataset: Dataset, repo: Repository) -> None:
    other = repo.models.add(digits_model("other"))
    async with reviewing(dataset) as (app, pilot, screen):
        await pilot.press("M")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"other", "enter")
        await until(pilot, lambda: screen.resolved and screen.resolved.model == str(other))
        assert screen.models == ("other",)


async def test_two_models_that_disagree_are_chosen(dataset: Dataset, repo: Repository) -> None:
    swapped = repo.models.add(digits_model("swapped", ("1", "0", *"23456789")))
    for _ in predict_stored(repo, load_predictor(repo, "swapped"), list(range(1, 61)), save=True):
        pass
    async with reviewing(dataset, "disagreement") as (app, pilot, screen):
        await pilot.press("M")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"means", "enter")
        await until(pilot, lambda: isinstance(app.focused, Input) and not app.focused.value)
        await pilot.press("enter")
        await until(pilot, lambda: screen.resolved and screen.resolved.other == str(swapped))
        await until(pilot, lambda: screen.item is not None)
        assert "means says" in screen.told
        assert "swapped says" in screen.told


async def test_the_order_of_the_unlabelled_is_chosen(dataset: Dataset) -> None:
    async with reviewing(dataset, "unlabelled") as (_, pilot, screen):
        await pilot.press("o", "e")
        await until(pilot, lambda: screen.queue.by == "entropy" and screen.review.is_whole)


async def test_the_queue_is_narrowed_by_a_query_and_escape_widens_it(dataset: Dataset) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"id:11,12", "enter")
        await until(pilot, lambda: screen.review.is_whole and screen.review.total == 2)
        await pilot.press("escape")
        await until(pilot, lambda: screen.review.is_whole and screen.review.total == 4)


async def test_a_query_that_is_not_understood_is_told_of(dataset: Dataset) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"nonsense", "enter")
        await pilot.press("escape")
        assert screen.words == ""


async def test_escape_goes_from_many_to_one(dataset: Dataset) -> None:
    async with paging(dataset) as (pilot, screen):
        await pilot.press("escape")
        await until(pilot, lambda: not screen.many)


# what lacks


async def test_answers_that_are_missing_are_predicted(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset, "unlabelled") as (_, pilot, screen):
        await until(pilot, lambda: screen.lacking == 20)
        await pilot.press("c")
        await until(pilot, lambda: screen.review.is_whole and len(screen.review.listing) == 20)
        await until(pilot, lambda: not screen.lacking)
        assert repo.images.get(120).prediction is not None


async def test_pictures_are_measured_for_their_problems(dataset: Dataset, repo: Repository) -> None:
    black = picture(np.zeros((8, 8), np.uint8), source="black.png")
    (added,) = repo.images.add([black], import_id=repo.images.begin_import("x", {}))
    async with reviewing(dataset, "problems") as (_, pilot, screen):
        await until(pilot, lambda: screen.lacking == 121)
        await pilot.press("c")
        await until(pilot, lambda: screen.item is not None)
        assert screen.item is not None
        assert screen.item.image == added.id
        await pilot.press("f")
        await until(pilot, lambda: repo.images.get(added.id).deleted)


# copies


@pytest.fixture
def copies(repo: Repository) -> tuple[int, int]:
    """A picture in two files under two labels."""
    grey = np.full((8, 8), 90, np.uint8)
    images = [
        picture(grey, source="a.png", label="1"),
        replace(picture(grey, source="b.png", label="2"), sha256=b"x" * 32),
    ]
    first, second = repo.images.add(images, import_id=repo.images.begin_import("x", {}))
    return first.id, second.id


async def test_of_copies_the_others_go_to_the_trash(
    dataset: Dataset, repo: Repository, copies: tuple[int, int]
) -> None:
    async with reviewing(dataset, "duplicates") as (_, pilot, screen):
        await until(pilot, lambda: screen.item and screen.item.images == copies)
        await until(pilot, lambda: list(screen.grid.ids) == list(copies))
        assert "under the labels 1 and 2" in screen.told
        await pilot.press("f")
        await until(pilot, lambda: repo.images.get(copies[1]).deleted)
        assert not repo.images.get(copies[0]).deleted


async def test_of_copies_the_one_under_the_cursor_is_kept(
    dataset: Dataset, repo: Repository, copies: tuple[int, int]
) -> None:
    async with reviewing(dataset, "duplicates") as (_, pilot, screen):
        await until(pilot, lambda: list(screen.grid.ids) == list(copies))
        await until(pilot, lambda: screen.grid.has_focus)
        await pilot.press("right", "f")
        await until(pilot, lambda: repo.images.get(copies[0]).deleted)
        assert not repo.images.get(copies[1]).deleted


async def test_what_is_done_while_copies_are_looked_for_is_told(
    dataset: Dataset, copies: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def waiting(*given: Any) -> Any:
        go_on.wait(30)
        return find_groups(*given)

    monkeypatch.setattr("ml.copies.find_groups", waiting)
    async with reviewing(dataset) as (_, pilot, screen):
        screen.choose(replace(screen.queue, kind="duplicates"))
        try:
            nothing = screen.query_one("#nothing")
            await until(pilot, lambda: "grouping " in str(nothing.render()))
        finally:
            go_on.set()
        await until(pilot, lambda: screen.item and screen.item.images == copies)


async def test_copies_that_are_none_are_kept_for_good(
    dataset: Dataset, repo: Repository, copies: tuple[int, int]
) -> None:
    async with reviewing(dataset, "duplicates") as (_, pilot, screen):
        await until(pilot, lambda: screen.item and screen.item.images == copies)
        await pilot.press("d")
        await until(pilot, lambda: repo.tags.counts().get("reviewed") == 2)


# commands


async def test_what_can_be_done_is_told_as_command_lines(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, _, screen):
        assert screen.item is not None
        image = screen.item.image
        told = dict(screen.commands())
        assert told["list this queue"].endswith("review wrong")
        assert told["list its images"].endswith("'is:wrong sort:-confidence -tag:reviewed model:1'")
        answer = answer_of(repo, image)
        assert told["accept the suggestion"].endswith(f"label --reviewed {image} {answer}")
        assert told["give it a label"].endswith(f"label --reviewed {image} LABEL")
        assert told["keep it as it is"].endswith(f"tag add reviewed {image}")


async def test_the_command_for_a_page_accepts_those_of_the_page(
    dataset: Dataset, repo: Repository
) -> None:
    async with paging(dataset) as (_, screen):
        told = dict(screen.commands())
        ids = ",".join(map(str, screen.grid.ids))
        assert told["accept the page"].endswith(f"review wrong id:{ids} --accept")
        assert told["keep the page"].endswith(f"tag add reviewed {ids}")


async def test_the_command_that_predicts_asks_for_what_the_queue_needs(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset, "unlabelled") as (_, pilot, screen):
        await until(pilot, lambda: screen.lacking == 20)
        told = dict(screen.commands())
        query = "-is:predicted is:unlabelled model:1"
        assert told["predict what is missing"].endswith(
            f"predict --query '{query}' --save --model 1"
        )


async def test_what_two_models_have_not_said_is_predicted_by_a_command_each(
    dataset: Dataset, repo: Repository
) -> None:
    repo.models.add(digits_model("means"))
    async with reviewing(dataset, "disagreement") as (_, pilot, screen):
        await until(pilot, lambda: screen.lacking)
        assert set(screen.models) == {"means", "means (id 1)"}
        told = dict(screen.commands())
        for model, name in (("1", "means (id 1)"), ("2", "means")):
            assert told[f"predict what is missing of {name}"].endswith(
                f"--query '-is:predicted model:{model}' --save --model {model}"
            )


async def test_a_change_from_elsewhere_is_seen_on_coming_back(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        assert screen.item is not None
        image = screen.item.image
        await pilot.press("f2")
        app.edit(label_edit((image,), "zebra"))
        await pilot.press("f6")
        await until(pilot, lambda: "zebra" in screen.told)


# reading anew


async def test_undo_in_the_history_opens_the_item_again(dataset: Dataset, repo: Repository) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        await pilot.press("d", "d")
        await until(pilot, lambda: repo.tags.counts().get("reviewed") == 2)
        repo.history.undo()
        app.changes.publish(Change("undo"))
        await until(pilot, lambda: screen.review.tally.kept == 1)
        assert screen.review.place == 1


async def test_a_model_that_was_renamed_leaves_the_decisions_of_every_queue(
    dataset: Dataset,
) -> None:
    async with reviewing(dataset) as (app, pilot, screen):
        await pilot.press("d", "f")
        await until(pilot, lambda: not dataset.pending_edits)
        screen.choose(replace(screen.queue, kind="confidence"))
        await until(pilot, lambda: screen.review.is_whole)
        app.changes.publish(Change("refresh"))
        await until(pilot, lambda: screen.review.is_whole)
        screen.choose(replace(screen.queue, kind="wrong"))
        await until(pilot, lambda: screen.review.is_whole)
        assert (screen.review.tally.kept, screen.review.tally.accepted) == (1, 1)


async def test_a_refresh_while_another_screen_is_open_is_made_up_for(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        before = screen.review
        repo.images.add_tag(WRONG[:2], "reviewed", actor="test")
        await pilot.press("f2", "ctrl+r")
        assert screen.review is before
        await pilot.press("f6")
        await until(pilot, lambda: screen.review.is_whole and len(screen.review.listing) == 2)


async def test_a_list_that_is_read_anew_is_gone_on_with_at_the_same_image(
    dataset: Dataset, repo: Repository
) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        await pilot.press("n", "n")
        await until(pilot, lambda: screen.item is not None)
        assert screen.item is not None
        image, before = screen.item.image, screen.review
        await pilot.press("ctrl+r")
        await until(pilot, lambda: screen.review is not before and screen.review.is_whole)
        await until(pilot, lambda: screen.item is not None)
        assert screen.item.image == image


async def test_lists_of_queues_that_were_narrowed_are_not_kept_for_ever(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        first = screen.queue
        await pilot.press("d")
        for image in range(1, 16):
            screen.narrowed(f"id:{image}")
        await until(pilot, lambda: screen.review.is_whole)
        reviews = list(screen.reviews)
        assert len(reviews) < 15
        assert sum(len(review.listing) for review in reviews) < 15
        screen.choose(first)
        await until(pilot, lambda: screen.review.is_whole)
        assert screen.review.tally.kept == 1


async def test_a_report_of_work_that_was_left_is_not_shown_as_trouble(dataset: Dataset) -> None:
    async with reviewing(dataset) as (_, pilot, screen):
        screen.review.is_whole = False
        screen.post_message(screen.Told(threading.Event(), "predicting", 1, 2))
        await pilot.pause()
        assert screen.trouble == ""
