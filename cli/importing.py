"""Several sources imported one after the other, with one report over all of them: paths, standard
input, and the names of datasets that Keras and scikit-learn have."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.output import note
from cli.progress import progress
from cli.session import Session
from cli.text import nearest, plural
from ml.intake import Choices, Totals
from storage.errors import RefusedInput
from storage.importing.pipeline import import_source
from storage.query import parse
from storage.redacting import refuse_database
from storage.repository import Repository

STDIN = "-"


def import_all(state: Session, sources: Sequence[str], choices: Choices) -> Totals:
    """Import each source that is there, `-` being standard input, and refuse the others. What is no
    path may be the name of a known dataset. The dataset file is made if it is not there, unless no
    source is."""
    totals = Totals()
    with _on_disk(sources) as places, TemporaryDirectory(prefix="pixshelf-") as folder:
        found: list[tuple[Path, str | None]] = []
        for place in places:
            if place.exists():
                found.append((place, None))
                continue
            try:
                fetched = _known(str(place), Path(folder), quiet=state.quiet)
            except RefusedInput as error:
                totals.refuse(str(place), error)
            else:
                found.append((fetched, str(place)))
        if found:
            with state.open(create=True) as repo:
                for place, name in found:
                    _import_one(repo, place, choices, totals, name=name, quiet=state.quiet)
                if totals.duplicates:
                    _say_what_lies_in_the_trash(repo, quiet=state.quiet)
    return totals


def _known(name: str, folder: Path, *, quiet: bool) -> Path:
    """The dataset of that name, as a file in the folder. Raises RefusedInput if there is none, or
    it cannot be had."""
    from ml.known_datasets import KERAS, NAMES, cache_folder, write_known

    if name not in NAMES:
        refuse_database(name)
        match = nearest(name, NAMES)
        hint = f"the dataset {match} is imported by that name" if match else None
        raise RefusedInput("there is no such file or folder", hint=hint)
    if name in KERAS:
        note(
            f"{name}: loading it with Keras, which keeps it in {cache_folder()} and, where it is "
            f"not there yet, downloads some {KERAS[name].megabytes} MB",
            quiet=quiet,
        )
    target = folder / f"{name}.npz"
    write_known(name, target)
    return target


def _say_what_lies_in_the_trash(repo: Repository, *, quiet: bool) -> None:
    """An image that was deleted is there already, and is not brought back by an import."""
    deleted = repo.images.count(parse("is:deleted"))
    if deleted:
        note(
            f"{plural(deleted, 'image')} lie in the trash: an import leaves them there, "
            "`pixshelf restore is:deleted` brings them back",
            quiet=quiet,
        )


def _import_one(
    repo: Repository,
    place: Path,
    choices: Choices,
    totals: Totals,
    *,
    name: str | None,
    quiet: bool,
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
                # A known dataset is a file of ours, whatever the others are read as.
                format=choices.format if name is None else None,
                location=name,
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
