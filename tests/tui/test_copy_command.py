"""'Copy command': the line that is copied is one that the shell would take."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app as app_of_commands
from storage.opening import open_repository
from tests.tui.driving import running, until
from tui.frame.dataset import Dataset
from tui.frame.edits import Edit, label_edit, tag_edit
from tui.keys.copy_command import LONGEST, MOST_NAMED, CopyCommand, commands_of


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


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (label_edit((1,), "-x"), "label -- 1 -x"),
        (label_edit((1,), "-ab:c"), "label -- 1 -ab:c"),
        (tag_edit((1,), "-t", on=True), "tag add -- -t 1"),
        (tag_edit((1,), "-ab:c", on=True), "tag add -- -ab:c 1"),
    ],
)
def test_a_name_that_begins_with_a_dash_is_no_option(edit: Edit, words: str, db: Path) -> None:
    line = edit.words()
    assert " ".join(line) == words
    result = CliRunner().invoke(app_of_commands, ["--db", str(db), *line])
    assert result.exit_code == 0, result.stderr
    assert line[-1].startswith("-") is (edit.kind == "label")
    with open_repository(db) as repo:
        record = repo.images.get(1)
    assert edit.name in (record.label, *record.tags)


async def test_an_edit_of_more_images_than_a_line_can_name_is_not_offered(
    dataset: Dataset,
) -> None:
    async with running(dataset) as (app, _):
        app.newest_edit = label_edit(tuple(range(MOST_NAMED + 1)), "all")
        assert not [what for what, _ in commands_of(app) if "the newest edit" in what]
