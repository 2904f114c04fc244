"""A real terminal for tests: a tmux server of the test's own, typed into and read back."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class Terminal:
    """One pane of a tmux server, in which one command runs."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", os.devnull, *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"tmux {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def start(self, command: str, *, columns: int, rows: int, env: Mapping[str, str]) -> None:
        """Run a shell command in a pane of that size, which stays when the command has ended."""
        settings = [f"{name}={value}" for name, value in env.items()]
        flags = [word for setting in settings for word in ("-e", setting)]
        self._tmux(
            *("new-session", "-d", "-x", str(columns), "-y", str(rows), *flags, command),
            *(";", "set", "-g", "remain-on-exit", "on", ";", "set", "-g", "escape-time", "0"),
        )

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names for them ('Enter', 'F5', 'C-q') or as they are."""
        for key in keys:
            self._tmux("send-keys", key)

    def write(self, text: str) -> None:
        """Type a text as it is."""
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        """What the terminal shows now."""
        return self._tmux("capture-pane", "-p")

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def until(self, *texts: str, seconds: float = 60.0) -> str:
        """Wait until the terminal shows all the texts at one moment; gives the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.screen()
            if all(text in shown for text in texts):
                return shown
            time.sleep(0.05)
        raise AssertionError(f"{texts} did not come to be shown in {seconds} s:\n{self.screen()}")

    def has_ended(self) -> bool:
        """Whether the command has ended."""
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def exit_code(self, *, seconds: float = 60.0) -> int:
        """Wait for the command's end."""
        end = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > end:
                raise AssertionError(f"still running after {seconds} s:\n{self.screen()}")
            time.sleep(0.05)
        return int(self._tmux("display-message", "-p", "#{pane_dead_status}").strip())

    def close(self) -> None:
        """End the server and what runs in it."""
        self._tmux("kill-server")


@contextmanager
def terminal(
    folder: Path,
    command: str,
    *,
    columns: int = 80,
    rows: int = 24,
    env: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """A terminal in which the command runs, until the end of the block. `folder` takes the
    server's socket and should have a short path."""
    opened = Terminal(folder / "tmux")
    opened.start(command, columns=columns, rows=rows, env=env or {})
    try:
        yield opened
    finally:
        opened.close()
