"""What the queues of the review cost on a large dataset: first items, count, list. Run by hand.

`bench_review.py million.db`, a file of generate.py. Beside every list, in turns with it and in this
process, goes a bare loop: one statement of SQL over the same rows, every row taken into Python.
What needs a model's answers in order is measured apart, for several queries.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from ml.comparing import compare  # noqa: E402 - a script finds the project first
from ml.evaluating import evaluate_stored  # noqa: E402
from ml.review_items import read_items  # noqa: E402
from ml.review_queue import Queue  # noqa: E402
from ml.reviewing import count, first_page, listing, resolve  # noqa: E402
from storage.opening import open_repository  # noqa: E402
from storage.query import parse  # noqa: E402
from storage.repository import Repository  # noqa: E402
from tests.benchmarks.measuring import machine, say  # noqa: E402

FIRST = 48
ANSWERS = (
    "SELECT p.image_id, p.model_id, l.name, p.confidence, p.margin, b.probabilities "
    "FROM prediction AS p INDEXED BY prediction_image "
    "CROSS JOIN prediction_probabilities AS b ON b.prediction_id = p.id "
    "CROSS JOIN label AS l ON l.id = p.label_id WHERE p.model_id = 1 ORDER BY p.image_id"
)
WRONG = "SELECT image_id FROM prediction WHERE model_id = 2 AND wrong = 1 ORDER BY confidence DESC"
UNSURE = "SELECT image_id FROM prediction WHERE model_id = 2 AND {} ORDER BY {}"
PRINTS = "SELECT id, pixel_hash, dhash, split, width, height, bytes FROM image"
LABELS = "SELECT id, label_id FROM image WHERE label_id IS NOT NULL"
QUEUES: tuple[tuple[Queue, tuple[str, ...]], ...] = (
    (Queue("wrong", "weak"), (WRONG,)),
    (Queue("confidence", "weak"), (UNSURE.format("confidence < 0.8", "confidence"),)),
    (Queue("margin", "weak"), (UNSURE.format("margin < 0.3", "margin"),)),
    (Queue("labels", "good"), (LABELS, ANSWERS)),
    (Queue("disagreement", "good", "weak"), (ANSWERS, ANSWERS.replace("= 1", "= 2"))),
    (Queue("duplicates"), (PRINTS, LABELS)),
)
"""Each queue, and the statements that read the rows that its list is made of."""

QUERIES = ("", "split:test", 'label:"class 007"', "tag:blurred", "-tag:rare", "width>15", "id:5,9")


def main() -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="a file that generate.py made")
    parser.add_argument("--turns", type=int, default=3, help="of each figure the median is told")
    given = parser.parse_args()
    say(", ".join(f"{name} {value}" for name, value in machine().items()))
    with open_repository(given.dataset) as repo:
        queues(repo, given.dataset, given.turns)
        answers(repo, given.dataset, given.turns)


def queues(repo: Repository, path: Path, turns: int) -> None:
    """First items, count and list of each queue."""
    say(f"{'queue':14}{'first':>10}{'count':>10}{'list':>10}{'loop':>10}{'ratio':>8}")
    for asked, statements in QUEUES:
        one_queue(repo, resolve(repo, asked), path, statements, turns)


def one_queue(
    repo: Repository, queue: Queue, path: Path, statements: tuple[str, ...], turns: int
) -> None:
    """A line for one of them."""
    # Of one that has to be listed nothing is there before the list is.
    quick = first_page(repo, queue, 1) is not None
    if quick:
        begin(repo, queue)  # the first of all imports NumPy, which the app has done long before
    first = median(turns, lambda: begin(repo, queue)) if quick else None
    counting = median(turns, lambda: count(repo, queue)) if quick else None
    whole, loop = in_turns(turns, lambda: listing(repo, queue), lambda: bare(path, statements))
    shown = "".join(f"{told(each):>10}" for each in (first, counting, whole, loop))
    say(f"{queue.kind:14}{shown}{whole / loop:7.2f}x")


def answers(repo: Repository, path: Path, turns: int) -> None:
    """A model's stored answers for several queries, and what is made of all of them."""
    say(f"{'answers for':22}{'rows':>10}{'time':>10}{'a row':>10}")
    for text in QUERIES:
        one_query(repo, text, turns)
    made: dict[str, Callable[[], object]] = {
        "all answers": lambda: taken(repo, ""),
        "evaluated": lambda: evaluate_stored(repo, "good", parse("")),
        "two models compared": lambda: compare(repo, "good", "weak", parse(""), flips=100),
    }
    for name, work in made.items():
        seconds, loop = in_turns(turns, work, lambda: bare(path, (ANSWERS,)))
        say(f"{name:22}{told(seconds):>10}{told(loop):>10} the loop{seconds / loop:7.2f}x")


def one_query(repo: Repository, text: str, turns: int) -> None:
    """A line for the answers of one query."""
    rows = taken(repo, text)
    seconds = median(turns, lambda: taken(repo, text))
    say(f"{text or 'all':22}{rows:10,}{told(seconds):>10}{seconds / rows * 1e6:7.1f} us")


def taken(repo: Repository, text: str) -> int:
    """How many stored answers the good model has for a query, every one being read."""
    return sum(1 for _ in repo.predictions.of_model(1, parse(text)))


def begin(repo: Repository, queue: Queue) -> None:
    """What the screen reads before it shows the first item."""
    first = first_page(repo, queue, FIRST)
    if first is not None:
        read_items(repo, queue, first, range(min(4, len(first))))


def bare(path: Path, statements: tuple[str, ...]) -> int:
    """The rows of the statements, one by one."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return sum(1 for statement in statements for _ in connection.execute(statement))
    finally:
        connection.close()


def median(turns: int, work: Callable[[], object]) -> float:
    """The median of the seconds that some work takes."""
    return statistics.median(timed(work) for _ in range(turns))


def in_turns(
    turns: int, ours: Callable[[], object], other: Callable[[], object]
) -> tuple[float, float]:
    """The medians of two, in turns, so that a busy moment falls on both."""
    pairs = [(timed(ours), timed(other)) for _ in range(turns)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def told(seconds: float | None) -> str:
    """As it is printed."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


if __name__ == "__main__":
    main()
