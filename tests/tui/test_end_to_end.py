"""A person's session in a real terminal: browse, label, take back, train, look at the mistakes.

Runs where tmux is installed; `.ci/run` sees to that.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from storage.opening import open_repository
from storage.query import parse
from tests.tui.tmux import Terminal, terminal

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="px") as name:
        yield Path(name)


def app_on(db: Path, folder: Path) -> str:
    """The command line that opens the app on a dataset, with nothing of the user's around it."""
    words = [sys.executable, "-m", "cli", "--db", str(db)]
    return f"cd {shlex.quote(str(ROOT))} && HOME={shlex.quote(str(folder))} {shlex.join(words)}"


def environment(folder: Path) -> dict[str, str]:
    names = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    return {name: str(folder / name) for name in names} | {
        "PATH": os.environ["PATH"],
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def test_a_session_from_opening_to_the_confusion_matrix(db: Path, short_folder: Path) -> None:
    command = app_on(db, short_folder)
    with terminal(
        short_folder, command, columns=100, rows=30, env=environment(short_folder)
    ) as tty:
        tty.until("Library", "1 of 120")
        filter_by(tty, "label:3 split:train")
        with open_repository(db) as repo:
            threes = repo.images.ids(parse("label:3 split:train"))
        tty.until(f"1 of {len(threes)}")
        for position, key in enumerate("512", 2):
            tty.type(key)
            tty.until(f"{position} of {len(threes)}")
        tty.type("u")
        tty.until("undone")
        with open_repository(db) as repo:
            assert [repo.images.get(image).label for image in threes[:3]] == ["5", "1", "3"]
            states = [action.state for action in repo.history.actions(limit=3)]
            assert states == ["undone", "done", "done"]
        train_a_little(tty)
        tty.type("F5")
        tty.until("has not answered for all of test yet")
        tty.type("Enter")
        tty.until("true\\pred", "recall")
        tty.type("C-q")
        assert tty.exit_code() == 0
    with open_repository(db) as repo:
        assert repo.runs.all()[0].status == "done"
        assert len(repo.models.all()) == 2


def filter_by(tty: Terminal, query: str) -> None:
    """Type a query into the library's line."""
    tty.type("/")
    tty.write(query)
    tty.type("Enter")


def train_a_little(tty: Terminal) -> None:
    """Train for one epoch, from the form."""
    tty.type("F4")
    tty.until("preset", "epochs", "Start training")
    tty.type("Tab", "Tab")
    tty.write("1")
    tty.type("C-s")
    tty.until("model 2", seconds=180)
