"""`pixshelf import`: images into the dataset, from whatever holds them."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import typer

from cli import options
from cli.output import line, note, write_json
from cli.progress import progress
from cli.session import Session, session
from cli.text import in_time, nearest, plural
from storage.errors import ExitCode, RefusedInput, UsageError
from storage.importing.measuring import SplitChoice
from storage.importing.pipeline import ImportReport, import_source
from storage.labels import clean_label, clean_tags
from storage.records import SPLITS
from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SHOWN = 20
EPILOG = """
\b
Examples:
  pixshelf import photos/ --split auto
  pixshelf import train-images-idx3-ubyte.gz t10k-images-idx3-ubyte.gz
  pixshelf import cats.zip --label cat --tag holiday
  pixshelf import labels.csv --json

A folder may hold a folder for each label, and above those train, val and test. An image that is
there already is not stored again. The exit code is 4 if anything was refused.
"""


@dataclass(slots=True)
class _Totals:
    """What became of all sources together."""

    added: int = 0
    duplicates: int = 0
    refused: int = 0
    refusals: list[tuple[str, str]] = field(default_factory=list)

    def include(self, report: ImportReport) -> None:
        self.added += report.added
        self.duplicates += report.duplicates
        self.refused += report.refused
        self.refusals += [(refusal.source, refusal.reason) for refusal in report.refusals]

    def refuse(self, source: str, error: RefusedInput) -> None:
        self.refused += 1
        reason = error.message if error.hint is None else f"{error.message} ({error.hint})"
        self.refusals.append((source, reason))


@app.command("import", epilog=EPILOG)
def import_images(
    ctx: typer.Context,
    *,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Folders, image files, archives, IDX or npz files, CSV manifests; - is stdin.",
        ),
    ],
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="SPLIT",
            help="train, val or test, or auto: 80/10/10 by a hash of the pixels.",
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="LABEL", help="Give all of them this label.")
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Give all of them this tag; may be repeated."),
    ] = None,
    source_format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help="Read the sources as this, whatever they look like."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Seed of the hash for splits.")
    ] = 0,
    json: options.Json = False,
) -> None:
    """Add images from folders, files, archives, IDX, npz or CSV.

    Makes the dataset file if it is not there. Prints how many images were added, were there
    already, or were refused and why.
    """
    state = session(ctx)
    choices = _Choices(
        source_format,
        None if split is None else _split_named(split),
        None if label is None else clean_label(label),
        clean_tags(tag or []),
        seed,
    )
    totals = _Totals()
    started = time.monotonic()
    with _on_disk(sources) as places:
        for place in places:
            if not place.exists():
                totals.refuse(str(place), RefusedInput("there is no such file or folder"))
        found = [place for place in places if place.exists()]
        if found:
            with state.open(create=True) as repo:
                for place in found:
                    _import_one(repo, place, choices, totals, state)
    _print_report(totals, time.monotonic() - started, json=json)
    if totals.refused:
        raise typer.Exit(ExitCode.REFUSED)


@dataclass(frozen=True, slots=True)
class _Choices:
    """The flags that every source is imported with."""

    format: str | None
    split: SplitChoice
    label: str | None
    tags: tuple[str, ...]
    seed: int


def _split_named(name: str) -> SplitChoice:
    known: tuple[Literal["train", "val", "test", "auto"], ...] = (*SPLITS, "auto")
    for choice in known:
        if name == choice:
            return choice
    match = nearest(name, known)
    raise UsageError(
        f"--split is {name!r}, which is not a split",
        hint=f"did you mean {match}?" if match else f"one of {', '.join(known)}",
    )


def _import_one(
    repo: Repository, place: Path, choices: _Choices, totals: _Totals, state: Session
) -> None:
    with progress(f"importing {place.name}", quiet=state.quiet) as update:

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
                progress=on_progress,
            )
        except RefusedInput as error:
            totals.refuse(str(place), error)
            return
    totals.include(report)
    for remark in report.notes:
        note(f"{place.name}: {remark}", quiet=state.quiet)


@contextmanager
def _on_disk(sources: Sequence[str]) -> Iterator[list[Path]]:
    """The sources as paths; standard input is first written to a temporary file."""
    if "-" not in sources:
        yield [Path(source) for source in sources]
        return
    with TemporaryDirectory(prefix="pixshelf-") as folder:
        spooled = Path(folder) / "stdin"
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield [spooled if source == "-" else Path(source) for source in sources]


def _print_report(totals: _Totals, seconds: float, *, json: bool) -> None:
    if json:
        write_json(
            {
                "added": totals.added,
                "duplicates": totals.duplicates,
                "refused": totals.refused,
                "seconds": round(seconds, 3),
                "refusals": [
                    {"source": source, "reason": reason} for source, reason in totals.refusals
                ],
            }
        )
        return
    for source, reason in totals.refusals[:SHOWN]:
        note(f"refused {source}: {reason}")
    rest = totals.refused - min(len(totals.refusals), SHOWN)
    if rest:
        note(f"… and {rest:,} more; --json lists them")
    images = totals.added + totals.duplicates
    rate = f", {images / seconds:,.0f} images/s" if seconds and images else ""
    line(
        f"{plural(totals.added, 'image')} added, {totals.duplicates:,} there already, "
        f"{totals.refused:,} refused in {in_time(seconds)}{rate}"
    )
