"""How long `pixshelf --help` and `--version` take, against `sqlite-utils --help`. Run by hand.

The commands take turns, so that a busy moment falls on all of them; medians are compared. Modules
are compiled beforehand. The target is at most half of sqlite-utils, for both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = 0.5


def commands() -> dict[str, list[str]]:
    """What is compared. The installed `pixshelf` is used where it is there."""
    folder = Path(sys.executable).parent
    pixshelf = [str(folder / "pixshelf")]
    if not Path(pixshelf[0]).exists():
        pixshelf = [sys.executable, "-m", "cli"]
    return {
        "pixshelf --help": [*pixshelf, "--help"],
        "pixshelf --version": [*pixshelf, "--version"],
        "sqlite-utils --help": [str(folder / "sqlite-utils"), "--help"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }


def once(command: list[str], environment: dict[str, str]) -> float:
    """Seconds from start to exit. Raises CalledProcessError if the command fails."""
    started = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def main() -> None:
    """Measure and print one line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30, help="runs of each command")
    runs: int = parser.parse_args().runs
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["COLUMNS"] = "80"
    compared = commands()
    seconds: dict[str, list[float]] = {name: [] for name in compared}
    for command in compared.values():
        once(command, environment)
    for _ in range(runs):
        for name, command in compared.items():
            seconds[name].append(once(command, environment))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    yardstick = medians["sqlite-utils --help"]
    for name, median in medians.items():
        verdict = ""
        if name.startswith("pixshelf"):
            verdict = "  met" if median <= TARGET * yardstick else f"  MISSED, target {TARGET}"
        sys.stdout.write(
            f"{name:22} median {median * 1000:6.1f} ms  min {min(seconds[name]) * 1000:6.1f} ms"
            f"  {median / yardstick:5.2f} x{verdict}\n"
        )


if __name__ == "__main__":
    main()
