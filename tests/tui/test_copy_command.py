"""'Copy command': the line that is copied is one that the shell would take."""

from __future__ import annotations

import shlex

from tests.tui.driving import running, until
from tui.copy_command import LONGEST, CopyCommand, commands_of
from tui.dataset import Dataset
from tui.edits import label_edit


async def test_the_newest_edit_can_be_copied(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1, 2), "two words"))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, CopyCommand))
        lines = dict(commands_of(app))
        line = lines["the newest edit: label two words"]
        assert shlex.split(line) == [
            "pixshelf", "--db", dataset.url, "label", "1,2", "two words",
        ]  # fmt: skip


async def test_enter_copies_the_line_under_the_cursor(dataset: Dataset) -> None:
    async with running(dataset, db_named=False) as (app, pilot):
        app.go("settings")
        await until(pilot, lambda: app.current_mode == "settings")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, CopyCommand))
        await pilot.press("j", "k", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.clipboard == "pixshelf doctor"


async def test_escape_copies_nothing(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, CopyCommand))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.clipboard == ""


async def test_a_line_that_no_clipboard_takes_is_refused(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.push_screen(CopyCommand([("everything", "x" * (LONGEST + 1))]))
        await until(pilot, lambda: isinstance(app.screen, CopyCommand))
        await pilot.press("enter")
        await until(pilot, lambda: "too long" in str(app.screen.query_one(".error").render()))
        assert app.clipboard == ""
