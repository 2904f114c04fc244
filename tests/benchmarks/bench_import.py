"""How long an import takes against a bare loop, how much memory and how much disk. Run by hand.

MNIST's training images are written as PNG files in class folders. Then, taking turns, a bare loop
(read, decode with Pillow, sha256, insert the bytes in one SQLite transaction), `pixshelf import`,
and the same import again. Both run in processes of their own and are timed from start to exit;
medians are compared, so that a busy moment falls on all of them.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TO_BARE = 1.3
SECOND = 0.5
MEMORY = 400
DIGITS_ON_DISK = 1.35
PHOTOS_ON_DISK = 1.02


def main() -> None:
    """Measure and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="a folder with MNIST's gzipped IDX files")
    parser.add_argument("--photos", type=Path, help="a zip of photos, for its size on disk")
    parser.add_argument("--count", type=int, default=60_000, help="how many of MNIST's images")
    parser.add_argument("--runs", type=int, default=3, help="turns; medians are compared")
    parser.add_argument("--bare", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare is not None:
        bare_loop(*given.bare)
        return
    if given.mnist is None and given.photos is None:
        parser.error("say where the data is: --mnist DIR, --photos ZIP")
    with tempfile.TemporaryDirectory() as name:
        if given.mnist is not None:
            digits(given.mnist, Path(name), given.count, given.runs)
        if given.photos is not None:
            photos(given.photos, Path(name), given.runs)


def digits(mnist: Path, scratch: Path, count: int, runs: int) -> None:
    """MNIST as PNG files."""
    source = scratch / "digits"
    images = write_digits(mnist, source, count)
    compare("MNIST", source, images, scratch, runs, DIGITS_ON_DISK)


def photos(path: Path, scratch: Path, runs: int) -> None:
    """The photos as files, and as they are in the zip."""
    source = scratch / "photos"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(source)
    images = sum(file.stat().st_size for file in source.rglob("*") if file.is_file())
    compare("photos", source, images, scratch, runs, PHOTOS_ON_DISK)
    dataset = scratch / "zip.db"
    seconds, _, _ = timed(importing(dataset, path))
    print_line("photos, from the zip", f"{seconds:.2f} s", f"{dataset.stat().st_size / images:.3f}")


def compare(what: str, source: Path, images: int, scratch: Path, runs: int, on_disk: float) -> None:
    """Take turns, and print what came of them."""
    bare, first, again, memory = [], [], [], 0
    dataset = scratch / "bench.db"
    here = [sys.executable, str(Path(__file__).resolve())]
    for _ in range(runs):
        for path in scratch.glob("*.db*"):
            path.unlink()
        bare.append(timed([*here, "--bare", str(source), str(scratch / "bare.db")])[0])
        seconds, peak, said = timed(importing(dataset, source))
        first.append(seconds)
        memory = max(memory, peak)
        added = json.loads(said)["added"]
        seconds, peak, said = timed(importing(dataset, source))
        again.append(seconds)
        memory = max(memory, peak)
        if not added or json.loads(said)["added"]:
            raise SystemExit(f"{added} images were added, and then {json.loads(said)['added']}")
    loop, one, two = map(statistics.median, (bare, first, again))
    size = dataset.stat().st_size
    print_line(f"{what}, bare loop", f"{loop:.2f} s")
    print_line(f"{what}, import", f"{one:.2f} s", f"{one / loop:.2f} x the loop", TO_BARE)
    print_line(f"{what}, again", f"{two:.2f} s", f"{two / one:.2f} x the first", SECOND)
    print_line(f"{what}, memory", f"{memory} MiB in the largest process", "", MEMORY)
    print_line(f"{what}, on disk", f"{size:,} B", f"{size / images:.3f} x the images", on_disk)


def importing(dataset: Path, source: Path) -> list[str]:
    """The command that imports."""
    return [sys.executable, "-m", "cli", "--db", str(dataset), "import", str(source), "--json"]


def timed(command: list[str]) -> tuple[float, int, str]:
    """Seconds from start to exit, the memory in MiB of the largest process, and what it printed.
    Raises SystemExit if the command fails."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} left with {process.returncode}")
        out.seek(0)
        return seconds, usage.ru_maxrss // 1024, out.read()


def write_digits(mnist: Path, target: Path, count: int) -> int:
    """The images as PNG, in a folder for each digit; gives their bytes in all."""
    from PIL import Image

    pixels = gzip.decompress((mnist / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((mnist / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    total = 0
    for index in range(min(count, len(labels))):
        image = Image.frombytes("L", (28, 28), pixels[index * 784 : (index + 1) * 784])
        path = target / str(labels[index]) / f"{index:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
        total += path.stat().st_size
    return total


def bare_loop(source: Path, target: Path) -> None:
    """What any import must do at the least."""
    from PIL import Image

    connection = sqlite3.connect(target)
    connection.execute("CREATE TABLE image (id INTEGER PRIMARY KEY, sha256 BLOB, data BLOB)")
    with connection:
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                with open(f"{folder}/{name}", "rb") as file:
                    data = file.read()
                with Image.open(BytesIO(data)) as image:
                    image.load()
                connection.execute(
                    "INSERT INTO image (sha256, data) VALUES (?, ?)",
                    (hashlib.sha256(data).digest(), data),
                )
    connection.close()


def print_line(what: str, figure: str, ratio: str = "", target: float | None = None) -> None:
    """One figure, with its target."""
    wanted = "" if target is None else f"(target: at most {target:g})"
    sys.stdout.write(f"{what:24} {figure:>16}  {ratio:24} {wanted}".rstrip() + "\n")


if __name__ == "__main__":
    main()
