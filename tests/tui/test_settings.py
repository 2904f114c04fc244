"""Settings: read, changed on their screen, and written into a config file that stays a person's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from cli.config import load_config
from storage.errors import UsageError
from tests.tui.driving import running, until
from tui.actions import every_action
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Message
from tui.preferences.dialogs import KeyPress, ThemeChoice
from tui.preferences.file import merged, write_settings
from tui.preferences.rows import conflict, reset, rows_of, with_key
from tui.screens.settings import SettingList
from tui.settings import TuiSettings, parse_settings

PLACE = Path("config.toml")


def test_every_setting_is_read() -> None:
    table = {
        "theme": "nord",
        "pictures": "sixel",
        "confirm": False,
        "keys": {"app.quit": "f12"},
        "label-keys": {"cat": "c"},
        "queries": {"doubtful": "confidence<0.5"},
    }
    assert parse_settings(table) == TuiSettings(
        "nord", "sixel", False, {"app.quit": "f12"}, {"cat": "c"}, {"doubtful": "confidence<0.5"}
    )


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown key 'tui\.them'") as caught:
        parse_settings({"them": "nord"})
    assert caught.value.hint == "did you mean 'theme'?"


@pytest.mark.parametrize(
    "table",
    [{"theme": 7}, {"theme": ""}, {"pictures": "ascii"}, {"confirm": 1}, {"keys": {"a": 1}}, 7],
)
def test_a_value_that_makes_no_sense_is_refused(table: object) -> None:
    with pytest.raises(UsageError, match="tui"):
        parse_settings(table)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    settings = TuiSettings(
        "nord", "blocks", False, {"app.quit": "f12,ctrl+x"}, {"a = [b]": "c"}, {'"q"': "label:7"}
    )
    write_settings(path, settings)
    assert load_config(path).tui == settings
    write_settings(path, TuiSettings())
    assert load_config(path).tui == TuiSettings()


def test_comments_and_other_keys_are_kept() -> None:
    before = '# mine\ndb = "a.db"  # here\n\n[tui]\n# dark\ntheme = "nord" # cold\n'
    after = merged(before, TuiSettings(theme="dracula", keys={"app.quit": "f12"}), PLACE)
    for kept in ("# mine", 'db = "a.db"  # here', "# dark", "# cold", 'theme = "dracula"'):
        assert kept in after
    assert merged(after, TuiSettings(theme="nord"), PLACE).count("f12") == 0


def test_settings_that_are_all_defaults_write_nothing(tmp_path: Path) -> None:
    write_settings(tmp_path / "config.toml", TuiSettings())
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link_and_the_mode_stays(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "config.toml"
    real.write_text("# mine\n", encoding="utf-8")
    real.chmod(0o600)
    link.symlink_to(real)
    write_settings(link, TuiSettings(theme="nord"))
    assert link.is_symlink()
    assert "nord" in real.read_text("utf-8")
    assert real.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["config.toml", "real.toml"]


def test_a_file_that_is_not_toml_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("theme = ", encoding="utf-8")
    with pytest.raises(UsageError, match="not valid TOML"):
        write_settings(path, TuiSettings(theme="nord"))
    assert path.read_text("utf-8") == "theme = "


def test_rows_are_found_by_all_their_words() -> None:
    names = [row.name for row in rows_of(TuiSettings(), "newest action") if row.id]
    assert names == ["Undo"]


def test_a_key_can_be_added_and_put_back() -> None:
    settings = with_key(TuiSettings(), "app.undo", "f12", add=True)
    assert settings.keys == {"app.undo": "u,ctrl+z,f12"}
    assert reset(settings, "key:app.undo") == TuiSettings()
    assert with_key(with_key(TuiSettings(), "app.go", "f12"), "app.go", "g") == TuiSettings()


def test_a_conflict_names_who_has_the_key() -> None:
    assert conflict(TuiSettings(), every_action()["app.go"], "u").startswith("u is the key of")
    assert conflict(TuiSettings(), every_action()["app.go"], "f12") == ""


async def opened(app: PixshelfApp, pilot: Pilot[None], row: str) -> SettingList:
    """The screen of the settings with the cursor on a row."""
    app.go("settings")
    await until(pilot, lambda: app.screen.query_one(SettingList).option_count)
    rows = app.screen.query_one(SettingList)
    ids = [each.id for each in rows_of(app.settings, "", app.config_path)]
    rows.highlighted = ids.index(row)
    await pilot.pause()
    return rows


async def test_a_theme_is_tried_on_and_taken(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    async with running(dataset, config_path=path) as (app, pilot):
        await opened(app, pilot, "theme")
        await pilot.press("space")
        await until(pilot, lambda: isinstance(app.screen, ThemeChoice))
        await pilot.press("j")
        await until(pilot, lambda: app.theme == "pixshelf-light")
        assert app.settings.theme == "pixshelf-dark"
        await pilot.press("enter")
        await until(pilot, path.exists)
        assert load_config(path).tui == TuiSettings(theme="pixshelf-light")


async def test_a_theme_that_was_only_tried_on_goes_again(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await opened(app, pilot, "theme")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThemeChoice))
        await pilot.press("down", "down", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await until(pilot, lambda: app.theme == "pixshelf-dark")


async def test_pictures_and_confirmations_are_switched(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await opened(app, pilot, "pictures")
        await pilot.press("space")
        await until(pilot, lambda: app.settings.pictures == "kitty")
        await opened(app, pilot, "confirm")
        await pilot.press("space")
        await until(pilot, lambda: not app.settings.confirm)
        await pilot.press("backspace")
        await until(pilot, lambda: app.settings.confirm)


async def test_an_action_gets_the_key_that_is_pressed(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await opened(app, pilot, "key:app.go")
        await pilot.press("space")
        await until(pilot, lambda: isinstance(app.screen, KeyPress))
        await pilot.press("f12")
        await until(pilot, lambda: app.settings.keys == {"app.go": "f12"})
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, KeyPress))
        await pilot.press("f11")
        await until(pilot, lambda: app.settings.keys == {"app.go": "f12,f11"})
        await pilot.press("delete")
        await until(pilot, lambda: app.settings.keys == {})


async def test_a_key_that_another_has_is_asked_about(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await opened(app, pilot, "key:app.go")
        await pilot.press("space", "u")
        await until(pilot, lambda: "Undo" in str(app.screen.query_one(".error").render()))
        assert app.settings.keys == {}
        await pilot.press("u")
        await until(pilot, lambda: app.settings.keys == {"app.go": "u"})


async def test_escape_leaves_a_key_as_it_is(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await opened(app, pilot, "key:app.go")
        await pilot.press("space", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.settings.keys == {}


async def test_finding_shows_what_has_the_words_and_escape_shows_all(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        rows = await opened(app, pilot, "theme")
        many = rows.option_count
        await pilot.press("slash", *"newest", "enter")
        await until(pilot, lambda: 1 < rows.option_count < many)
        await pilot.press("escape")
        await until(pilot, lambda: rows.option_count == many)


async def test_settings_that_cannot_be_written_are_told_of_and_count(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("theme = ", encoding="utf-8")
    async with running(dataset, config_path=path) as (app, pilot):
        app.save_settings(TuiSettings(theme="nord"))
        await until(pilot, lambda: isinstance(app.screen, Message))
        assert app.theme == "nord"
        await pilot.press("escape")
    assert path.read_text("utf-8") == "theme = "


async def test_the_last_of_several_changes_is_what_the_file_keeps(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    async with running(dataset, config_path=path) as (app, pilot):
        for name in ("nord", "dracula", "gruvbox"):
            app.save_settings(TuiSettings(theme=name))
        await until(pilot, lambda: load_config(path).tui == TuiSettings(theme="gruvbox"))


async def test_a_theme_that_there_is_not_is_refused_at_the_start(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="there is no theme 'nrod'") as caught:
        PixshelfApp(dataset, settings=TuiSettings(theme="nrod"))
    assert caught.value.hint == "did you mean 'nord'?"
