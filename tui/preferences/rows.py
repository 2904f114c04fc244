"""The settings as rows of a list, and what the rows say. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tui.actions import SECTIONS, actions_of, every_action
from tui.actions.info import ActionInfo
from tui.keys.keymap import keys_of, rivals, shown
from tui.plain.text import printable
from tui.settings import PICTURES, TuiSettings

_PICTURES = {
    "auto": "the best that the terminal can",
    "kitty": "Kitty's protocol",
    "sixel": "Sixel",
    "blocks": "half-blocks, which every terminal can",
}
_TITLES = {"app": "everywhere", "grid": "grid of images", "importing": "import"}
KEY = "key:"
"""How the id of a row with an action's keys begins; the action's id follows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a setting or, without an id, a heading."""

    id: str | None
    name: str
    value: str = ""
    note: str = ""


def rows_of(settings: TuiSettings, words: str = "", config: Path | None = None) -> list[Row]:
    """All rows, or those that have every one of the words somewhere, under their headings."""
    groups = [
        (f"Settings, kept in {printable(str(config))}" if config else "Settings", _plain(settings)),
        *((f"Keys: {_TITLES.get(name, name)}", _keys(settings, name)) for name in SECTIONS),
        ("Keys of labels (changed where labels are given)", _labels(settings.label_keys)),
    ]
    found: list[Row] = []
    for heading, rows in groups:
        kept = [row for row in rows if _has(row, words)]
        if kept:
            found += [Row(None, heading), *kept]
    return found


def _has(row: Row, words: str) -> bool:
    text = f"{row.name} {row.value} {row.note}".casefold()
    return all(word in text for word in words.casefold().split())


def _plain(settings: TuiSettings) -> list[Row]:
    return [
        Row("theme", "Theme", settings.theme, "the colours"),
        Row("pictures", "Pictures", settings.pictures, _PICTURES[settings.pictures]),
        Row(
            "confirm",
            "Confirmations",
            "on" if settings.confirm else "off",
            "ask before images go to the trash, runs and models are removed, "
            "and others' actions are undone",
        ),
    ]


def _keys(settings: TuiSettings, section: str) -> list[Row]:
    return [
        Row(
            KEY + info.id,
            info.title,
            " ".join(map(shown, keys_of(info, settings.keys))) or "-",
            "changed" if info.id in settings.keys else info.help,
        )
        for info in actions_of(section)
    ]


def _labels(chosen: Mapping[str, str]) -> list[Row]:
    return [Row(f"label:{name}", printable(name), shown(key)) for name, key in chosen.items()]


def next_pictures(settings: TuiSettings) -> TuiSettings:
    """The settings with the next way of drawing a picture."""
    at = PICTURES.index(settings.pictures)
    return replace(settings, pictures=PICTURES[(at + 1) % len(PICTURES)])


def with_key(settings: TuiSettings, action: str, key: str, *, add: bool = False) -> TuiSettings:
    """The settings with a key for an action, in place of those it had, or beside them."""
    before = keys_of(every_action()[action], settings.keys) if add else ()
    keys = tuple(dict.fromkeys((*before, key)))
    return _with_keys(settings, action, keys)


def reset(settings: TuiSettings, row: str) -> TuiSettings:
    """The settings with the value of one row as it was at first."""
    default = TuiSettings()
    if row.startswith(KEY):
        return replace(settings, keys=_without(settings.keys, row.removeprefix(KEY)))
    if row.startswith("label:"):
        left = _without(settings.label_keys, row.removeprefix("label:"))
        return replace(settings, label_keys=left)
    if row == "theme":
        return replace(settings, theme=default.theme)
    if row == "pictures":
        return replace(settings, pictures=default.pictures)
    return replace(settings, confirm=default.confirm)


def conflict(settings: TuiSettings, info: ActionInfo, key: str) -> str:
    """Who has the key already where the action is; '' for nobody."""
    found = rivals(info, key, settings.keys)
    if not found:
        return ""
    others = ", ".join(f"'{other.title}' ({other.id})" for other in found[:3])
    return f"{shown(key)} is the key of {others}"


def _with_keys(settings: TuiSettings, action: str, keys: tuple[str, ...]) -> TuiSettings:
    if keys == every_action()[action].keys:
        return replace(settings, keys=_without(settings.keys, action))
    return replace(settings, keys={**settings.keys, action: ",".join(keys)})


def _without(table: Mapping[str, str], name: str) -> dict[str, str]:
    return {each: value for each, value in table.items() if each != name}
