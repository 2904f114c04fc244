"""What a query's first page costs in PostgreSQL, against the same dataset in a file. Run by hand.

Both hold the same rows, made by generate.py, with measures for every image; the server is one of
its own with PostgreSQL's own settings, reached through its socket. Every filter that the README
and bench_dataset.py name is asked with every order. A page has 100 images; it is asked of one and
the other in turns, through repositories that stay open. Two things are compared: the quickest turn
of each, and the processor time of each, which other work on the machine hardly changes. On the
server's side it is that of this process and of the server's processes that answer it.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from storage.opening import open_repository  # noqa: E402 - a script finds the project first
from storage.postgres.schema import SCHEMA, TABLES  # noqa: E402
from storage.query import SORT_KEYS, Query, parse  # noqa: E402
from storage.records import Measures  # noqa: E402
from storage.repository import Repository  # noqa: E402
from tests.benchmarks.bench_dataset import FILTERS, made, print_line, scratch  # noqa: E402
from tests.pg_server import Server, running_server  # noqa: E402

SIZE = 100_000
AIM = 3.0
TURNS = 7
SEEN = 2.0
"""Milliseconds; of what takes a server less, most is the way there and back."""
LOOKS = (
    *("is:dark", "is:bright", "is:blank", "is:one-colour", "is:blurry", "is:animated", "-is:dark"),
    *("is:odd-size", "is:odd-aspect", "is:dark,blank"),
)
OTHERS = (
    *('label:"class 007" split:train', "split:test width>=12", "-tag:rare", "split:none,val"),
    *("is:wrong conf>0.95", "is:uncertain", "margin<0.2", "conf>=0.9", "-conf<0.65"),
    *('-predicted:"class 007"', "is:wrong,unlabelled", "tag:rare is:wrong", "format:jpeg,png"),
    *("source:05[0-4]*/*[13579].png", "-source:05*", "id>=90000 id<=90500", "tag:blurred,rare"),
    *("is:tagged -is:predicted", "width:12 height:12", "bytes>=200 bytes<210", "label:nothing"),
)
DEFAULTS: dict[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "'128MB'",
    "max_wal_size": "'1GB'",
    "max_worker_processes": "8",
}
"""What a PostgreSQL has that nobody has set anything of."""

_BATCH = 10_000


def main() -> None:
    """Measure and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the file is, or shall be kept")
    parser.add_argument("--size", type=int, default=SIZE, help="how many images")
    parser.add_argument("--turns", type=int, default=TURNS, help="how often a page is asked for")
    parser.add_argument("--all", action="store_true", help="a line for every filter and order")
    parser.add_argument("--only", help="only filters that have this in them")
    given = parser.parse_args()
    with scratch(given.folder) as folder, running_server(tcp=False, **DEFAULTS) as server:
        path = made(folder, given.size)
        measure(path, given.size)
        url = copied(path, server)
        with open_repository(path) as file, open_repository(url) as served:
            if file.stats() != served.stats():
                raise SystemExit("the two datasets are not the same")
            filters = [text for text in queries() if given.only is None or given.only in text]
            workers = partial(workers_of, server, url)
            compare(file, served, workers, filters, turns=given.turns, every=given.all)


def queries() -> tuple[str, ...]:
    """Every filter, each once."""
    return tuple(dict.fromkeys((*FILTERS, *LOOKS, *OTHERS)))


def measure(path: Path, size: int) -> None:
    """Store made-up measures of every image in a file, where there are none."""
    below = random.Random(size).random
    with open_repository(path) as repository:
        ids = iter(repository.measurements.missing(Query(), version=1))
        while batch := list(islice(ids, _BATCH)):
            measures = {
                image: Measures(
                    low=int(below() * 240),
                    high=int(60 + below() * 195),
                    contrast=below() * 100,
                    spread=int(below() * 256),
                    sharpness=below(),
                    animated=below() < 0.001,
                )
                for image in batch
            }
            repository.measurements.save(measures, version=1)


