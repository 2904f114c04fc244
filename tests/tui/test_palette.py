"""The command palette: what is in it, what is found, and that it is done."""

from __future__ import annotations

from tests.tui.driving import running, until
from tui.frame.dataset import Dataset
from tui.keys.palette import Entry, Palette, entries_of, ranked


def entry(title: str, sentence: str = "") -> Entry:
    return Entry(title, sentence, "", "nothing")


def titles(found: list[Entry]) -> list[str]:
    return [each.title for each in found]


def test_an_empty_text_finds_everything_in_order() -> None:
    entries = [entry("B"), entry("A")]
    assert ranked(entries, " ") == entries


def test_the_start_of_a_title_goes_before_its_middle_and_before_scattered_letters() -> None:
    entries = [entry("Ant raking"), entry("Retrain"), entry("Train"), entry("Undo")]
    assert titles(ranked(entries, "train")) == ["Train", "Retrain", "Ant raking"]
    assert titles(ranked(entries, "udo")) == ["Undo"]


def test_a_word_of_the_sentence_is_found_last() -> None:
    entries = [entry("Undo", "Take back the newest action."), entry("Backup")]
    assert titles(ranked(entries, "back")) == ["Backup", "Undo"]


async def test_it_has_the_actions_of_the_screen_then_the_apps_then_the_themes(
    dataset: Dataset,
) -> None:
    async with running(dataset) as (app, pilot):
        app.go("settings")
        await until(pilot, lambda: app.current_mode == "settings")
        found = titles(entries_of(app))
        assert found.index("Find") < found.index("Undo") < found.index("Theme: nord")
        assert "Palette" not in found


async def test_what_is_chosen_is_done(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Palette))
        await pilot.press(*"about", "enter")
        await until(pilot, lambda: app.current_mode == "about")


async def test_an_action_of_the_screen_is_done_on_it(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.go("settings")
        await until(pilot, lambda: app.current_mode == "settings")
        await pilot.press("ctrl+p", *"find", "enter")
        await until(pilot, lambda: app.screen.query_one("#find").display)


async def test_a_theme_is_taken_and_kept(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("ctrl+p", *"nord", "enter")
        await until(pilot, lambda: app.theme == "nord")
        assert app.settings.theme == "nord"


async def test_arrows_choose_and_escape_leaves_everything(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("ctrl+p", "down", "down", "up", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.current_mode == "library"


async def test_a_text_that_nothing_has_finds_nothing(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("ctrl+p", *"qqqqzzzz", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Palette)
