"""What every test shares: surroundings that say nothing about the machine it runs on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.pg_server import (
    postgres_dataset,
    postgres_dataset_url,
    postgres_server,
    postgres_url,
)

__all__ = [
    "neutral_surroundings",
    "postgres_dataset",
    "postgres_dataset_url",
    "postgres_server",
    "postgres_url",
]

# A shell lets what it runs in the background ignore Ctrl-C, and so would every process that a test
# starts and then interrupts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FOLDERS = {"XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state"}
TERMINAL = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "LINES")


@pytest.fixture(scope="session", autouse=True)
def neutral_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No settings, data or logs of whoever runs the tests, for this process and its children."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("PIXSHELF_") or name in TERMINAL:
                patch.delenv(name)
        for name, folder in FOLDERS.items():
            patch.setenv(name, str(home / folder))
        yield
