"""The app's own part: it starts, stores edits in order, and leaves without losing one."""

from __future__ import annotations

from storage.opening import open_repository
from tests.tui.driving import running, until
from tui.dataset import Dataset
from tui.edits import label_edit


async def test_an_edit_made_just_before_leaving_is_stored(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1,), "zebra"))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    with open_repository(dataset.url) as repo:
        assert repo.images.get(1).label == "zebra"


async def test_undo_takes_the_newest_edit_back(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        before = repo.images.get(1).label
        async with running(dataset) as (app, pilot):
            app.edit(label_edit((1,), "zebra"))
            await pilot.press("u")
            await until(pilot, lambda: repo.images.get(1).label == before)
            assert repo.history.actions(limit=1)[0].state == "undone"


async def test_an_edit_that_is_refused_is_asked_about(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((999_999,), "zebra"))
        await until(pilot, lambda: app.refused)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: not app.refused)
