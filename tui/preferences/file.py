"""The settings in the config file: written where they differ, with everything else left as it is.

The file is replaced as a whole (a temporary file beside it, then a rename), so that whoever reads
it meets the old one or the new one. Comments, order and other keys are kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import UsageError
from tui.settings import TuiSettings

if TYPE_CHECKING:
    from tomlkit.items import Table

_PLAIN = ("theme", "pictures", "confirm")
_TABLES = {"keys": "keys", "label-keys": "label_keys", "queries": "queries"}


def write_settings(path: Path, settings: TuiSettings) -> None:
    """Put the settings into the config file, which is made where there is none. Raises OSError,
    and UsageError for a file that is not TOML, which is left alone."""
    real = Path(os.path.realpath(path))  # a link stays a link
    try:
        before = real.read_text("utf-8")
    except FileNotFoundError:
        before = ""
    except UnicodeDecodeError as error:
        raise _not_toml(path, error) from error
    after = merged(before, settings, path)
    if after == before:
        return
    real.parent.mkdir(parents=True, exist_ok=True)
    new = real.with_name(f".{real.name}.{os.getpid()}.new")
    try:
        with new.open("x", encoding="utf-8") as file:
            if real.exists():
                new.chmod(real.stat().st_mode & 0o7777)
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        new.replace(real)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def merged(text: str, settings: TuiSettings, path: Path) -> str:
    """The content of a config file with these settings in its table [tui]. A value that is the
    default is written only where the file has one. `path` is for the message. Raises UsageError
    for a text that is not TOML."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
    except (TOMLKitError, RecursionError) as error:
        raise _not_toml(path, error) from error
    table: Any = document.get("tui")
    if not isinstance(table, dict):
        table = tomlkit.table()
    default = TuiSettings()
    for name in _PLAIN:
        value = getattr(settings, name)
        if name in table:
            if table[name] != value:
                table[name] = value
        elif value != getattr(default, name):
            table[name] = value
    for name, field in _TABLES.items():
        _merge(table, name, getattr(settings, field))
    if table and "tui" not in document:
        document["tui"] = table
    return tomlkit.dumps(document)


def _merge(table: Table, name: str, wanted: Mapping[str, str]) -> None:
    import tomlkit

    if name not in table:
        if wanted:
            made = tomlkit.table()
            made.update(dict(wanted))
            table[name] = made
        return
    found: Any = table[name]
    for key in [key for key in found if key not in wanted]:
        del found[key]
    for key, value in wanted.items():
        if found.get(key) != value:
            found[key] = value


def _not_toml(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"config file {path} is not valid TOML: {error}",
        hint="mend it by hand; the settings count until the app is closed",
    )
