"""What one invocation was told: which dataset, which config file, how quiet.

Precedence is flag, then environment, then config file, then default. The global options may
stand before or after the command's name; the later one wins.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from cli.config import Config
    from storage.repository import Repository


DEFAULT_WAIT = 10.0
"""Seconds that a write waits for another process that writes, and a command for a server."""

REFUSED_WAIT = 3.0
"""Seconds that a command waits where no server listens, unless it was told how long to wait: more
often than a server that starts, that is a wrong port."""


@dataclass(slots=True)
class Session:
    """The global options as given, and what follows from them."""

    db_flag: str | None = None
    config_flag: str | None = None
    quiet_flag: bool = False
    wait: float = DEFAULT_WAIT
    wait_given: bool = False
    _config: Config | None = field(default=None, repr=False)

    @property
    def config_path(self) -> Path:
        """The config file that counts, whether or not it is there."""
        from cli.config import default_config_path

        named = self.config_flag or os.environ.get("PIXSHELF_CONFIG")
        return Path(named).expanduser() if named else default_config_path()

    @property
    def config(self) -> Config:
        """The config file's content, read once. Raises UsageError if it makes no sense."""
        if self._config is None:
            from cli.config import load_config

            named = self.config_flag or os.environ.get("PIXSHELF_CONFIG")
            self._config = load_config(self.config_path, must_exist=bool(named))
        return self._config

    @property
    def db_named(self) -> str | None:
        """The dataset's path or URL as the user named it; None where the default is meant."""
        return self.db_flag or os.environ.get("PIXSHELF_DB") or self.config.db

    @property
    def db(self) -> str:
        """The dataset's path or URL, without the password that it may have been named with: this
        process remembers that. Raises UsageError for a URL that cannot be read."""
        from storage.opening import shown

        return shown(self.db_named or str(default_data_folder() / "pixshelf.db"))

    @property
    def db_words(self) -> list[str]:
        """What a command line that is suggested needs, to mean the same dataset."""
        return ["--db", self.db] if self.db_flag else []

    @property
    def quiet(self) -> bool:
        """Whether notes and progress are unwanted."""
        return self.quiet_flag or self.config.quiet

    @property
    def refused(self) -> float | None:
        """How long to wait where no server listens; None where --wait says it."""
        return None if self.wait_given else REFUSED_WAIT

    def open(self, *, create: bool = False) -> Repository:
        """Open the dataset; with `create`, make the dataset file if it is not there.
        Raises DatasetError."""
        from storage.opening import open_repository

        if create and self.db_named is None:
            default_data_folder().mkdir(parents=True, exist_ok=True)
        return open_repository(
            self.db, create=create, wait=self.wait, refused=self.refused, told=self.tell
        )

    def tell(self, text: str) -> None:
        """Say something on stderr that is not data, unless notes are unwanted."""
        from cli.output import note

        note(text, quiet=self.quiet)

    def threads(self, flag: int | None) -> int | None:
        """The number of threads asked for; None leaves the choice to the command."""
        return flag if flag is not None else self.config.threads


def default_data_folder() -> Path:
    """Where dataset files are kept when no path is named."""
    from platformdirs import user_data_path

    return user_data_path("pixshelf", appauthor=False)


def session(ctx: typer.Context) -> Session:
    """The Session of the running command."""
    found = ctx.find_object(Session)
    if found is None:
        raise RuntimeError("a command ran outside the root group")
    return found
