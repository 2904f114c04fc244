"""`pixshelf db`: the dataset file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import line, write_json
from cli.records import info_json
from cli.session import session
from cli.text import in_bytes, in_columns, plural, printable
from storage.errors import ExitCode
from storage.records import DatasetInfo

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Make, describe, check or back up a dataset file.",
)


@app.command("init", epilog="\b\nExamples:\n  pixshelf --db photos.db db init")
def init(ctx: typer.Context, *, json: options.Json = False) -> None:
    """Make an empty dataset, where there is none yet.

    Prints what the dataset is, as `db info` does. One that is there already is left as it is.
    """
    with session(ctx).open(create=True) as repo:
        _print_info(repo.info(), json=json)


@app.command("info", epilog="\b\nExamples:\n  pixshelf db info\n  pixshelf db info --json")
def info(ctx: typer.Context, *, json: options.Json = False) -> None:
    """Describe the dataset: its place, kind, size and what is in it."""
    with session(ctx).open() as repo:
        _print_info(repo.info(), json=json)


@app.command("check", epilog="\b\nExamples:\n  pixshelf db check")
def check(ctx: typer.Context, *, json: options.Json = False) -> None:
    """Check everything: structure, references, and every image's bytes against their sha256.

    Prints each problem. The exit code is 1 if there is any.
    """
    found = 0
    problems = []
    with session(ctx).open() as repo:
        for problem in repo.check():
            found += 1
            if json:
                problems.append({"what": problem.what, "image": problem.image})
            else:
                where = "" if problem.image is None else f"image {problem.image}: "
                line(f"{where}{printable(problem.what)}")
    if json:
        write_json({"problems": problems})
    else:
        line("no problem found" if not found else plural(found, "problem"))
    if found:
        raise typer.Exit(ExitCode.FAILED)


@app.command("backup", epilog="\b\nExamples:\n  pixshelf db backup photos-2024.db")
def backup(
    ctx: typer.Context,
    *,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.")],
    json: options.Json = False,
) -> None:
    """Copy the dataset to a new file, as of one moment, also while others write.

    Prints the file's path and size.
    """
    with session(ctx).open() as repo:
        repo.backup(target)
    size = target.stat().st_size
    if json:
        write_json({"path": str(target), "bytes": size})
        return
    line(f"{printable(str(target))}: {in_bytes(size)}")


def _print_info(info: DatasetInfo, *, json: bool) -> None:
    if json:
        write_json(info_json(info))
        return
    rows = [
        ("dataset", info.url),
        ("kind", f"{info.backend}, {info.library}"),
        ("schema", str(info.schema_version)),
        ("size", in_bytes(info.bytes)),
        ("images", f"{info.images:,}"),
        ("models", f"{info.models:,}"),
        ("runs", f"{info.runs:,}"),
        ("predictions", f"{info.predictions:,}"),
        *info.details.items(),
    ]
    shown = [(printable(name), printable(value)) for name, value in rows]
    for text in in_columns(shown[0], shown[1:]):
        line(text)
