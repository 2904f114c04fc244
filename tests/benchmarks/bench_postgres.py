"""How long an import into PostgreSQL takes against the same into a dataset file. Run by hand.

MNIST's training images as PNG files, and photos, each stored several times with other bytes at the
end. A turn is `pixshelf import` into a new dataset file and then into a new database, both timed
from start to exit; medians are compared. The server is one of its own with PostgreSQL's own
settings: what it says is stored is on the disk.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.benchmarks.bench_import import (  # noqa: E402 - a script finds the project first
    print_line,
    timed,
    write_digits,
)
from tests.pg_server import AS_SHIPPED, Server, running_server  # noqa: E402

TO_FILE = 3.0


def main() -> None:
    """Measure and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="a folder with MNIST's gzipped IDX files")
    parser.add_argument("--photos", type=Path, help="a zip of photos")
    parser.add_argument("--count", type=int, default=60_000, help="how many of MNIST's images")
    parser.add_argument("--stored", type=int, default=10_000, help="how many photos are stored")
    parser.add_argument("--runs", type=int, default=3, help="turns; medians are compared")
    given = parser.parse_args()
    if given.mnist is None and given.photos is None:
        parser.error("say where the data is: --mnist DIR, --photos ZIP")
    with tempfile.TemporaryDirectory() as name, running_server(tcp=False, **AS_SHIPPED) as server:
        scratch = Path(name)
        if given.mnist is not None:
            source = scratch / "digits"
            write_digits(given.mnist, source, given.count)
            compare("MNIST", source, scratch, server, given.runs)
        if given.photos is not None:
            source = scratch / "photos"
            write_photos(given.photos, source, given.stored)
            compare("photos", source, scratch, server, given.runs)


def compare(what: str, source: Path, scratch: Path, server: Server, runs: int) -> None:
    """Take turns, and print what came of them."""
    files, servers, images, size = [], [], 0, 0
    for _ in range(runs):
        for path in scratch.glob("bench.db*"):
            path.unlink()
        seconds, images = imported(str(scratch / "bench.db"), source)
        files.append(seconds)
        name = server.create_database()
        seconds, there = imported(server.url(name), source)
        servers.append(seconds)
        if there != images:
            raise SystemExit(f"{images} images went into the file and {there} to the server")
        size = size_of(server, name)
        server.drop_database(name)
    one, other = statistics.median(files), statistics.median(servers)
    print_line(f"{what}, {images:,}, file", f"{one:.2f} s")
    print_line(f"{what}, PostgreSQL", f"{other:.2f} s", f"{other / one:.2f} x the file", TO_FILE)
    file = (scratch / "bench.db").stat().st_size
    print_line(f"{what}, on disk", f"{size:,} B", f"{size / file:.2f} x the file")


def imported(dataset: str, source: Path) -> tuple[float, int]:
    """The seconds that an import took, and how many images it added."""
    command = [sys.executable, "-m", "cli", "--db", dataset, "import", str(source), "--json"]
    seconds, _, said = timed(command)
    return seconds, int(json.loads(said)["added"])


def size_of(server: Server, name: str) -> int:
    """The bytes that a database takes, less what an empty one does."""
    with closing(server.connect()) as connection:
        row = connection.execute(
            "SELECT pg_database_size(%s) - pg_database_size('template1')", (name,)
        ).fetchone()
    return 0 if row is None else int(str(row[0]))


def write_photos(path: Path, target: Path, count: int) -> None:
    """The photos of a zip, each so often, with other bytes at the end, that they are `count`."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith((".jpg", ".png"))]
        for index in range(count):
            name = names[index % len(names)]
            place = target / Path(name).parent.name
            place.mkdir(parents=True, exist_ok=True)
            data = archive.read(name)
            (place / f"{index:06}{Path(name).suffix}").write_bytes(data + index.to_bytes(4))


if __name__ == "__main__":
    main()
