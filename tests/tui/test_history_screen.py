"""The history screen: what it lists, and every way back and forth from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from storage.opening import open_repository
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.edits import label_edit, trash_edit
from tui.screens.history import HistoryScreen
from tui.widgets.rows import RowList


def label(dataset: Dataset, *names: str) -> None:
    """Give image 1 these labels, one after the other."""
    with open_repository(dataset.url) as repo:
        for name in names:
            repo.images.set_label([1], name, actor="test")


async def opened(app: PixshelfApp, pilot: Pilot[None]) -> HistoryScreen:
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.current())
    screen = app.screen
    assert isinstance(screen, HistoryScreen)
    return screen


def summary(screen: HistoryScreen) -> str:
    action = screen.current()
    return action.summary if action else ""


def label_of(dataset: Dataset) -> str | None:
    with open_repository(dataset.url) as repo:
        return repo.images.get(1).label


async def test_the_newest_action_is_first_and_its_events_are_shown(dataset: Dataset) -> None:
    label(dataset, "one", "two")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        assert "two" in summary(screen)
        events = screen.query_one("#events", RowList)
        await until(pilot, lambda: events.count == 1)
        await pilot.press("n")
        assert "one" in summary(screen)
        await pilot.press("p")
        assert "two" in summary(screen)


async def test_a_dataset_without_history_says_so(tmp_path: Path) -> None:
    empty = Dataset(str(tmp_path / "empty.db"))
    empty.create()
    async with running(empty) as (app, pilot):
        await pilot.press("f8")
        await until(pilot, lambda: app.screen.query_one("#empty").display)
    empty.close()


async def test_an_edit_made_elsewhere_appears(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        app.edit(label_edit((1,), "zebra"))
        await until(pilot, lambda: "zebra" in summary(screen))


async def test_an_edit_made_while_another_screen_is_open_appears_on_return(
    dataset: Dataset,
) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("f2")
        app.edit(label_edit((1,), "zebra"))
        await until(pilot, lambda: label_of(dataset) == "zebra")
        await pilot.press("f8")
        await until(pilot, lambda: "zebra" in summary(screen))


async def test_undo_and_redo_are_seen(dataset: Dataset) -> None:
    label(dataset, "zebra")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)

        def state() -> str:
            action = screen.current()
            return action.state if action else ""

        await pilot.press("u")
        await until(pilot, lambda: state() == "undone")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: state() == "done")
        assert label_of(dataset) == "zebra"


async def test_going_back_to_an_action_asks_and_undoes_down_to_it(dataset: Dataset) -> None:
    before = label_of(dataset)
    label(dataset, "one", "two", "three")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("down", "down", "b")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: label_of(dataset) == before)
        await until(pilot, lambda: (found := screen.current()) and found.state == "undone")


async def test_going_back_is_left_undone_where_it_is_not_agreed(dataset: Dataset) -> None:
    label(dataset, "one", "two")
    async with running(dataset) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("down", "b")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert label_of(dataset) == "two"


async def test_the_newest_alone_is_undone_without_a_question(dataset: Dataset) -> None:
    label(dataset, "one", "two")
    async with running(dataset) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("b")
        await until(pilot, lambda: label_of(dataset) == "one")


async def test_an_undone_action_is_done_again(dataset: Dataset) -> None:
    label(dataset, "one", "two")
    with open_repository(dataset.url) as repo:
        repo.history.undo(2)
    async with running(dataset) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("b")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: label_of(dataset) == "two")


async def test_the_filter_shows_what_matches_and_escape_takes_it_away(dataset: Dataset) -> None:
    label(dataset, "lion", "bear")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        everything = screen.query_one("#actions", RowList).count
        await pilot.press("slash", *"lion", "enter")
        await until(pilot, lambda: screen.query_one("#actions", RowList).count == 1)
        assert "lion" in summary(screen)
        await pilot.press("escape")
        await until(pilot, lambda: screen.query_one("#actions", RowList).count == everything)
        assert not screen.query_one("#filter", Input).display


async def test_enter_opens_the_images_of_an_action_in_the_library(dataset: Dataset) -> None:
    label(dataset, "one")
    async with running(dataset) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "library")
        assert app.first_query == "id:1"


async def test_enter_on_what_an_action_did_opens_that_image(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_repository(dataset.url) as repo:
        repo.images.set_label([3, 5], "zebra", actor="test")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        asked: list[tuple[list[int], int]] = []
        monkeypatch.setattr(app, "open_image", lambda images, at: asked.append((images, at)))
        await until(pilot, lambda: screen.query_one("#events", RowList).count == 2)
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: asked == [([3, 5], 1)])


async def test_images_that_went_to_the_trash_are_opened_there(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        app.edit(trash_edit((2,), away=True))
        await until(pilot, lambda: (found := screen.current()) and found.kind == "delete")
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "library")
        assert app.first_query == "id:2 is:deleted"


async def test_more_is_read_on_the_way_down(dataset: Dataset) -> None:
    label(dataset, *(f"l{at}" for at in range(230)))
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        actions = screen.query_one("#actions", RowList)
        assert actions.count == 200
        await pilot.press("end")
        await until(pilot, lambda: actions.count > 230)


async def test_a_refresh_keeps_the_cursor_on_its_action(dataset: Dataset) -> None:
    label(dataset, "one", "two", "three")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("down")
        kept = summary(screen)
        label(dataset, "four")
        actions = screen.query_one("#actions", RowList)
        count = actions.count
        app.changes.publish(Change("refresh"))
        await until(pilot, lambda: actions.count == count + 1)
        assert summary(screen) == kept


async def test_commands_name_the_action_and_how_many_to_undo(dataset: Dataset) -> None:
    label(dataset, "one", "two")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("down")
        action = screen.current()
        assert action is not None
        lines = [line for _, line in screen.commands()]
        assert any(line.endswith(f"history show {action.id}") for line in lines)
        assert any(line.endswith("undo 2") for line in lines)
