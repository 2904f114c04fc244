"""A process on a terminal of its own (a pty that it is the session leader of), read as it draws."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class OnTerminal:
    """The process, what it wrote so far, and the terminal's attributes before it began."""

    def __init__(self, pid: int, master: int, before: list[Any]) -> None:
        self.pid, self.written, self._before = pid, b"", before
        self._master: int | None = master
        self._code: int | None = None

    def type(self, text: str) -> None:
        """Press keys."""
        assert self._master is not None
        os.write(self._master, text.encode())

    def read(self, seconds: float) -> bool:
        """Take what was written; whether the terminal is still open."""
        if self._master is None:
            time.sleep(seconds)
            return False
        if not select.select([self._master], [], [], seconds)[0]:
            return True
        try:
            part = os.read(self._master, 65536)
        except OSError:  # Linux says EIO where nobody has the other end any more
            return False
        self.written += part
        return bool(part)

    def until(self, text: str, *, seconds: float = 60.0) -> None:
        """Wait until it has written the text."""
        end = time.monotonic() + seconds
        while text.encode() not in self.written:
            if not self.read(0.05) or time.monotonic() > end:
                raise AssertionError(f"{text!r} was not written:\n{self.text}")

    def exit_code(self, *, seconds: float = 60.0) -> int:
        """Wait for its end; gives the exit code, or the signal as a negative number."""
        end = time.monotonic() + seconds
        while self._code is None:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                raise AssertionError(f"still running after {seconds} s:\n{self.text}")
        if self._master is not None:
            while select.select([self._master], [], [], 0.05)[0] and self.read(0.0):
                pass
        return self._code

    @property
    def text(self) -> str:
        """What it wrote."""
        return self.written.decode("utf-8", "replace")

    def is_restored(self) -> bool:
        """Whether the terminal is as it was: its own screen, and its attributes."""
        assert self._master is not None
        left = self.text.rfind("\x1b[?1049l") > self.text.rfind("\x1b[?1049h")
        return left and termios.tcgetattr(self._master) == self._before

    def hang_up(self) -> None:
        """Take the terminal away."""
        if self._master is not None:
            os.close(self._master)
            self._master = None

    def end(self) -> None:
        """End it, where it has not ended."""
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.hang_up()


@contextmanager
def on_terminal(
    words: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    size: tuple[int, int] = (80, 24),
) -> Iterator[OnTerminal]:
    """Python with these words on a terminal of its own, until the end of the block."""
    surroundings = {**os.environ, "TERM": "xterm-256color", **(env or {})}
    pid, master = pty.fork()
    if pid == 0:
        try:
            os.chdir(ROOT)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.execve(sys.executable, [sys.executable, *words], surroundings)  # noqa: S606 - no shell
        finally:
            os._exit(127)
    process = OnTerminal(pid, master, termios.tcgetattr(master))
    try:
        yield process
    finally:
        process.end()
