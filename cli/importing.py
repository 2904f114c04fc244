"""Several sources imported one after the other, with one report over all of them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.output import note
from cli.progress import progress
from cli.session import Session
from storage.errors import RefusedInput
from storage.importing.measuring import SplitChoice
from storage.importing.pipeline import import_source
from storage.repository import Repository

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Choices:
    """The flags that every source is imported with."""

    format: str | None
    split: SplitChoice
    label: str | None
    tags: tuple[str, ...]
    seed: int


@dataclass(slots=True)
class Totals:
    """What became of all sources together. `refusals` holds the first thousand of each source."""

    added: int = 0
    duplicates: int = 0
    refused: int = 0
    refusals: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, source: str, error: RefusedInput) -> None:
        """Count a whole source as refused."""
        self.refused += 1
        reason = error.message if error.hint is None else f"{error.message} ({error.hint})"
        self.refusals.append((source, reason))


def import_all(state: Session, sources: Sequence[str], choices: Choices) -> Totals:
    """Import each source that is there, `-` being standard input, and refuse the others. The
    dataset file is made if it is not there, unless no source is."""
    totals = Totals()
    with _on_disk(sources) as places:
        found = []
        for place in places:
            if place.exists():
                found.append(place)
            else:
                totals.refuse(str(place), RefusedInput("there is no such file or folder"))
        if found:
            with state.open(create=True) as repo:
                for place in found:
                    _import_one(repo, place, choices, totals, quiet=state.quiet)
    return totals


def _import_one(
    repo: Repository, place: Path, choices: Choices, totals: Totals, *, quiet: bool
) -> None:
    with progress(f"importing {place.name}", quiet=quiet) as update:

        def on_progress(
            done: int, total: int | None, added: int, duplicates: int, refused: int
        ) -> None:
            update(done, total, f"{added:,} new, {duplicates:,} known, {refused:,} refused")

        try:
            report = import_source(
                repo,
                place,
                format=choices.format,
                split=choices.split,
                label=choices.label,
                tags=choices.tags,
                seed=choices.seed,
                progress=None if quiet or not sys.stderr.isatty() else on_progress,
            )
        except RefusedInput as error:
            totals.refuse(str(place), error)
            return
    totals.added += report.added
    totals.duplicates += report.duplicates
    totals.refused += report.refused
    totals.refusals += report.refusals
    for remark in report.notes:
        note(f"{place.name}: {remark}", quiet=quiet)


@contextmanager
def _on_disk(sources: Sequence[str]) -> Iterator[list[Path]]:
    """The sources as paths; standard input is first written to a temporary file."""
    if STDIN not in sources:
        yield [Path(source) for source in sources]
        return
    with TemporaryDirectory(prefix="pixshelf-") as folder:
        spooled = Path(folder) / "stdin"
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield [spooled if source == STDIN else Path(source) for source in sources]
