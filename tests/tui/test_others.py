"""What others do on the dataset while the app is open: it is seen without a key, and what is one's
own is not told as news.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from storage.errors import DatasetError
from storage.opening import open_repository
from storage.records import Action
from storage.repository import Repository
from tests.making import add_images, new_image
from tests.tui.driving import running, until
from tests.tui.test_storing import label_of, settled
from tui.app import PixshelfApp
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Message, Question
from tui.frame.edits import label_edit
from tui.frame.others import MOST_ACTIONS, Mark, News, mark_of, news_of
from tui.frame.section import StatusLine
from tui.screens.history import HistoryScreen
from tui.screens.image import ImageScreen
from tui.screens.library import LibraryScreen
from tui.settings import TuiSettings

CHANGED = "changed since"
THEM = "cli:carl"


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.frame.others.EVERY", 0.05)


def by_others(dataset: Dataset, do: Callable[[Repository], object]) -> None:
    with open_repository(dataset.url) as repo:
        do(repo)


def label(*images: int) -> Callable[[Repository], Action]:
    return lambda repo: repo.images.set_label(images, "theirs", actor=THEM)


async def library(app: PixshelfApp, pilot: Pilot[None], query: str = "") -> LibraryScreen:
    """The library, all there, after a first look at the dataset."""
    app.open_library(query)
    screen = app.screen
    assert isinstance(screen, LibraryScreen)
    await until(pilot, lambda: screen.total and screen.at_hand(screen.grid.ids[0]) and looked(app))
    return screen


def looked(app: PixshelfApp) -> bool:
    return app.others.mark is not None


def said(app: PixshelfApp) -> str:
    return app.screen.query_one(StatusLine).text


async def test_a_label_of_somebody_else_is_seen_without_a_key(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await library(app, pilot)
        await pilot.press("right", "right")
        by_others(dataset, label(1, 3))
        await until(pilot, lambda: (found := screen.at_hand(3)) and found.label == "theirs")
        await until(pilot, lambda: "theirs" in screen.labels)
        assert screen.grid.current() == 3
        assert CHANGED not in said(app)


async def test_an_image_that_is_open_shows_what_somebody_else_did_to_it(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await library(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ImageScreen) and app.screen.facts)
        screen = app.screen
        assert isinstance(screen, ImageScreen)
        by_others(dataset, label(1))
        await until(pilot, lambda: screen.facts and screen.facts.record.label == "theirs")


async def test_a_list_that_may_be_another_by_now_says_so(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await library(app, pilot, "label:1")
        by_others(dataset, label(100))
        await until(pilot, lambda: CHANGED in said(app))


async def test_images_that_others_import_are_told_of(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await library(app, pilot)
        by_others(dataset, lambda repo: add_images(repo, new_image(1)))
        await until(pilot, lambda: CHANGED in said(app))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: CHANGED not in said(app) and "of 121" in said(app))


async def test_an_undo_by_somebody_else_is_seen(dataset: Dataset) -> None:
    by_others(dataset, label(1))
    async with running(dataset) as (app, pilot):
        screen = await library(app, pilot)
        by_others(dataset, lambda repo: repo.history.undo())
        await until(pilot, lambda: (found := screen.at_hand(1)) and found.label != "theirs")


async def test_what_is_done_here_is_no_news(dataset: Dataset) -> None:
    told: list[Change] = []
    async with running(dataset) as (app, pilot):
        await library(app, pilot)
        app.changes.subscribe(app, told.append)
        before = app.others.mark
        app.edit(label_edit((1,), "mine"))
        await settled(pilot, app)
        await until(pilot, lambda: app.others.mark != before)
        assert [change.what for change in told] == ["edit", "stored"]


async def test_images_come_by_themselves_where_there_were_none(tmp_path: Path) -> None:
    empty = Dataset(str(tmp_path / "empty.db"))
    empty.create()
    async with running(empty) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, LibraryScreen)
        await until(pilot, lambda: screen.total == 0 and looked(app))
        by_others(empty, lambda repo: add_images(repo, new_image(1)))
        await until(pilot, lambda: screen.total == 1)
    empty.close()


async def test_a_dataset_that_cannot_be_read_is_said_and_read_anew_when_it_can(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(repo: Repository) -> Mark:
        raise DatasetError("nobody is there")

    async with running(dataset) as (app, pilot):
        screen = await library(app, pilot)
        with monkeypatch.context() as patch:
            patch.setattr("tui.frame.others.mark_of", away)
            await until(pilot, lambda: "cannot be read" in app.running)
            by_others(dataset, label(1))
        await until(pilot, lambda: not app.running)
        await until(pilot, lambda: (found := screen.at_hand(1)) and found.label == "theirs")
        assert len(app.screen_stack) == 1


# --- the way back of what others did


@pytest.fixture
def theirs(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("LOGNAME", "bo")
    by_others(dataset, label(1, 2, 3))
    return dataset


async def asked(app: PixshelfApp, pilot: Pilot[None]) -> str:
    await until(pilot, lambda: isinstance(app.screen, Question))
    return str(app.screen.query_one("#question").render())


async def test_an_undo_of_what_somebody_else_did_is_asked_about(theirs: Dataset) -> None:
    async with running(theirs) as (app, pilot):
        await library(app, pilot)
        await pilot.press("u")
        assert "carl's label 'theirs' (3 images)" in await asked(app, pilot)
        await pilot.press("u")  # that means no answer
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert label_of(theirs, 1) == "theirs"
        await pilot.press("u")
        await asked(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: label_of(theirs, 1) != "theirs")
        await pilot.press("U")
        await asked(app, pilot)
        await pilot.press("d")
        await until(pilot, lambda: label_of(theirs, 1) == "theirs")


async def test_an_agreed_undo_takes_nothing_back_that_came_meanwhile(theirs: Dataset) -> None:
    async with running(theirs) as (app, pilot):
        await library(app, pilot)
        await pilot.press("u")
        await asked(app, pilot)
        by_others(theirs, lambda repo: repo.images.set_label([9], "later", actor=THEM))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, Message))
        assert (label_of(theirs, 1), label_of(theirs, 9)) == ("theirs", "later")


async def test_without_confirmations_an_undo_says_whose_it_was(theirs: Dataset) -> None:
    async with running(theirs, settings=TuiSettings(confirm=False)) as (app, pilot):
        await library(app, pilot)
        await pilot.press("u")
        await until(pilot, lambda: label_of(theirs, 1) != "theirs")
        await until(
            pilot,
            lambda: (
                [note.message for note in app._notifications]
                == ["undone: carl's label 'theirs' (3 images)"]
            ),
        )


async def test_the_history_asks_before_it_undoes_what_somebody_else_did(theirs: Dataset) -> None:
    async with running(theirs) as (app, pilot):
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.current())
        await pilot.press("b")
        assert "by carl" in await asked(app, pilot)


# --- marks


@pytest.fixture
def news(tmp_path: Path) -> tuple[Repository, Callable[[], News]]:
    """A dataset of five images and two actions, and what is new there since."""
    repo = open_repository(tmp_path / "some.db", create=True)
    add_images(repo, *(new_image(at) for at in range(5)))
    for image in (1, 2):
        repo.images.set_label([image], "a", actor=THEM)
    since = mark_of(repo)
    return repo, lambda: news_of(repo, since, mark_of(repo))


def test_nothing_is_new_where_nothing_was_done(
    news: tuple[Repository, Callable[[], News]],
) -> None:
    repo, found = news
    assert found() == News()
    repo.close()


def test_the_images_of_new_actions_are_named(
    news: tuple[Repository, Callable[[], News]],
) -> None:
    repo, found = news
    repo.images.set_label([4, 3], "b", actor=THEM)
    repo.images.add_tag([5], "t", actor=THEM)
    assert sorted(found().images or ()) == [3, 4, 5]
    assert not found().moves
    repo.images.delete([1], actor=THEM)
    assert found().moves
    repo.close()


def test_any_image_may_be_another_after_a_way_back_and_a_new_edit(
    news: tuple[Repository, Callable[[], News]],
) -> None:
    repo, found = news
    repo.history.undo()
    assert found().images is None
    repo.images.set_label([5], "b", actor=THEM)
    assert found().images is None
    repo.close()


def test_any_image_may_be_another_after_a_renaming_and_after_very_many_actions(
    news: tuple[Repository, Callable[[], News]],
) -> None:
    repo, found = news
    for at in range(MOST_ACTIONS):
        repo.images.set_label([5], f"l{at}", actor=THEM)
    assert found().images is None
    repo.close()


def test_a_dataset_without_anything_has_a_mark(tmp_path: Path) -> None:
    with open_repository(tmp_path / "empty.db", create=True) as repo:
        assert mark_of(repo) == Mark(0, 0, 0)
        add_images(repo, new_image(1))
        repo.images.set_label([1], "a", actor=THEM)
        assert news_of(repo, Mark(0, 0, 0), mark_of(repo)).images == (1,)
        renamed = mark_of(repo)
        repo.labels.rename("a", "b", actor=THEM)
        assert news_of(repo, renamed, mark_of(repo)).images in (None, (1,))
