"""Every command line in this folder runs in a home of its own, with no settings around it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app

Run = Callable[..., Result]
RunProcess = Callable[..., "subprocess.CompletedProcess[str]"]

RunTerminal = Callable[..., tuple[int, str]]
ROOT = Path(__file__).parents[2]

FOLDERS = {
    "HOME": "home",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "XDG_CACHE_HOME": "cache",
}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, and none of pixshelf's variables set."""
    for name in list(os.environ):
        if name.startswith("PIXSHELF_") or name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
            monkeypatch.delenv(name)
    home = tmp_path / "own"
    for name, folder in FOLDERS.items():
        (home / folder).mkdir(parents=True)
        monkeypatch.setenv(name, str(home / folder))
    return home


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where the test's dataset file is, or will be."""
    return tmp_path / "test.db"


@pytest.fixture
def run(db: Path) -> Run:
    """Run a command line on the test's dataset within this process."""

    def invoke(*words: object, stdin: str | bytes | None = None, on: object = db) -> Result:
        line = ["--db", str(on), *(str(word) for word in words)]
        return CliRunner().invoke(app, line, input=stdin, prog_name="pixshelf")

    return invoke


@pytest.fixture
def run_process(db: Path) -> RunProcess:
    """Run a command line on the test's dataset in a process of its own."""

    def start(
        *words: object, stdin: str | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", "--db", str(db), *(str(word) for word in words)],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, **(env or {})},
            cwd=ROOT,
        )

    return start


@pytest.fixture
def run_terminal(db: Path) -> RunTerminal:
    """Run a command line on a terminal of 80 columns; gives its exit code and all it wrote.
    `interrupt_at` sends SIGINT once that text has been written."""

    def start(
        *words: object,
        keys: str = "",
        interrupt_at: str | None = None,
        env: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        child = subprocess.Popen(
            [sys.executable, "-m", "cli", "--db", str(db), *(str(word) for word in words)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
        )
        os.close(terminal)
        os.write(master, keys.encode())
        written = b""
        # Linux says EIO where the other end is closed, other systems give an empty read.
        with contextlib.suppress(OSError):
            while part := os.read(master, 65536):
                written += part
                if interrupt_at is not None and interrupt_at.encode() in written:
                    interrupt_at = None
                    child.send_signal(signal.SIGINT)
        os.close(master)
        return child.wait(timeout=60), written.decode("utf-8", "replace")

    return start
