"""The memory of a training: the peak of its largest process, for digits and for a large set."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.measuring import Aim, Book
from tests.benchmarks.training_data import Given, Source, digits_28, imported, make_pictures
from tests.benchmarks.trainings import Trained, train

AIMS = (
    Aim("memory-mnist", "above", "at most", 1_500),
    Aim("memory-made", "peak", "at most", 4_000),
)
MADE, STEPS = 100_000, 300


def digits(given: Given, scratch: Path, book: Book) -> None:
    """One epoch of MNIST: the peak above the one array that holds all pictures."""
    dataset = scratch / "mnist.db"
    imported(digits_28(given, scratch), dataset, scratch)
    trained = train(dataset, scratch, "--epochs", 1)
    _write(book, "memory-mnist", trained)


def made(given: Given, scratch: Path, book: Book) -> None:
    """A few hundred steps on 100,000 made colour pictures of 64 x 64, with validation, checkpoints
    and conversion."""
    archive, dataset = scratch / "made.zip", scratch / "made.db"
    count = max(1_000, round(MADE * given.scale))
    if not dataset.exists():
        make_pictures(archive, count)
        source = Source((archive,), archive)
        seconds = imported(source, dataset, scratch)
        book.add("memory-made", "import", 0, seconds=seconds, speed=count / seconds)
        archive.unlink()
    trained = train(dataset, scratch, "--steps", STEPS)
    _write(book, "memory-made", trained)


def _write(book: Book, part: str, trained: Trained) -> None:
    started = next(event for event in trained.events if event["event"] == "started")
    pixels = started["height"] * started["width"] * started["channels"]
    array = (started["train"] + started["val"]) * pixels / 1e6
    peak = trained.ran.peak
    book.add(part, "pixshelf", 0, peak=peak, above=peak - array, seconds=trained.ran.seconds)
