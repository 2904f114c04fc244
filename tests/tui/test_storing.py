"""Edits on their way: in their order, held back behind one that is refused, and never lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from textual.pilot import Pilot

from storage.errors import PixshelfError
from storage.opening import open_repository
from storage.records import Action
from storage.repository import Repository
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Question
from tui.frame.edits import Edit, label_edit


class Door:
    """Lets edits through while it is open."""

    def __init__(self) -> None:
        self.is_open = False

    def behind(self, edit: Edit) -> Edit:
        store: Callable[[Repository], Action] = edit.store

        def stored(repo: Repository) -> Action:
            if not self.is_open:
                raise PixshelfError("the door is shut")
            return store(repo)

        return replace(edit, store=stored)


def label_of(dataset: Dataset, image: int) -> str | None:
    with open_repository(dataset.url) as repo:
        return repo.images.get(image).label


async def asked(pilot: Pilot[None], app: PixshelfApp, words: str) -> None:
    await until(
        pilot,
        lambda: (
            isinstance(app.screen, Question)
            and words in str(app.screen.query_one("#question").render())
        ),
    )


async def settled(pilot: Pilot[None], app: PixshelfApp) -> None:
    await until(pilot, lambda: not app.refused and not app.dataset.pending_edits)


async def test_the_newer_of_two_edits_wins_when_the_older_was_refused(dataset: Dataset) -> None:
    door = Door()
    async with running(dataset) as (app, pilot):
        app.edit(door.behind(label_edit((1,), "old")))
        app.edit(label_edit((1,), "new"))
        await asked(pilot, app, "Not stored: label old and 1 more edit")
        door.is_open = True
        await pilot.press("enter")
        await settled(pilot, app)
    assert label_of(dataset, 1) == "new"


async def test_an_undo_behind_a_refused_edit_takes_that_edit_back(dataset: Dataset) -> None:
    door = Door()
    before = label_of(dataset, 2)
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1,), "kept"))
        app.edit(door.behind(label_edit((2,), "old")))
        app.action_undo()
        await settled(pilot, app)
        door.is_open = True
        await pilot.pause()
        assert len(app.screen_stack) == 1
    assert (label_of(dataset, 1), label_of(dataset, 2)) == ("kept", before)


async def test_escape_keeps_refused_edits_and_the_next_edit_tries_them_again(
    dataset: Dataset,
) -> None:
    door = Door()
    async with running(dataset) as (app, pilot):
        app.edit(door.behind(label_edit((1,), "old")))
        await asked(pilot, app, "Not stored: label old.")
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert "1 edit not stored yet" in app.running
        assert any("not stored yet" in told.message for told in app._notifications)
        app.edit(label_edit((2,), "two"))
        await asked(pilot, app, "Not stored: label old and 1 more edit")
        door.is_open = True
        await pilot.press("escape")
        app.edit(label_edit((1,), "newest"))
        await settled(pilot, app)
        assert app.running == ""
    assert (label_of(dataset, 1), label_of(dataset, 2)) == ("newest", "two")


async def test_undo_takes_a_waiting_edit_back_before_a_stored_one(dataset: Dataset) -> None:
    door = Door()
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1,), "kept"))
        app.edit(door.behind(label_edit((2,), "old")))
        await asked(pilot, app, "Not stored")
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("u")
        await settled(pilot, app)
    assert label_of(dataset, 1) == "kept"


async def test_redo_does_nothing_while_edits_wait(dataset: Dataset) -> None:
    door = Door()
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1,), "undone"))
        app.action_undo()
        app.edit(door.behind(label_edit((2,), "old")))
        app.action_redo()
        await asked(pilot, app, "Not stored")
        await pilot.press("escape", "U")
        await pilot.pause()
        assert len(app.refused) == 1
    assert label_of(dataset, 1) != "undone"


async def test_leaving_tries_again_and_leaves_when_all_is_stored(dataset: Dataset) -> None:
    door = Door()
    async with running(dataset) as (app, pilot):
        app.edit(door.behind(label_edit((1,), "old")))
        await asked(pilot, app, "Not stored")
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        door.is_open = True
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert label_of(dataset, 1) == "old"


async def test_an_edit_that_can_never_be_stored_is_given_up_alone(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((999_999,), "nobody"))
        app.edit(label_edit((1,), "one"))
        await asked(pilot, app, "and 1 more edit")
        await pilot.press("tab", "enter")
        await settled(pilot, app)
    assert label_of(dataset, 1) == "one"


async def test_all_that_waits_can_be_given_up(dataset: Dataset) -> None:
    before = label_of(dataset, 1)
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((999_999,), "nobody"))
        app.edit(label_edit((1,), "one"))
        await asked(pilot, app, "and 1 more edit")
        await pilot.press("tab", "tab", "enter")
        await settled(pilot, app)
    assert label_of(dataset, 1) == before


async def test_an_edit_that_waits_is_shown_as_refused_and_anew_when_it_is_tried(
    dataset: Dataset,
) -> None:
    door = Door()
    async with running(dataset) as (app, pilot):
        told: list[str] = []

        def hear(change: Change) -> None:
            told.append(change.what)

        app.changes.subscribe(app, hear)
        app.edit(door.behind(label_edit((1,), "old")))
        await asked(pilot, app, "Not stored")
        door.is_open = True
        await pilot.press("enter")
        await until(pilot, lambda: told == ["edit", "refused", "edit", "stored"])


async def test_an_edit_that_was_refused_or_undone_is_not_offered_as_a_command(
    dataset: Dataset,
) -> None:
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1,), "one"))
        await settled(pilot, app)
        assert app.newest_edit is not None
        await pilot.press("u")
        await until(pilot, lambda: app.newest_edit is None)
        app.edit(label_edit((999_999,), "nobody"))
        await asked(pilot, app, "Not stored")
        assert app.newest_edit is None


async def test_what_waits_is_tried_once_more_when_the_app_is_over(dataset: Dataset) -> None:
    door = Door()
    async with running(dataset) as (app, pilot):
        app.edit(door.behind(label_edit((1,), "old")))
        app.edit(label_edit((2,), "two"))
        await asked(pilot, app, "Not stored")
        assert len(app.storing.try_last()) == 2
        door.is_open = True
        assert app.storing.try_last() == []
    assert (label_of(dataset, 1), label_of(dataset, 2)) == ("old", "two")
