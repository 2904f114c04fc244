"""Training: how good in how much time, against keras-io's recipe, and what it costs besides.

    python -m tests.benchmarks.bench_training --mnist DIR --cifar ZIP --photos ZIP --out FILE

DIR holds MNIST's four IDX files, gzipped or not; --cifar is an archive of train/LABEL and
test/LABEL folders, --photos one of LABEL folders. Parts whose data is not given are left out;
--only names the parts to run, so that a long run can be done piece by piece with one --out FILE.

Every side is a whole process, start-up included, and the sides take turns: for each seed first the
reference, then ours, which is given the reference's wall time (or a quarter of it) as its
--minutes. Importing is not counted on our side, nor unpacking on the other. --skip-reference takes
the reference's figures from FILE, where it has them. --scale 0.02 tries everything out with a
fiftieth of the pictures and of the reference's epochs, and judges nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import (
    bench_training_costs,
    bench_training_memory,
    bench_training_survival,
    references,
)
from tests.benchmarks.measuring import Aim, Book, Failure, Run, measured, pixshelf, say
from tests.benchmarks.training_data import Given, Source, digits_28, imported, objects_32, photos
from tests.benchmarks.trainings import tested, train

AIMS = (
    Aim("mnist-time", "accuracy", "at least", 0.9960),
    Aim("mnist-time", "ratio", "at most", 1.0),
    Aim("mnist-time", "ece", "at most", 0.005),
    Aim("mnist-fast", "gain", "at least", 0.0),
    Aim("mnist-fast", "ratio", "at most", 0.25),
    Aim("mnist-thorough", "accuracy", "at least", 0.9970),
    Aim("mnist-thorough", "seconds", "at most", 1800, "worst"),
    Aim("cifar", "gain", "at least", 0.10),
    Aim("cifar", "ratio", "at most", 1.0),
    Aim("cifar", "ece", "at most", 0.03),
    Aim("cats-dogs", "gain", "at least", 0.08),
    Aim("cats-dogs", "seconds", "at most", 300, "worst"),
    Aim("digits", "accuracy", "at least", 0.98, "worst"),
    Aim("digits", "seconds", "at most", 30, "worst"),
    *bench_training_costs.AIMS,
    *bench_training_memory.AIMS,
    *bench_training_survival.AIMS,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every part gets: its data, a folder of its own, and the book."""

    given: Given
    scratch: Path
    book: Book


def in_the_same_time(bench: Bench, seed: int) -> None:
    """MNIST in the wall time of the reference."""
    against_reference(bench, "mnist-time", "mnist", seed, digits_28(bench.given, bench.scratch), 1)


def in_a_quarter(bench: Bench, seed: int) -> None:
    """MNIST in a quarter of the reference's wall time."""
    source = digits_28(bench.given, bench.scratch)
    against_reference(bench, "mnist-fast", "mnist", seed, source, 0.25)


def thorough(bench: Bench, seed: int) -> None:
    """MNIST by the thorough preset, with no other to compare."""
    source = digits_28(bench.given, bench.scratch)
    ours(bench, "mnist-thorough", "mnist", seed, source, None, "--preset", "thorough")


def cifar(bench: Bench, seed: int) -> None:
    """CIFAR-10's subset in the wall time of the reference."""
    against_reference(bench, "cifar", "cifar", seed, objects_32(bench.given, bench.scratch), 1)


def cats_dogs(bench: Bench, seed: int) -> None:
    """200 photos to learn from, as `pixshelf train` would without an option."""
    source = photos(bench.given, bench.scratch, seed)
    theirs = reference(bench, f"photos{seed}", seed, source, batch=32)
    ours(bench, "cats-dogs", f"photos{seed}", seed, source, theirs)


def small_digits(bench: Bench, seed: int) -> None:
    """scikit-learn's 1,797 digits of 8 x 8, which `pixshelf demo` uses, divided by the seed."""
    dataset = bench.scratch / f"digits{seed}.db"
    words = ("import", "digits", "--split", "auto", "--seed", seed)
    measured(pixshelf(dataset, *words), bench.scratch)
    ours(bench, "digits", f"digits{seed}", seed, None, None)


def against_reference(
    bench: Bench, part: str, data: str, seed: int, source: Source, share: float
) -> None:
    """Ours with `share` of the reference's wall time as its budget."""
    theirs = reference(bench, data, seed, source, batch=128)
    minutes = f"{share * theirs.figures['seconds'] / 60:.4f}"
    ours(bench, part, data, seed, source, theirs, "--minutes", minutes)


