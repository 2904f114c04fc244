"""`pixshelf import`: images into the dataset, from whatever holds them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.output import line, note, write_json
from cli.session import session
from cli.text import in_time, nearest, plural
from storage.errors import ExitCode, UsageError
from storage.labels import clean_label, clean_tags
from storage.records import SPLITS

if TYPE_CHECKING:
    from ml.intake import Totals
    from storage.importing.measuring import SplitChoice

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SHOWN = 20
EPILOG = """
\b
Examples:
  pixshelf import photos/ --split auto
  pixshelf import train-images-idx3-ubyte.gz t10k-images-idx3-ubyte.gz
  pixshelf import cats.zip --label cat --tag holiday
  pixshelf import labels.csv --json
  pixshelf import fashion-mnist

A folder may hold a folder for each label, and above those train, val and test. An image that is
there already is not stored again. The exit code is 4 if anything was refused.

mnist, fashion-mnist, cifar10 and cifar100 are downloaded once by Keras and then read from its cache
(in ~/.keras, or $KERAS_HOME); digits comes with scikit-learn. A path of such a name is imported as
what it is.
"""


@app.command("import", epilog=EPILOG)
def import_images(
    ctx: typer.Context,
    *,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Folders, image files, archives, IDX or npz files, CSV or JSON Lines manifests; "
            "- is stdin; or mnist, fashion-mnist, cifar10, cifar100, digits.",
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
            "--format",
            metavar="NAME",
            help="Read them as folder, image, zip, tar, idx, npz, csv, jsonl or imagefolder.",
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
    chosen = None if split is None else _split_named(split)
    wanted = None if label is None else clean_label(label)
    tags = clean_tags(tag or [])
    if "" in sources:
        raise UsageError("a source has an empty name", hint="`.` is the current folder")
    # Only here, so that the help needs neither numpy nor Pillow.
    from cli.importing import import_all
    from ml.intake import Choices

    started = time.monotonic()
    totals = import_all(state, sources, Choices(source_format, chosen, wanted, tags, seed))
    _print_report(totals, time.monotonic() - started, json=json)
    if totals.duplicates and (chosen or wanted or tags):
        note(
            f"{plural(totals.duplicates, 'image')} that were there already keep their label, split "
            "and tags",
            quiet=state.quiet,
        )
    if totals.refused:
        raise typer.Exit(ExitCode.REFUSED)


def _split_named(name: str) -> SplitChoice:
    known: tuple[SplitChoice, ...] = (*SPLITS, "auto")
    for choice in known:
        if name == choice:
            return choice
    match = nearest(name, (*SPLITS, "auto"))
    raise UsageError(
        f"--split is {name!r}, which is not a split",
        hint=f"did you mean {match}?" if match else "train, val, test or auto",
    )


def _print_report(totals: Totals, seconds: float, *, json: bool) -> None:
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
