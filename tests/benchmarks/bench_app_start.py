"""How long the app takes from process start to its first full frame and first pictures. By hand.

`pixshelf` runs on a pty as a user starts it, on a dataset of 1,000 and one of 1,000,000 images,
in turns with `harlequin --help` where that is given, so that a busy moment falls on all of them;
medians are compared. The first frame is there when the line of keys, which is drawn with
everything else, has arrived; the pictures are, when a half-block has. Modules are compiled before.
"""

from __future__ import annotations

import argparse
import compileall
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.benchmarks.generate import make  # noqa: E402 - a script finds the project first

FRAME, PICTURE = "Help", "▀"
MOST_SECONDS, MOST_GROWTH, MOST_SHARE = 0.6, 1.2, 0.5
PATIENCE, BETWEEN = 30.0, 3.0
"""Seconds that are waited for the first mark, and from one to the next."""


@dataclass(slots=True)
class Times:
    """Seconds to each mark of one command, over its runs."""

    command: Sequence[str]
    marks: tuple[str, ...]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, mark: str) -> float:
        """The median over the runs that came to the mark; not a number where none did."""
        found = self.seconds.get(mark)
        return statistics.median(found) if found else float("nan")


def once(times: Times, size: tuple[int, int], *, keep: bool) -> None:
    """Start the command on a pty, and note when each mark has arrived. Then it is killed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment.update(TERM="xterm-256color", COLORTERM="truecolor")
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        os.chdir(ROOT)
        os.execvpe(times.command[0], list(times.command), environment)  # noqa: S606 - no shell
    started = time.perf_counter()
    written = b""
    missing = list(times.marks)
    end = started + PATIENCE
    try:
        while missing and time.perf_counter() < end:
            if not select.select([master], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(master, 65536)
            except OSError:  # it has ended
                break
            written += part
            for mark in [mark for mark in missing if mark.encode() in written]:
                missing.remove(mark)
                end = time.perf_counter() + BETWEEN
                if keep:
                    passed = time.perf_counter() - started
                    times.seconds.setdefault(mark, []).append(passed)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


def app_on(path: Path) -> Times:
    """The app on a dataset, started as it is installed, or from the checkout."""
    installed = Path(sys.executable).with_name("pixshelf")
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "cli"]
    return Times([*start, "--db", str(path)], (FRAME, PICTURE))


def report(small: Times, large: Times, other: Times | None) -> None:
    """One line for each command, and what the aims come to."""
    for name, times in (("1,000 images", small), ("1,000,000 images", large)):
        frame, picture = times.median(FRAME), times.median(PICTURE)
        say(f"{name:18} first frame {frame * 1000:6.0f} ms   pictures {picture * 1000:6.0f} ms")
    first = large.median(FRAME)
    judge("seconds to the first frame", first, MOST_SECONDS)
    judge("growth from 1,000 to 1,000,000", first / small.median(FRAME), MOST_GROWTH)
    if other is not None:
        yardstick = other.median("Usage")
        say(f"{'harlequin --help':18} {yardstick * 1000:6.0f} ms")
        judge("share of harlequin --help", first / yardstick, MOST_SHARE)


def judge(name: str, value: float, most: float) -> None:
    """Say whether a figure is at most what it may be."""
    say(f"{name:32} {value:5.2f}  {'met' if value <= most else 'MISSED'}, at most {most}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--large", type=Path, help="a dataset of 1,000,000 images; else one is made"
    )
    parser.add_argument("--harlequin", type=Path, help="the program 'harlequin', to compare with")
    parser.add_argument("--runs", type=int, default=11, help="runs of each command")
    parser.add_argument("--size", default="80x24", help="the terminal's columns and rows")
    given = parser.parse_args()
    columns, _, rows = given.size.partition("x")
    for folder in ("cli", "tui", "ml", "storage"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "thousand.db"
        make(small, 1_000)
        large = given.large
        if large is None:
            large = Path(folder) / "million.db"
            make(large, 1_000_000)
        compared = [app_on(small), app_on(large)]
        other = Times([str(given.harlequin), "--help"], ("Usage",)) if given.harlequin else None
        for run in range(given.runs + 1):
            for times in [*compared, *([other] if other else [])]:
                once(times, (int(columns), int(rows)), keep=run > 0)
        report(compared[0], compared[1], other)


if __name__ == "__main__":
    main()