def reference(bench: Bench, data: str, seed: int, source: Source, *, batch: int) -> Run:
    """The reference on this data with this seed: measured now, unless it is in the book."""
    known = bench.book.find(data, "reference", seed)
    if known is not None:
        return known
    epochs = max(1, round(references.EPOCHS * bench.given.scale))
    ran, accuracy = references.train_recipe(
        source.arrays, bench.scratch, batch=batch, epochs=epochs, seed=seed
    )
    return bench.book.add(
        data, "reference", seed, accuracy=accuracy, seconds=ran.seconds, peak=ran.peak
    )


def ours(
    bench: Bench,
    part: str,
    data: str,
    seed: int,
    source: Source | None,
    theirs: Run | None,
    *options: str,
) -> None:
    """Train on the dataset of that name, imported if need be, and test the model."""
    dataset = bench.scratch / f"{data}.db"
    if source is not None:
        imported(source, dataset, bench.scratch)
    trained = train(dataset, bench.scratch, "--seed", seed, *options)
    result = tested(dataset, bench.scratch, trained.done["model"])
    figures = {
        "accuracy": result["accuracy"],
        "seconds": trained.ran.seconds,
        "ece": result["ece"],
        "peak": trained.ran.peak,
    }
    if theirs is not None:
        figures["gain"] = result["accuracy"] - theirs.figures["accuracy"]
        figures["ratio"] = trained.ran.seconds / theirs.figures["seconds"]
    bench.book.add(part, "pixshelf", seed, **figures)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the benchmark that can be run alone. `needs` names the data, `lasts` says how
    long at full scale on 2 cores; `seeded` parts are run once for each seed."""

    name: str
    run: Callable[[Bench, int], None]
    lasts: str
    needs: str | None = None
    seeded: bool = False


def _cost(measure: Callable[[Given, Path, Book], None]) -> Callable[[Bench, int], None]:
    return lambda bench, seed: measure(bench.given, bench.scratch, bench.book)


PARTS = (
    Part("mnist-time", in_the_same_time, "about 5 minutes a seed", "mnist", seeded=True),
    Part("mnist-fast", in_a_quarter, "about 40 s a seed after mnist-time", "mnist", seeded=True),
    Part("cifar", cifar, "about 1 minute a seed", "cifar", seeded=True),
    Part("cats-dogs", cats_dogs, "up to 6 minutes a seed", "photos", seeded=True),
    Part("digits", small_digits, "about 20 s a seed", seeded=True),
    Part("throughput", _cost(bench_training_costs.throughput), "about 5 minutes", "mnist"),
    Part("decode", _cost(bench_training_costs.decoding), "about 1 minute"),
    Part("checkpoints", _cost(bench_training_costs.checkpoints), "about 1 minute", "mnist"),
    Part("memory-mnist", _cost(bench_training_memory.digits), "about 30 s", "mnist"),
    Part("memory-made", _cost(bench_training_memory.made), "about 4 minutes"),
    Part("resume", _cost(bench_training_survival.resume), "about 4 minutes", "mnist"),
    Part("mnist-thorough", thorough, "up to 30 minutes a seed", "mnist", seeded=True),
)


def main() -> int:
    """Run the parts; the exit status is 1 if an aim is missed or a part failed."""
    chosen = _arguments()
    given = Given(chosen.mnist, chosen.cifar, chosen.photos, chosen.scale)
    parts = [part for part in PARTS if not chosen.only or part.name in chosen.only]
    left_out = [part for part in parts if part.needs and getattr(given, part.needs) is None]
    for part in left_out:
        say(f"{part.name:15} left out: it needs --{part.needs}")
    parts = [part for part in parts if part not in left_out]
    book = Book(given.scale, chosen.out)
    if chosen.skip_reference:
        book.recall()
    book.begin()
    with tempfile.TemporaryDirectory(dir=chosen.scratch) as name:
        bench = Bench(given, Path(name), book)
        for part in parts:
            say(f"{part.name:15} takes {part.lasts}")
        # Seeds outside, so that the sides of one seed take turns.
        first = chosen.first_seed
        for seed in range(first, first + chosen.seeds):
            for part in parts:
                if part.seeded or seed == first:
                    _run(part, bench, seed)
    return 0 if book.judge(AIMS) else 1


def _run(part: Part, bench: Bench, seed: int) -> None:
    try:
        part.run(bench, seed)
    except Failure as failure:
        bench.book.fail(part.name, str(failure))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [part.name for part in PARTS]
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="MNIST's four IDX files")
    parser.add_argument("--cifar", type=Path, metavar="ZIP", help="train and test folders")
    parser.add_argument("--photos", type=Path, metavar="ZIP", help="a folder for each label")
    parser.add_argument("--only", action="append", choices=names, metavar="PART")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0, metavar="N")
    parser.add_argument("--scale", type=float, default=1.0, metavar="SHARE")
    parser.add_argument("--out", type=Path, metavar="FILE", help="append JSON lines to it")
    parser.add_argument("--skip-reference", action="store_true")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="for temporary files")
    parser.epilog = f"parts: {', '.join(names)}"
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
