"""The config file: TOML, few keys, each checked.

An unknown key or a value of the wrong type is a UsageError that names the key, what was found
and the nearest key there is. A file that is not there means the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import UsageError

if TYPE_CHECKING:
    from tui.settings import TuiSettings

MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of the config file. None means that the file does not say."""

    db: str | None = None
    quiet: bool = False
    threads: int | None = None
    tui: TuiSettings | None = None


EXPECTED = {
    "db": (str, "a string: the dataset's path or URL"),
    "quiet": (bool, "true or false"),
    "threads": (int, "a whole number from 1 to 1024"),
}


def default_config_path() -> Path:
    """Where the config file is looked for when none is named."""
    from platformdirs import user_config_path

    return user_config_path("pixshelf", appauthor=False) / "config.toml"


def load_config(path: Path, *, must_exist: bool = False) -> Config:
    """Read and check the config file. Raises UsageError for one that cannot be read or makes no
    sense, and, with `must_exist`, for one that is not there."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise UsageError(
                f"there is no config file {path}", hint="check --config or PIXSHELF_CONFIG"
            ) from None
        return Config()
    except OSError as error:
        raise UsageError(f"config file {path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"config file {path} is over {MAX_BYTES} bytes: not a config file")
    return parse_config(content, path)


def parse_config(content: bytes, path: Path) -> Config:
    """Check the bytes of a config file. `path` is for the messages, and what a relative `db`
    is relative to. Raises UsageError."""
    import tomllib

    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"config file {path} is not valid TOML: {error}") from error
    for key, value in values.items():
        if key != "tui":  # a table, checked as a whole
            _check(key, value, path)
    db = values.get("db")
    return Config(
        db=_from_here(db, path) if db is not None else None,
        quiet=values.get("quiet", False),
        threads=values.get("threads"),
        tui=_tui(values["tui"], path) if "tui" in values else None,
    )


def _tui(table: Any, path: Path) -> TuiSettings:
    from tui.settings import parse_settings

    try:
        return parse_settings(table)
    except UsageError as error:
        raise UsageError(f"config file {path}: {error.message}", hint=error.hint) from error


def _check(key: str, value: Any, path: Path) -> None:
    if key not in EXPECTED:
        from cli.text import nearest

        names = [field.name for field in fields(Config)]
        match = nearest(key, names)
        raise UsageError(
            f"config file {path}: unknown key {key!r}",
            hint=f"did you mean {match!r}?" if match else f"the keys are {', '.join(names)}",
        )
    kind, wanted = EXPECTED[key]
    in_bounds = 1 <= value <= 1024 if isinstance(value, int) and kind is int else value != ""
    if type(value) is not kind or not in_bounds:
        raise UsageError(f"config file {path}: {key!r} is {value!r}", hint=f"{key} takes {wanted}")


def _from_here(db: str, path: Path) -> str:
    if "://" in db:
        return db
    return str(path.parent.absolute() / Path(db).expanduser())
