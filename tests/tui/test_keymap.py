"""Keys of actions: what a user may give them, how they are shown, and that they then work."""

from __future__ import annotations

import pytest

from storage.errors import UsageError
from tests.tui.driving import running, until
from tui.actions import SECTIONS, actions_of, every_action
from tui.frame.dataset import Dataset
from tui.frame.key_line import Key, KeyLine, fitting
from tui.frame.section import SectionBar
from tui.frame.sections import PLACES
from tui.keys.go_menu import GoMenu
from tui.keys.help import sections_of
from tui.keys.keymap import check_keys, is_key, keys_of, rivals, shown, together
from tui.keys.options import Options
from tui.labels.label_bar import LabelBar
from tui.library.filters import LibraryFilters
from tui.library.nothing import Nothing
from tui.settings import TuiSettings


@pytest.mark.parametrize("key", ["a", "?", "f5", "ctrl+t", "question_mark", "comma", "shift+up"])
def test_a_key_that_a_terminal_can_send_is_one(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize("key", ["", "ctrl+", "hyperspace", "ctrl+ctrl+a", "up+a", "\x1b", "ab"])
def test_what_no_terminal_sends_is_no_key(key: str) -> None:
    assert not is_key(key)


def test_every_key_of_the_registry_is_a_key() -> None:
    assert [key for info in every_action().values() for key in info.keys if not is_key(key)] == []


def test_every_id_of_the_registry_is_its_own_and_names_its_section() -> None:
    infos = [info for section in SECTIONS for info in actions_of(section)]
    assert len({info.id for info in infos}) == len(infos)
    assert [i.id for s in SECTIONS for i in actions_of(s) if i.section != s] == []


def test_an_unknown_action_is_told_of_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"there is no action 'app\.qit'") as caught:
        check_keys({"app.qit": "x"})
    assert caught.value.hint == "did you mean 'app.quit'?"


def test_an_impossible_key_is_told_of() -> None:
    with pytest.raises(UsageError, match=r"'hyperspace' is no key"):
        check_keys({"app.quit": "ctrl+q, hyperspace"})


def test_keys_are_shown_as_they_stand_on_a_keyboard() -> None:
    keys = ("question_mark", "ctrl+p", "f10", "space", "up", "U")
    assert [shown(key) for key in keys] == ["?", "^p", "F10", "space", "↑", "U"]


def test_a_rival_is_an_action_that_is_there_at_the_same_time() -> None:
    help_ = every_action()["app.help"]
    assert next(info.id for info in rivals(help_, "u", {})) == "app.undo"
    assert rivals(help_, "u", {"app.undo": "f12"}) == [
        info for info in rivals(help_, "u", {}) if info.id != "app.undo"
    ]


def test_the_users_keys_go_before_an_actions_own() -> None:
    undo = every_action()["app.undo"]
    assert keys_of(undo, {"app.undo": "f5, ctrl+k"}) == ("f5", "ctrl+k")
    assert keys_of(undo, {}) == undo.keys


async def test_a_key_of_the_config_file_works_and_the_old_one_does_not(dataset: Dataset) -> None:
    settings = TuiSettings(keys={"app.go": "f12"})
    async with running(dataset, settings=settings) as (app, pilot):
        await pilot.press("g")
        assert len(app.screen_stack) == 1
        await pilot.press("f12")
        await until(pilot, lambda: len(app.screen_stack) == 2)


async def test_keys_also_change_for_a_screen_that_is_open_already(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.go("settings")
        await until(pilot, lambda: app.current_mode == "settings")
        app.save_settings(TuiSettings(keys={"settings.find": "f12"}))
        await pilot.pause()
        await pilot.press("slash")
        assert not app.screen.query_one("#find").display
        await pilot.press("f12")
        await until(pilot, lambda: app.screen.query_one("#find").display)


def test_the_line_of_keys_keeps_help_and_the_screens_own_on_a_narrow_screen() -> None:
    keys = [
        Key("x.own", "a", "a", "Own"),
        Key("app.go", "g", "g", "Go"),
        Key("app.undo", "u", "u", "Undo"),
        Key("app.quit", "q", "q", "Quit"),
        Key("app.help", "question_mark", "?", "Help"),
    ]
    assert [key.title for key in fitting(keys, 200)] == ["Own", "Go", "Undo", "Quit", "Help"]
    assert [key.title for key in fitting(keys, 24)] == ["Own", "Quit", "Help"]
    assert [key.title for key in fitting(keys, 10)] == ["Help"]
    assert fitting(keys, 3) == []


async def test_the_line_of_keys_never_wraps(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        line = app.screen.query_one(KeyLine)
        for width in (80, 60, 30, 12):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            assert line.size.height == 1
            content = line.render()
            assert content.cell_length <= width
            assert "Help" in content.plain or width < 12


async def test_a_click_on_the_line_of_keys_presses_the_key(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        line = app.screen.query_one(KeyLine)
        at = line.render().plain.index("Help")
        await pilot.click(KeyLine, offset=(at, 0))
        await until(pilot, lambda: len(app.screen_stack) == 2)


@pytest.mark.parametrize("section", [place.name for place in PLACES])
async def test_the_actions_of_a_screen_and_its_parts_are_known_to_be_together(
    section: str, dataset: Dataset
) -> None:
    async with running(dataset) as (app, pilot):
        app.go(section)
        await until(pilot, lambda: app.current_mode == section)
        found = sections_of(app.screen)
        assert [each for each in found if not together(section, each)] == []


def test_a_key_of_the_grid_is_a_rivals_where_a_report_has_a_grid() -> None:
    report = every_action()["evaluate.report"]
    assert "grid.range" in [info.id for info in rivals(report, "v", {})]
    assert not together("classify", "grid")


async def test_the_bar_and_the_menu_show_the_keys_that_count(dataset: Dataset) -> None:
    settings = TuiSettings(keys={"app.train": "ctrl+t"})
    async with running(dataset, settings=settings, size=(140, 40)) as (app, pilot):
        bar = app.screen.query_one(SectionBar).render().plain
        assert " ^t Train " in bar
        assert " F3 Classify " in bar
        assert app.key_of("app.about") == ""
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, GoMenu))
        lines = [str(option.prompt) for option in app.screen.query_one(Options).options]
        assert any("Train" in line and "^t" in line for line in lines)


async def test_what_is_said_of_keys_names_the_keys_that_count(dataset: Dataset) -> None:
    settings = TuiSettings(keys={"labelling.label": "ctrl+l", "library.all": "f12"})
    async with running(dataset, settings=settings, size=(140, 40)) as (app, pilot):
        library = app.screen
        assert isinstance(library, LibraryFilters)
        bar = app.screen.query_one(LabelBar)
        bar.total = 99
        assert "^l: all 99" in bar.render().plain
        library.ask("label:nothing")
        await until(
            pilot,
            lambda: "F12   show every image" in str(app.screen.query_one(Nothing).render()),
        )
