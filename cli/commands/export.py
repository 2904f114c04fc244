"""`pixshelf export`: images and labels out of the dataset, for other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from storage.exporting.manifests import Carried

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ENDINGS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".npz": "npz",
    ".db": "dataset",
}
FORMATS = ("folder", "imagefolder", "csv", "jsonl", "npz", "idx", "dataset")
ARRAYS = ("npz", "idx")
MANIFESTS = ("csv", "jsonl")
EPILOG = """
\b
Examples:
  pixshelf export photos/ label:cat split:train
  pixshelf export labels.csv
  pixshelf export labels.jsonl --bytes base64 is:labelled
  pixshelf export photos/ --format imagefolder
  pixshelf export digits.npz split:test
  pixshelf export train-images-idx3-ubyte.gz split:train
  pixshelf export --to test.db split:test
  pixshelf export --contact-sheet examples.png

A folder holds split/label/file, each file's bytes as they were given; an imagefolder is what
Hugging Face's datasets read; a .db is another dataset. `pixshelf import` reads all of them, but a
.db, which `pixshelf merge` takes in. Nothing is overwritten.
"""


@dataclass(frozen=True, slots=True)
class How:
    """The form of an export, and what was asked for beyond it."""

    form: str
    size: tuple[int, int] | None
    carried: Carried
    models: bool


@app.command(cls=QueryCommand, epilog=EPILOG)
def export(
    ctx: typer.Context,
    *,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="A folder, a file ending in .csv, .jsonl, .npz or .db, or …images-idx3-ubyte.",
        ),
    ] = None,
    query: options.QueryWords = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="TARGET", help="The target; every other word is the query."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help=f"{', '.join(FORMATS)}. [default: by TARGET's name]"
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="WxH", help="For npz and idx: fit every image into this."),
    ] = None,
    carried: Annotated[
        str | None,
        typer.Option(
            "--bytes",
            metavar="HOW",
            help="For csv and jsonl: the images too, in files beside it, or in base64 (jsonl).",
        ),
    ] = None,
    models: Annotated[
        bool, typer.Option("--models", help="For dataset: the models and their predictions too.")
    ] = False,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(
            "--contact-sheet",
            metavar="FILE",
            help="Draw nine examples each of train and test as a .png; every word is the query.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Write images to folders, manifests, arrays or a dataset.

    Prints how many images were written, and where.
    """
    if contact_sheet is not None:
        _refuse_beside_sheet(to, form, size, carried, models=models)
        words = ([target] if target is not None else []) + (query or [])
        _draw_sheet(ctx, contact_sheet, query_of(words), json=json)
        return
    if to is not None:
        query = ([target] if target is not None else []) + (query or [])
    elif target is None:
        raise UsageError("export needs a TARGET", hint="pixshelf export photos/ label:cat")
    place = Path(to if to is not None else target or "")
    how = _how(place, form, size, carried, models=models)
    parsed = query_of(query)
    state = session(ctx)
    with state.open() as repo, progress("exporting", quiet=state.quiet) as update:
        count = _write(repo, parsed, place, how, lambda done, total: update(done, total, ""))
    _tell(place, how.form, count, json=json)


def _tell(place: Path, form: str, count: int, *, json: bool) -> None:
    if json:
        write_json({"path": str(place), "format": form, "images": count})
        return
    line(f"{plural(count, 'image')} written to {printable(str(place))}")


def _draw_sheet(ctx: typer.Context, target: Path, query: Query, *, json: bool) -> None:
    from ml.contact_sheet import write_contact_sheet

    with session(ctx).open() as repo:
        count = write_contact_sheet(repo, query, target)
    _tell(target, "contact-sheet", count, json=json)


def _refuse_beside_sheet(
    to: str | None, form: str | None, size: str | None, carried: str | None, *, models: bool
) -> None:
    """Raises UsageError for what says how an export is to be written."""
    flags = {"--to": to, "--format": form, "--size": size, "--bytes": carried}
    given = [flag for flag, value in flags.items() if value is not None]
    given += ["--models"] if models else []
    if given:
        raise UsageError(
            f"{' and '.join(given)} given beside --contact-sheet, which is a picture of its own",
            hint="pixshelf export --contact-sheet examples.png label:cat",
        )


def _how(
    target: Path, form: str | None, size: str | None, carried: str | None, *, models: bool
) -> How:
    """What the flags mean together. Raises UsageError where they mean nothing."""
    chosen = _format_of(target) if form is None else _known("--format", form, FORMATS)
    if size is not None and chosen not in ARRAYS:
        raise UsageError(f"--size was given, but a {chosen} keeps each image's own size")
    if carried is not None and chosen not in MANIFESTS:
        raise UsageError(
            f"--bytes was given, but it is for {' and '.join(MANIFESTS)}, not for {chosen}"
        )
    if models and chosen != "dataset":
        raise UsageError(f"--models was given, but a {chosen} holds none")
    return How(chosen, None if size is None else _size_named(size), _carried(carried), models)


def _known(flag: str, name: str, names: tuple[str, ...]) -> str:
    if name in names:
        return name
    match = nearest(name, names)
    raise UsageError(
        f"{flag} is {name!r}, which is not a form of export",
        hint=f"did you mean {match}?" if match else f"one of {', '.join(names)}",
    )


def _carried(name: str | None) -> Carried:
    match name:
        case None | "files" | "base64":
            return name
    raise UsageError(f"--bytes is {name!r}: it is files or base64")


def _format_of(target: Path) -> str:
    """By the name; one without an ending is a folder."""
    from storage.exporting.idx_names import is_idx_name

    ending = target.suffix.lower()
    if is_idx_name(target.name):
        return "idx"
    if not ending or target.is_dir():
        return "folder"
    if ending in ENDINGS:
        return ENDINGS[ending]
    raise UsageError(
        f"{str(target)!r} ends in {target.suffix!r}, which says nothing of the form",
        hint=f"end it in {', '.join(ENDINGS)}, or say --format folder",
    )


def _size_named(text: str) -> tuple[int, int]:
    import re

    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None or "0" in match.groups():
        raise UsageError(f"--size is {text!r}, which is not a size", hint="such as 64x64")
    return int(match[1]), int(match[2])


def _write(
    repo: Repository, query: Query, target: Path, how: How, tell: Callable[[int, int], None]
) -> int:
    """Write the images that match; how many they are."""
    from storage import exporting

    extra: dict[str, Any] = {}
    if how.form in MANIFESTS:
        extra["carried"] = how.carried
    elif how.form in ARRAYS:
        extra["size"] = how.size
    elif how.form == "dataset":
        extra["models"] = how.models
    export_it: Callable[..., int] = getattr(exporting, f"export_{how.form}")
    return export_it(repo, query, target, progress=tell, **extra)
