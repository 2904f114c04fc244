"""docs/app.md says what the app has: every action with its keys, every setting, every screen."""

from __future__ import annotations

import re

import pytest

from docs.keys import PAGE, TITLES, renewed
from tui.actions import SECTIONS
from tui.settings import KNOWN, TuiSettings, parse_settings

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_keys_are_those_of_the_actions() -> None:
    assert renewed(TEXT) == TEXT, "run: python -m docs.keys"


def test_every_section_of_the_registry_has_a_heading() -> None:
    assert set(SECTIONS) - {"help"} == set(TITLES)


def test_every_setting_is_explained() -> None:
    _, _, after = TEXT.partition("\n## Settings\n")
    table, _, _ = after.partition("## ")
    named = set(re.findall(r"^\| `(?:\[tui\.)?([\w-]+)\]?` \|", table, flags=re.MULTILINE))
    assert named == set(KNOWN)


def test_the_defaults_are_as_told() -> None:
    settings = TuiSettings()
    assert f'| `theme` | `"{settings.theme}"` |' in TEXT
    assert f'| `pictures` | `"{settings.pictures}"` |' in TEXT
    assert f"| `confirm` | `{str(settings.confirm).lower()}` |" in TEXT


def test_the_settings_that_are_shown_are_understood() -> None:
    found = parse_settings({"keys": {"grid.all": "ctrl+a,*"}, "label-keys": {"cat": "c"}})
    assert found.keys == {"grid.all": "ctrl+a,*"}


def test_a_page_without_a_place_for_the_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        renewed("# nothing")