def copied(path: Path, server: Server) -> str:
    """A database with the rows of a dataset file; gives its URL."""
    name = server.create_database()
    url = server.url(name)
    open_repository(url, create=True).close()
    source = sqlite3.connect(path)
    started = time.perf_counter()
    with server.connect(name) as target, target.cursor() as cursor:
        target.execute(f"SET search_path TO {SCHEMA}")
        for table in TABLES:
            if table == "dataset":
                continue
            columns = cursor.execute(
                "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s::regclass "
                "AND attnum > 0 ORDER BY attnum",
                (table,),
            ).fetchall()
            names = ", ".join(str(column) for column, _ in columns)
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types([int(str(kind)) for _, kind in columns])
                for row in source.execute(f"SELECT {names} FROM {table}"):
                    copy.write_row(row)
        # As the server does by itself within the minute.
        target.execute("VACUUM (ANALYZE)")
    source.close()
    print_line("copy the rows", f"{time.perf_counter() - started:.1f} s")
    return url


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page costs from the file and from the server: milliseconds of the quickest turn, and
    of processor time."""

    name: str
    wall: tuple[float, float]
    processor: tuple[float, float]

    def ratio(self, what: str) -> float:
        """How many times the file's figure the server's is; `what` is 'wall' or 'processor'."""
        one, other = self.wall if what == "wall" else self.processor
        return other / one

    def told(self) -> str:
        """Both figures of both."""
        (one, other), (spent, others) = self.wall, self.processor
        return f"{one:.2f} / {other:.2f}, processor {spent:.2f} / {others:.2f} ms"


def compare(
    file: Repository,
    served: Repository,
    workers: Callable[[], list[int]],
    filters: Sequence[str],
    *,
    turns: int,
    every: bool,
) -> None:
    """The first page of every filter with every order, of both. `workers` gives the processes of
    the server that answer."""
    found: list[Asked] = []
    for text, key, sign in product(filters, SORT_KEYS, ("", "-")):
        name = f"{text} sort:{sign}{key}".strip()
        query = parse(name)
        pages = [repository.images.page(query) for repository in (file, served)]
        if pages[0].next != pages[1].next or pages[0].images != pages[1].images:
            raise SystemExit(f"'{name}' gives other images in the two")
        found.append(in_turns(name, query, (file, served), workers(), turns=turns))
        if every:
            print_line(f"  {name}", found[-1].told())
    report(found)


def in_turns(
    name: str,
    query: Query,
    repositories: tuple[Repository, Repository],
    workers: Sequence[int],
    *,
    turns: int,
) -> Asked:
    """Ask the one and the other for a first page, so many times."""
    wall: tuple[list[float], list[float]] = ([], [])
    processor = [0.0, 0.0]
    for _ in range(turns):
        for side, repository in enumerate(repositories):
            spent, started = busy(workers), time.perf_counter()
            repository.images.page(query)
            wall[side].append((time.perf_counter() - started) * 1000)
            processor[side] += busy(workers) - spent
    one, other = (value / turns for value in processor)
    return Asked(name, (min(wall[0]), min(wall[1])), (one, other))


def busy(workers: Sequence[int]) -> float:
    """Milliseconds that this thread and those processes have had a core."""
    times = (Path(f"/proc/{pid}/schedstat").read_text().split()[0] for pid in workers)
    return time.thread_time() * 1000 + sum(map(int, times)) / 1e6


def workers_of(server: Server, url: str) -> list[int]:
    """The processes that answer those who are connected to a database."""
    with server.connect() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
            "AND datname = %s",
            (url.partition("?")[0].rpartition("/")[2],),
        ).fetchall()
    return [int(str(row[0])) for row in rows]


def report(found: list[Asked]) -> None:
    """How the ratios are spread, and every page beyond the aim."""
    for what in ("wall", "processor"):
        ratios = sorted(one.ratio(what) for one in found)
        middle, most = statistics.median(ratios), ratios[int(len(ratios) * 0.95)]
        print_line(
            f"{len(found)} first pages, {what} time", f"{middle:.2f} x", f"95 %: {most:.2f} x"
        )
        for bound in (1.0, 2.0, AIM):
            share = sum(ratio <= bound for ratio in ratios) / len(ratios)
            print_line(f"  at most {bound:g} x", f"{share:.1%}")
    slow = [one for one in found if one.wall[1] > SEEN]
    share = sum(one.ratio("wall") <= AIM for one in slow) / max(1, len(slow))
    print_line(f"  {len(slow)} over {SEEN:g} ms, at most {AIM:g} x", f"{share:.1%}")
    for side, of in (("file", 0), ("server", 1)):
        times = sorted(one.wall[of] for one in found)
        rest = f"95 %: {times[int(len(times) * 0.95)]:.2f} ms, all: {times[-1]:.2f} ms"
        print_line(f"  {side}, half of all", f"{statistics.median(times):.2f} ms", rest)
    for one in sorted(found, key=lambda one: -one.ratio("processor")):
        wall, processor = one.ratio("wall"), one.ratio("processor")
        if max(wall, processor) > AIM:
            print_line(f"  {one.name}", one.told(), f"{wall:.2f} x, {processor:.2f} x")


if __name__ == "__main__":
    main()
