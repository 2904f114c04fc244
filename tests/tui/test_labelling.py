"""Labelling in the library: one key each, shown at once, and then in the dataset file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from storage.opening import open_repository
from storage.records import ImageRecord
from storage.repository import Repository
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.edits import label_edit, tag_edit
from tui.labels.label_bar import LabelBar
from tui.labels.labelling import any_lacks
from tui.screens.library import LibraryScreen
from tui.settings import TuiSettings


class Library:
    """The library that is open, and the dataset file beside it."""

    def __init__(self, app: PixshelfApp, pilot: Pilot[None], repo: Repository) -> None:
        assert isinstance(app.screen, LibraryScreen)
        self.app, self.pilot, self.repo, self.screen = app, pilot, repo, app.screen

    async def until(self, condition: Callable[[], object]) -> None:
        await until(self.pilot, condition)

    def stored(self, image: int) -> ImageRecord:
        return self.repo.images.get(image)


@asynccontextmanager
async def library(
    dataset: Dataset, *, size: tuple[int, int] = (80, 24), **options: Any
) -> AsyncIterator[Library]:
    """The library with its images and its labels."""
    with open_repository(dataset.url) as repo:
        async with running(dataset, size=size, **options) as (app, pilot):
            opened = Library(app, pilot, repo)
            await opened.until(lambda: opened.screen.total and opened.screen.label_keys)
            await opened.until(lambda: opened.screen.at_hand(1))
            yield opened


async def test_a_label_key_labels_the_image_and_moves_on(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        before = opened.stored(1).label
        key = next(key for key, label in opened.screen.label_keys.items() if label != before)
        await opened.pilot.press(key)
        record = opened.screen.at_hand(1)
        assert record is not None
        assert record.label == opened.screen.label_keys[key]
        assert opened.screen.grid.cursor == 1
        await opened.until(lambda: opened.stored(1).label == opened.screen.label_keys[key])


async def test_a_label_key_labels_the_selection_and_lets_go_of_it(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press("space", "space", "7")
        await opened.until(lambda: [opened.stored(i).label for i in (1, 2)] == ["7", "7"])
        assert opened.screen.grid.selected() == ()
        assert opened.repo.history.actions(limit=1)[0].images <= 2


async def test_keys_in_quick_succession_are_all_stored_in_order(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press(*"3141592653")
        await opened.until(lambda: not dataset.pending_edits)
        labels = [opened.stored(image).label for image in range(1, 11)]
        assert labels == list("3141592653")


async def test_undo_and_redo_take_a_label_back_and_give_it_again(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        before = opened.stored(101).label
        opened.screen.go_to(101)
        await opened.pilot.press("7")
        await opened.until(lambda: opened.stored(101).label == "7")
        await opened.pilot.press("u")
        await opened.until(lambda: opened.stored(101).label == before)
        await opened.pilot.press("U")
        await opened.until(lambda: opened.stored(101).label == "7")


async def test_a_label_is_found_by_typing(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press("a", "8", "enter")
        await opened.until(lambda: opened.stored(1).label == "8")
        assert opened.screen.grid.cursor == 1


async def test_a_new_label_gets_a_key_at_once(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press("a", *"zebra", "enter")
        await opened.until(lambda: opened.stored(1).label == "zebra")
        assert "zebra" in opened.screen.labels


async def test_a_name_that_is_no_label_is_refused_with_a_message(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        opened.screen._named((1,), "x" * 300)
        await opened.until(lambda: len(opened.app.screen_stack) == 2)
        assert len(opened.stored(1).label or "") < 300


async def test_escape_in_the_label_dialog_changes_nothing(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        before = opened.stored(1).label
        await opened.pilot.press("a", "8", "escape")
        assert opened.screen.grid.cursor == 0
        assert opened.stored(1).label == before


async def test_delete_clears_the_label(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press("delete")
        await opened.until(lambda: opened.stored(1).label is None)


async def test_a_tag_goes_on_where_any_lacks_it_and_off_where_all_have_it(
    dataset: Dataset,
) -> None:
    async with library(dataset) as opened:
        opened.screen.grid.select([3, 4])
        await opened.pilot.press("t", *"odd", "enter")
        await opened.until(lambda: "odd" in opened.stored(4).tags)
        await opened.pilot.press("t", *"odd", "enter")
        await opened.until(lambda: not (opened.stored(3).tags or opened.stored(4).tags))


async def test_the_tag_of_images_that_are_not_at_hand_is_asked_of_the_dataset(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with library(dataset) as opened:
        monkeypatch.setattr(LibraryScreen, "at_hand", lambda self, image: None)
        await opened.pilot.press("t", *"odd", "enter")
        await opened.until(lambda: opened.stored(1).tags == ())


def test_whether_any_lacks_a_tag_is_told_for_more_images_than_a_query_holds(
    dataset: Dataset,
) -> None:
    with open_repository(dataset.url) as repo:
        assert any_lacks(repo, (*[1] * 600, 4), "odd")
        assert not any_lacks(repo, [1] * 600, "odd")


@pytest.mark.parametrize(
    ("key", "split"), [("t", "train"), ("v", "val"), ("s", "test"), ("n", None)]
)
async def test_a_split_is_chosen_by_its_letter(
    dataset: Dataset, key: str, split: str | None
) -> None:
    async with library(dataset) as opened:
        opened.app.edit(tag_edit((1,), "before", on=True))
        await opened.pilot.press("s", key)
        await opened.until(lambda: not dataset.pending_edits)
        assert opened.stored(1).split == split


async def test_trash_asks_and_moves_on(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press("X")
        await opened.until(lambda: len(opened.app.screen_stack) == 2)
        assert not opened.stored(1).deleted
        await opened.pilot.press("y")
        await opened.until(lambda: opened.stored(1).deleted)
        assert opened.screen.grid.cursor == 1


async def test_no_to_the_question_keeps_the_image(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press("X", "n")
        await opened.until(lambda: len(opened.app.screen_stack) == 1)
        assert not opened.stored(1).deleted


async def test_trash_does_not_ask_who_does_not_want_it(dataset: Dataset) -> None:
    async with library(dataset, settings=TuiSettings(confirm=False)) as opened:
        await opened.pilot.press("X")
        await opened.until(lambda: opened.stored(1).deleted)


async def test_an_image_is_restored_from_the_trash(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.images.delete([5], actor="test")
    async with running(dataset, query="is:deleted") as (app, pilot):
        screen = app.screen
        assert isinstance(screen, LibraryScreen)
        await until(pilot, lambda: screen.total == 1)
        await pilot.press("R")
        with open_repository(dataset.url) as repo:
            await until(pilot, lambda: not repo.images.get(5).deleted)


async def test_an_action_without_an_image_says_so(dataset: Dataset) -> None:
    async with running(dataset, query="label:nothing") as (app, pilot):
        screen = app.screen
        assert isinstance(screen, LibraryScreen)
        await until(pilot, lambda: screen.total == 0)
        for key in ("a", "delete", "X"):
            app.clear_notifications()
            await pilot.press(key)
            await until(pilot, lambda: len(app._notifications) == 1)
            assert len(app.screen_stack) == 1


async def test_a_label_gets_another_key_and_keeps_it_in_the_settings(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    async with library(dataset, config_path=path) as opened:
        await opened.pilot.press("K", "8", "enter")
        await opened.pilot.press("Z")
        await opened.until(lambda: opened.screen.label_keys.get("Z") == "8")
        assert opened.app.settings.label_keys == {"8": "Z"}
        await opened.until(path.exists)
        await opened.pilot.press("Z")
        await opened.until(lambda: opened.stored(1).label == "8")


async def test_a_key_that_an_action_has_is_refused_for_a_label(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press("K", "8", "enter")
        await opened.pilot.press("q")
        await opened.pilot.pause()
        assert len(opened.app.screen_stack) == 2
        await opened.pilot.press("delete")
        await opened.until(lambda: len(opened.app.screen_stack) == 1)
        assert opened.app.settings.label_keys == {}


async def test_label_keys_are_free_while_a_query_is_written(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        before = opened.stored(1).label
        await opened.pilot.press("slash", *"id:37", "enter")
        await opened.until(lambda: opened.screen.total == 1)
        assert opened.stored(1).label == before


async def test_label_keys_do_nothing_in_the_panel(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.press("tab", "7")
        await opened.pilot.pause()
        assert not dataset.pending_edits
        assert opened.screen.grid.cursor == 0


async def test_a_click_on_a_label_gives_it(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        await opened.pilot.click(LabelBar, offset=(2, 0))
        first = next(iter(opened.screen.label_keys.values()))
        await opened.until(lambda: opened.stored(1).label == first)
        assert opened.screen.grid.cursor == 1


async def test_the_label_bar_shows_the_label_of_the_cursor(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        bar = opened.screen.query_one(LabelBar)
        await opened.pilot.press("right")
        await opened.until(lambda: bar.current == opened.stored(2).label)
        assert bar.total == len(opened.repo.labels.names())


async def test_a_label_that_another_screen_gave_first_has_a_key_here(dataset: Dataset) -> None:
    async with library(dataset) as opened:
        opened.app.edit(label_edit((1,), "zebra"))
        opened.app.edit(tag_edit((1,), "stripes", on=True))
        await opened.until(lambda: "zebra" in opened.screen.labels)
        await opened.until(lambda: "stripes" in opened.screen.tags)


async def test_the_tag_of_very_many_images_is_asked_of_the_dataset_at_once(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(screen: LibraryScreen, image: int) -> None:
        raise AssertionError(image)

    monkeypatch.setattr("tui.labels.labelling._AT_HAND", 50)
    async with library(dataset) as opened:
        monkeypatch.setattr(LibraryScreen, "at_hand", never)
        await opened.pilot.press("ctrl+a", "t", *"fresh", "enter")
        await opened.until(lambda: "fresh" in opened.stored(120).tags)
