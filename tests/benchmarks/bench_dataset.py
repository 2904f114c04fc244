"""How the costs of a dataset file grow from 10,000 to 1,000,000 images. Run by hand.

The files are made (or, with --folder, found as they were left) by generate.py. Every figure is the
median of a few turns, each with a connection of its own whose cache is empty; the system's cache of
the file is warm. A page has 100 images; one 'in the middle' begins at half of all images in its
order. Pages are measured for every filter of the README with every order.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from storage.cursors import write_cursor  # noqa: E402 - a script finds the project first
from storage.opening import open_repository  # noqa: E402
from storage.query import SORT_KEYS, Sort, parse  # noqa: E402
from storage.repository import Repository  # noqa: E402
from tests.benchmarks.generate import make  # noqa: E402

SIZES = (10_000, 100_000, 1_000_000)
OPENING = 1.5
PAGE = 20.0
STATS = 1000.0
LABEL_ALL = 1000.0
LABEL_ONE = 5.0
READING = 10.0
FILTERS = (
    *("", 'label:"class 007"', 'label:"class 007","class 008"', '-label:"class 007"'),
    *("split:test", "split:train", "split:none", "tag:rare", "tag:blurred", "-tag:blurred"),
    *("is:labelled", "is:unlabelled", "is:tagged", "is:deleted", "is:predicted"),
    *("is:wrong", "is:right", "is:uncertain", "-is:wrong", "-is:uncertain"),
    *("model:1 is:wrong", "model:1 is:right", "model:1 is:uncertain", "model:1 conf<0.3"),
    *('predicted:"class 007"', "conf<0.01", "conf<0.1", "conf<0.8", "margin<0.001", "margin<0.1"),
    *("format:png", "format:jpeg", "width>1000", "width>15", "height<=8", "bytes>300"),
    *("bytes<150", "channels:1", "source:0500/", "source:09*.png", "id:12,13", "id>900000"),
    *('label:"class 007" split:test', 'label:"class 007" is:wrong', "split:test conf<0.1"),
)
Measure = Callable[[Repository], object]


def main() -> None:
    """Measure and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the files are, or shall be kept")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="leave out larger ones")
    parser.add_argument("--all", action="store_true", help="a line for every filter and order")
    given = parser.parse_args()
    sizes = [size for size in SIZES if size <= given.largest]
    with scratch(given.folder) as folder:
        paths = [made(folder, size) for size in sizes]
        growth("open, and the first page of ls", paths, opening, OPENING)
        growth("the same as a command", paths, command, None)
        for size, path in zip(sizes, paths, strict=True):
            pages(size, path, every=given.all)
        totals(paths[-1])
        editing(paths[-1], folder)
        reading(paths[-1], folder)


