"""Several sources imported one after the other, with one report over all of them: paths, and the
names of datasets that Keras and scikit-learn have."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from ml.known_datasets import NAMES, write_known
from storage.errors import RefusedInput
from storage.importing.measuring import SplitChoice
from storage.importing.pipeline import ImportReport, import_source
from storage.redacting import redacted
from storage.repository import Repository


@dataclass(frozen=True, slots=True)
class Choices:
    """What every source is imported with; the words are those of `import_source`."""

    format: str | None = None
    split: SplitChoice = None
    label: str | None = None
    tags: tuple[str, ...] = ()
    seed: int = 0


@dataclass(slots=True)
class Totals:
    """What became of all sources together. `refusals` holds the first thousand of each source."""

    added: int = 0
    duplicates: int = 0
    refused: int = 0
    refusals: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: bool = False

    def refuse(self, source: str, error: RefusedInput) -> None:
        """Count a whole source as refused."""
        self.refused += 1
        reason = error.message if error.hint is None else f"{error.message} ({error.hint})"
        self.refusals.append((redacted(source), redacted(reason)))

    def take(self, report: ImportReport) -> None:
        """Add what became of one source."""
        self.added += report.added
        self.duplicates += report.duplicates
        self.refused += report.refused
        self.refusals += report.refusals
        self.stopped = self.stopped or report.stopped


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an import is: the source, by its place among `sources`, and the counts over all of
    them. `total` is that of this source, None where it is not known; `done` counts within it.
    `fetching` says that the source is a known dataset which is being loaded."""

    source: str
    place: int
    sources: int
    done: int
    total: int | None
    added: int
    duplicates: int
    refused: int
    seconds: float
    fetching: bool = False


def is_known(source: str) -> bool:
    """Whether a source is the name of a known dataset, there being no file of that name."""
    return source in NAMES and not Path(source).exists()


def take_in(
    repo: Repository,
    sources: Sequence[str],
    choices: Choices,
    *,
    tell: Callable[[Standing], None],
    should_stop: Callable[[], bool],
) -> Totals:
    """Import each source, and refuse those that cannot be imported as a whole. `tell` is called
    often, in this thread. What was added before `should_stop` stays, and the same import begun
    again adds what is missing."""
    totals = Totals()
    with TemporaryDirectory(prefix="pixshelf-") as folder:
        for place, source in enumerate(sources, start=1):
            if should_stop():
                totals.stopped = True
                break
            one = _One(source, place, len(sources), totals, tell)
            try:
                _take_one(repo, one, choices, should_stop, Path(folder))
            except RefusedInput as error:
                totals.refuse(source, error)
    return totals


@dataclass(slots=True)
class _One:
    """One of the sources while it is imported, and the telling of it."""

    source: str
    place: int
    sources: int
    totals: Totals
    tell: Callable[[Standing], None]
    began: float = field(default_factory=time.monotonic)

    def told(
        self,
        done: int,
        total: int | None,
        added: int,
        duplicates: int,
        refused: int,
        *,
        fetching: bool = False,
    ) -> None:
        """Tell the counts of this source as those over all of them."""
        self.tell(
            Standing(
                self.source,
                self.place,
                self.sources,
                done,
                total,
                self.totals.added + added,
                self.totals.duplicates + duplicates,
                self.totals.refused + refused,
                time.monotonic() - self.began,
                fetching,
            )
        )


def _take_one(
    repo: Repository, one: _One, choices: Choices, should_stop: Callable[[], bool], folder: Path
) -> None:
    path, location = Path(one.source), None
    if is_known(one.source):
        one.told(0, None, 0, 0, 0, fetching=True)
        path, location = folder / f"{one.source}.npz", one.source
        write_known(one.source, path)
        one.began = time.monotonic()
    report = import_source(
        repo,
        path,
        # A known dataset is a file of ours, whatever the others are read as.
        format=choices.format if location is None else None,
        location=location,
        split=choices.split,
        label=choices.label,
        tags=choices.tags,
        seed=choices.seed,
        progress=one.told,
        should_stop=should_stop,
    )
    one.totals.take(report)
    one.totals.notes += (f"{path.name}: {note}" for note in report.notes)
