"""What a user may choose about the app: the table [tui] of the config file, each value checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from storage.errors import UsageError

Pictures = Literal["auto", "kitty", "sixel", "blocks"]
PICTURES: tuple[Pictures, ...] = get_args(Pictures)
KNOWN = ("theme", "pictures", "confirm", "keys", "label-keys", "queries")
MOST_ENTRIES = 500


@dataclass(frozen=True, slots=True)
class TuiSettings:
    """`theme` is the name of one of the app's themes. `pictures` is how a single picture is
    drawn. `confirm` asks before images go to the trash, runs and models are removed, and what
    somebody else did is undone. `keys`
    gives actions, by id, other keys (comma between several); `label_keys` gives keys to labels;
    `queries` are saved queries by name."""

    theme: str = "pixshelf-dark"
    pictures: Pictures = "auto"
    confirm: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    label_keys: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)


def parse_settings(values: Any) -> TuiSettings:
    """Check the table as TOML gave it. Raises UsageError, which names the key and what it takes."""
    if not isinstance(values, dict):
        raise UsageError(f"'tui' is {values!r}", hint="tui is a table: [tui]")
    for key in values:
        if key not in KNOWN:
            from tui.plain.text import nearest, printable

            match = nearest(key, KNOWN)
            raise UsageError(
                f"unknown key 'tui.{printable(key)}'",
                hint=f"did you mean '{match}'?"
                if match
                else f"the keys of [tui] are {', '.join(KNOWN)}",
            )
    pictures = values.get("pictures", "auto")
    if pictures not in PICTURES:
        raise UsageError(
            f"'tui.pictures' is {pictures!r}", hint=f"it takes one of {', '.join(PICTURES)}"
        )
    return TuiSettings(
        theme=_of(str, "theme", values.get("theme", "pixshelf-dark"), "a theme's name"),
        pictures=pictures,
        confirm=_of(bool, "confirm", values.get("confirm", True), "true or false"),
        keys=_texts("keys", values.get("keys", {})),
        label_keys=_texts("label-keys", values.get("label-keys", {})),
        queries=_texts("queries", values.get("queries", {})),
    )


def _of(kind: type[Any], key: str, value: Any, wanted: str) -> Any:
    if type(value) is not kind or value == "":
        raise UsageError(f"'tui.{key}' is {value!r}", hint=f"it takes {wanted}")
    return value


def _texts(key: str, value: Any) -> dict[str, str]:
    if (
        not isinstance(value, dict)
        or len(value) > MOST_ENTRIES
        or not all(isinstance(text, str) and text for text in value.values())
    ):
        raise UsageError(
            f"'tui.{key}' is not understood", hint=f'[tui.{key}] takes lines such as name = "text"'
        )
    return dict(value)
