"""How long `db copy` takes into PostgreSQL against into a dataset file, and back. Run by hand.

MNIST's training images are imported once. Then, taking turns, whole processes: the file copied to a
file, the file copied into a fresh database of a server of this script's own (with settings by
which it waits for the disk), and that database copied to a file. All of them read back and
compare everything. Medians are compared, so that a busy moment falls on all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from tests.benchmarks.measuring import Failure, Ran, measured, pixshelf, say
from tests.pg_server import Server, running_server

TO_FILE = 3.0
MEMORY = 250


def main() -> None:
    """Measure and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="a folder with MNIST's IDX files")
    parser.add_argument("--runs", type=int, default=3, help="turns; medians are compared")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, durable_server() as server:
        try:
            copies(given.mnist, Path(name), server, given.runs)
        except Failure as error:
            raise SystemExit(str(error)) from error


def durable_server() -> AbstractContextManager[Server]:
    """A server that waits for the disk, as one does that holds something dear."""
    return running_server(fsync="on", full_page_writes="on", shared_buffers="'128MB'")


def copies(mnist: Path, scratch: Path, server: Server, runs: int) -> None:
    """The turns, and their medians."""
    source = scratch / "mnist.db"
    images = [str(path) for path in sorted(mnist.glob("train-images-idx3-ubyte*"))]
    if not images:
        raise SystemExit(f"there is no train-images-idx3-ubyte in {mnist}")
    measured(pixshelf(source, "import", images[0]), scratch)
    sides: dict[str, list[Ran]] = {"file to file": [], "file to server": [], "server to file": []}
    for turn in range(runs):
        url = server.url(server.create_database())
        back = scratch / f"back-{turn}.db"
        sides["file to file"].append(copy(source, scratch / f"file-{turn}.db", scratch))
        sides["file to server"].append(copy(source, url, scratch))
        sides["server to file"].append(copy(url, back, scratch))
    base = statistics.median(ran.seconds for ran in sides["file to file"])
    for side, each in sides.items():
        seconds = statistics.median(ran.seconds for ran in each)
        ratio = seconds / base
        aim = ""
        if side == "file to server":
            aim = f"(at most {TO_FILE:g} x: {'met' if ratio <= TO_FILE else 'MISSED'})"
        peak = max(ran.peak for ran in each)
        say(f"{side:16} {seconds:6.2f} s  {ratio:5.2f} x  {peak:5.0f} MB  {aim}")
    if max(ran.peak for each in sides.values() for ran in each) > MEMORY:
        sys.exit(f"a copy took more than {MEMORY} MB")


def copy(source: Path | str, target: Path | str, scratch: Path) -> Ran:
    """One copy, as a process of its own. Raises Failure."""
    ran = measured(pixshelf(Path("unused.db"), "db", "copy", source, target, "--json"), scratch)
    report = json.loads(ran.output)
    if report["resumed"] or report["images"] != report["rows"]["image_data"]:
        raise Failure(f"the copy to {target} was not one of everything")
    return ran


if __name__ == "__main__":
    main()
