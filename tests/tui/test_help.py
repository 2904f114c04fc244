"""The help: made from the registry, for the screen that is open, with the keys as they are."""

from __future__ import annotations

from tests.tui.driving import running, until
from tui.actions import actions_of
from tui.frame.dataset import Dataset
from tui.keys.help import HelpScreen, help_text, sections_of
from tui.settings import TuiSettings


def test_every_action_of_its_sections_is_in_the_help() -> None:
    text = help_text(["settings", "app"], {}, 400).plain
    for info in (*actions_of("settings"), *actions_of("app")):
        assert info.title in text
        assert info.help in text


def test_the_help_shows_the_users_keys_and_the_command_line() -> None:
    text = help_text(["app"], {"app.undo": "f12"}).plain
    (line,) = [line for line in text.splitlines() if "Take back the newest action" in line]
    assert line.startswith("F12 ")
    assert "$ pixshelf undo" in text


def test_a_long_sentence_goes_on_under_its_beginning() -> None:
    lines = help_text(["settings"], {}, 50).plain.splitlines()
    assert max(map(len, lines)) <= 50
    assert any(line.startswith(" " * 14) for line in lines)


async def test_the_help_is_for_the_screen_that_is_open(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.go("settings")
        await until(pilot, lambda: app.current_mode == "settings")
        assert sections_of(app.screen) == ["settings", "app"]
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_the_help_scrolls_by_the_keyboard(dataset: Dataset) -> None:
    async with running(dataset, settings=TuiSettings()) as (app, pilot):
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        box = app.screen.query_one("VerticalScroll")
        await pilot.press("j", "j")
        await until(pilot, lambda: box.scroll_y == 2)
        await pilot.press("k")
        await until(pilot, lambda: box.scroll_y == 1)
