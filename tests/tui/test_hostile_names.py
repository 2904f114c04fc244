"""A dataset full of escape sequences, from another tool: no screen sends one to a terminal."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Static

from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice, Message, Prompt, Question
from tui.frame.section import SECTIONS
from tui.keys.key_menu import Entry, KeyMenu
from tui.labels.label_key_dialog import LabelKeyDialog
from tui.library.filters import LibraryFilters
from tui.preferences.dialogs import KeyPress

EVIL = "a\x1b]0;title\x07[b]b\x1b[31mc\x9b2J\x85d"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
RENAMED = (
    "update label set name = ? || name",
    "update tag set name = ? || name",
    "update model set name = ? || name",
    "update image set source = ? || source",
    "update action set summary = ? || summary",
)


@pytest.fixture
def hostile(tmp_path: Path, template: Path) -> Iterator[Dataset]:
    path = tmp_path / "evil\x1b[2J\x07.db"
    shutil.copy(template, path)
    with sqlite3.connect(path) as connection:
        for command in RENAMED:
            connection.execute(command, (EVIL,))
    connection.close()
    opened = Dataset(str(path))
    yield opened
    opened.close()


def sent(app: PixshelfApp) -> list[str]:
    """The texts on the screen that hold what only a terminal's own programs should send."""
    segments = (each for strip in app.screen._compositor.render_strips() for each in strip)
    return [each.text for each in segments if not each.control and CONTROL.search(each.text)]


async def at_rest(pilot: Pilot[None], app: PixshelfApp) -> None:
    """Let what was begun be shown."""
    await app.dataset.read(lambda _: None)
    await app.dataset.survey(lambda _: None)
    await pilot.pause()
    await pilot.pause()


class Careless(ModalScreen[None]):
    """A screen that shows a text as it is."""

    def compose(self) -> ComposeResult:
        yield Static(Content("a\x1b[2J"))


async def test_what_is_sent_is_seen_by_these_tests(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.push_screen(Careless())
        await until(pilot, lambda: sent(app))


@pytest.mark.parametrize("section", [*SECTIONS, "settings", "about"])
async def test_no_screen_sends_what_names_hold(hostile: Dataset, section: str) -> None:
    async with running(hostile, size=(140, 40)) as (app, pilot):
        app.go(section)
        await until(pilot, lambda: app.current_mode == section)
        await at_rest(pilot, app)
        await at_rest(pilot, app)
        assert sent(app) == []
        await pilot.press("y")
        await at_rest(pilot, app)
        assert sent(app) == []


async def test_no_single_image_sends_what_names_hold(hostile: Dataset) -> None:
    async with running(hostile, size=(140, 40)) as (app, pilot):
        app.open_image([1, 2], 0)
        await at_rest(pilot, app)
        await at_rest(pilot, app)
        assert sent(app) == []
        for key in ("a", "t"):
            await pilot.press(key)
            await at_rest(pilot, app)
            assert sent(app) == []
            await pilot.press("escape")


async def test_no_query_that_is_written_sends_what_it_holds(hostile: Dataset) -> None:
    async with running(hostile, size=(140, 40)) as (app, pilot):
        library = app.screen
        assert isinstance(library, LibraryFilters)
        library.ask(f'label:"{EVIL}7"')
        await at_rest(pilot, app)
        await pilot.press("slash")
        await at_rest(pilot, app)
        assert sent(app) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: Message(EVIL, EVIL, hint=EVIL),
        lambda: Question(EVIL, (EVIL, "No"), hint=EVIL),
        lambda: Prompt(EVIL, value=EVIL, placeholder=EVIL, check=lambda text: text),
        lambda: Prompt(EVIL, placeholder=EVIL),
        lambda: Choice(EVIL, (EVIL,), new=EVIL),
        lambda: KeyMenu(EVIL, [Entry("x", EVIL, EVIL)]),
        lambda: KeyPress(EVIL, lambda _: EVIL),
        lambda: LabelKeyDialog(EVIL, "x", ()),
    ],
    ids=["message", "question", "prompt", "hint", "choice", "menu", "key", "label-key"],
)
async def test_no_dialog_sends_what_it_is_given(dataset: Dataset, make: object) -> None:
    assert callable(make)
    dialog = make()
    assert isinstance(dialog, ModalScreen)
    async with running(dataset, size=(140, 40)) as (app, pilot):
        app.push_screen(dialog)
        await until(pilot, lambda: app.screen is dialog)
        await pilot.pause()
        assert sent(app) == []
        if isinstance(dialog, Prompt | KeyPress):
            await pilot.press("enter" if isinstance(dialog, Prompt) else "f12")
            await pilot.pause()
            assert sent(app) == []


async def test_a_choice_gives_the_name_as_it_is(dataset: Dataset) -> None:
    given: list[str | None] = []
    async with running(dataset) as (app, pilot):
        app.push_screen(Choice("Label", (EVIL,)), given.append)
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press("enter")
        await until(pilot, lambda: given == [EVIL])


async def test_what_is_told_and_said_is_shown_without_controls(dataset: Dataset) -> None:
    async with running(dataset, size=(140, 40)) as (app, pilot):
        app.notify(EVIL, title=EVIL)
        app.running = EVIL
        await pilot.pause()
        await until(pilot, lambda: "title" not in "".join(sent(app)))
        assert sent(app) == []
