"""`pixshelf export`: images and labels out of the dataset, for other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import line, write_json
from cli.progress import progress
from cli.selection import QueryCommand, query_of
from cli.session import session
from cli.text import nearest, plural, printable
from storage.errors import UsageError
from storage.query import Query
from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

FORMATS = ("folder", "csv", "npz")
EPILOG = """
\b
Examples:
  pixshelf export photos/ label:cat split:train
  pixshelf export labels.csv
  pixshelf export digits.npz split:test

A folder holds split/label/file, each file's bytes as they were given.
"""


@app.command(cls=QueryCommand, epilog=EPILOG)
def export(
    ctx: typer.Context,
    *,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A folder, or a file ending in .csv or .npz.")
    ],
    query: options.QueryWords = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help="folder, csv or npz. [default: by TARGET's ending]"
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="WxH", help="For npz: fit every image into this size."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Write images and labels to a folder, a CSV or an npz file.

    Prints how many images were written, and where.
    """
    chosen = _format_named(form) if form is not None else _format_of(target)
    box = None if size is None else _size_named(size)
    if box is not None and chosen != "npz":
        raise UsageError(f"--size was given, but a {chosen} keeps each image's own size")
    parsed = query_of(query)
    state = session(ctx)
    with state.open() as repo, progress("exporting", quiet=state.quiet) as update:
        count = _write(
            repo, parsed, target, chosen, box, lambda done, total: update(done, total, "")
        )
    if json:
        write_json({"path": str(target), "format": chosen, "images": count})
        return
    line(f"{plural(count, 'image')} written to {printable(str(target))}")


def _format_named(name: str) -> str:
    if name in FORMATS:
        return name
    match = nearest(name, FORMATS)
    raise UsageError(
        f"--format is {name!r}, which is not a form of export",
        hint=f"did you mean {match}?" if match else f"one of {', '.join(FORMATS)}",
    )


def _format_of(target: Path) -> str:
    """By the ending; a name without one is a folder."""
    ending = target.suffix.lower().removeprefix(".")
    if not ending or target.is_dir():
        return "folder"
    if ending in ("csv", "npz"):
        return ending
    raise UsageError(
        f"{str(target)!r} ends in {target.suffix!r}, which says nothing of the form",
        hint="end it in .csv or .npz, or say --format folder",
    )


def _size_named(text: str) -> tuple[int, int]:
    import re

    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None or "0" in match.groups():
        raise UsageError(f"--size is {text!r}, which is not a size", hint="such as 64x64")
    return int(match[1]), int(match[2])


def _write(
    repo: Repository,
    query: Query,
    target: Path,
    form: str,
    size: tuple[int, int] | None,
    tell: Callable[[int, int], None],
) -> int:
    """Write the images that match; how many they are."""
    from storage.exporting import export_csv, export_folder, export_npz

    match form:
        case "csv":
            return export_csv(repo, query, target, progress=tell)
        case "npz":
            return export_npz(repo, query, target, size=size, progress=tell)
        case _:
            return export_folder(repo, query, target, progress=tell)