@contextmanager
def scratch(folder: Path | None) -> Iterator[Path]:
    """The folder given, or one that is taken away again."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def made(folder: Path, size: int) -> Path:
    """The file of that size, made where it is not there."""
    path = folder / f"{size}.db"
    if not path.exists():
        started = time.perf_counter()
        make(path, size)
        seconds = time.perf_counter() - started
        print_line(f"make {size:,} images", f"{seconds:.1f} s", f"{path.stat().st_size:,} B")
    return path


def opening(path: Path) -> None:
    """What `ls` does with the dataset."""
    with open_repository(path) as repository:
        repository.images.page(parse(""))


def command(path: Path) -> None:
    """`pixshelf ls` in a process of its own."""
    words = [sys.executable, "-m", "cli", "--db", str(path), "ls", "--limit", "100", "--json"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)


def growth(what: str, paths: list[Path], work: Callable[[Path], None], most: float | None) -> None:
    """One thing at every size, in turns, against the smallest."""
    taken: list[list[float]] = [[] for _ in paths]
    for _ in range(11):
        for times, path in zip(taken, paths, strict=True):
            started = time.perf_counter()
            work(path)
            times.append((time.perf_counter() - started) * 1000)
    first, *others = map(statistics.median, taken)
    shown = " ".join(f"{other:.1f}" for other in (first, *others))
    print_line(what, f"{shown} ms", f"{max([first, *others]) / first:.2f} x the smallest", most)


def pages(size: int, path: Path, *, every: bool) -> None:
    """Every filter with every order: the first page, and one in the middle."""
    worst: list[tuple[float, str]] = []
    for key, sign in product(SORT_KEYS, ("", "-")):
        cursor = middle(path, Sort(key, sign == "-"), size)
        for text in FILTERS:
            query = parse(f"{text} sort:{sign}{key}")
            # A page of 'width>15 sort:width' never begins at a width below 15.
            bounded = any({"conf": "confidence"}.get(t.field, t.field) == key for t in query.terms)
            for where, after in (("first", None), ("middle", cursor))[: 1 if bounded else 2]:

                def page(repository: Repository, after: str | None = after) -> object:
                    return repository.images.page(query, after=after)  # noqa: B023 - called here

                taken = milliseconds(path, page, turns=3)
                name = f"{text} sort:{sign}{key}, {where}"
                worst.append((taken, name))
                if every:
                    print_line(f"  {name}", f"{taken:.1f} ms")
    worst.sort(reverse=True)
    over = sum(taken > PAGE for taken, _ in worst)
    print_line(f"{size:,}: {len(worst)} pages", f"{worst[0][0]:.1f} ms", worst[0][1], PAGE)
    print_line(
        "  median, and over the target",
        f"{statistics.median(taken for taken, _ in worst):.1f} ms",
        f"{over}",
    )
    for taken, name in worst[1 : over if every else 12]:
        print_line(f"  {name}", f"{taken:.1f} ms")


def middle(path: Path, sort: Sort, size: int) -> str:
    """The place at half of all images in an order."""
    import sqlite3

    column, table = sort.key, "image"
    if sort.key in {"confidence", "margin"}:
        table = "prediction WHERE model_id = 2"
    image = "id" if table == "image" else "image_id"
    way = "DESC" if sort.descending else "ASC"
    connection = sqlite3.connect(path)
    row = connection.execute(
        f"SELECT {column}, {image} FROM {table} ORDER BY 1 {way}, 2 {way} LIMIT 1 OFFSET ?",
        (size // 2,),
    ).fetchone()
    connection.close()
    return write_cursor(sort, *row)


def milliseconds(path: Path, work: Measure, *, turns: int) -> float:
    """The median, each turn with a connection of its own; opening it is not counted."""
    taken = []
    for _ in range(turns):
        with open_repository(path) as repository:
            started = time.perf_counter()
            work(repository)
            taken.append((time.perf_counter() - started) * 1000)
            if taken[0] > 500:
                break
    return statistics.median(taken)


def totals(path: Path) -> None:
    """What has to look at everything."""
    print_line("stats", f"{milliseconds(path, lambda r: r.stats(), turns=3):.0f} ms", "", STATS)
    for text in ("", 'label:"class 007"', "is:wrong", "conf<0.8", "-is:predicted", "source:0500/"):
        query = parse(text)
        taken = milliseconds(path, lambda r, q=query: r.images.count(q), turns=3)
        print_line(f"count of '{text}'", f"{taken:.0f} ms")


def editing(path: Path, folder: Path) -> None:
    """Labelling, on a copy."""
    copy = folder / "edited.db"
    with open_repository(path) as repository:
        repository.backup(copy)
    try:
        with open_repository(copy) as repository:
            started = time.perf_counter()
            ids = repository.images.ids(parse('label:"class 007"'))
            action = repository.images.set_label(ids, "new", actor="bench")
            taken = (time.perf_counter() - started) * 1000
            print_line(f"label {action.images:,} by query", f"{taken:.0f} ms", "", LABEL_ALL)
            singles = []
            for image in range(1, 102):
                started = time.perf_counter()
                repository.images.set_label([image], "one", actor="bench")
                singles.append((time.perf_counter() - started) * 1000)
            print_line(
                "label one, durable",
                f"{statistics.median(singles):.1f} ms",
                f"slowest {max(singles):.1f} ms",
                LABEL_ONE,
            )
    finally:
        for left in folder.glob("edited.db*"):
            left.unlink()


def reading(path: Path, folder: Path) -> None:
    """All bytes of a split in id order, against the same bytes in files."""
    with tempfile.TemporaryDirectory(dir=folder) as name, open_repository(path) as repository:
        ids = repository.images.ids(parse("split:val"))
        files = []
        for image, data in repository.images.iter_data(ids):
            file = Path(name) / f"{image // 1000:04}" / f"{image:07}.png"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(data)
            files.append(str(file))
        rows, single = [], []
        for _ in range(5):
            started = time.perf_counter()
            stored = sum(len(data) for _, data in repository.images.iter_data(ids))
            rows.append(time.perf_counter() - started)
            started = time.perf_counter()
            total = 0
            for file_name in files:
                with open(file_name, "rb") as opened:
                    total += len(opened.read())
            single.append(time.perf_counter() - started)
            if stored != total:
                raise SystemExit(f"{stored} bytes are stored, {total} are in the files")
        one, other = statistics.median(rows), statistics.median(single)
        print_line(f"read {len(ids):,} from the dataset", f"{one:.2f} s")
        print_line("the same from warm files", f"{other:.2f} s", f"{other / one:.1f} x", READING)


def print_line(what: str, figure: str, ratio: str = "", target: float | None = None) -> None:
    """One figure, with its target."""
    wanted = "" if target is None else f"(target: {target:g})"
    sys.stdout.write(f"{what:56} {figure:>22}  {ratio} {wanted}".rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
