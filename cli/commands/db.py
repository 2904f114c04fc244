"""`pixshelf db`: the dataset file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import copying, options
from cli.ask import confirm
from cli.output import line, note, write_json
from cli.progress import progress
from cli.records import info_json
from cli.session import session
from cli.text import in_bytes, in_columns, plural, printable
from storage.errors import ExitCode
from storage.records import DatasetInfo

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Make, describe, check, copy, back up, upgrade or tidy a dataset.",
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


@app.command(
    "check", epilog="\b\nExamples:\n  pixshelf db check\n  pixshelf db check --deep --json"
)
def check(
    ctx: typer.Context,
    *,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read every byte: images against their sha256, too."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Check structure, references and counts; with --deep also every image's bytes.

    Without --deep a changed byte within an image or a model is not found. Prints each problem. The
    exit code is 1 if there is any.
    """
    found = 0
    problems = []
    state = session(ctx)
    with state.open() as repo:
        for problem in repo.check(deep=deep):
            found += 1
            if json:
                problems.append({"what": problem.what, "image": problem.image})
            else:
                where = "" if problem.image is None else f"image {problem.image}: "
                line(f"{where}{printable(problem.what)}")
    if json:
        write_json({"problems": problems, "deep": deep})
    else:
        line("no problem found" if not found else plural(found, "problem"))
        if not deep:
            note("the images' own bytes were not read: --deep does", quiet=state.quiet)
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


app.command("copy", epilog=copying.EPILOG)(copying.copy)


@app.command(
    "migrate", epilog="\b\nExamples:\n  pixshelf db migrate\n  pixshelf --db old.db db migrate"
)
def migrate(
    ctx: typer.Context,
    *,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Do not copy the file before it is changed.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Bring a dataset of an older pixshelf to the newest schema.

    A backup named after the old version is written beside a file first: photos.v1.db for
    photos.db. A dataset in PostgreSQL is changed without one, each step whole or not at all. One
    that is at the newest version is left as it is.
    """
    from storage.opening import migrate_dataset

    state = session(ctx)
    done = migrate_dataset(state.db, backup=not no_backup, wait=state.wait)
    if json:
        kept = None if done.backup is None else str(done.backup)
        write_json(
            {"path": done.dataset, "before": done.before, "after": done.after, "backup": kept}
        )
        return
    path = printable(done.dataset)
    if done.before == done.after:
        line(f"{path} is at the newest schema version, {done.after}")
        return
    line(f"{path}: schema version {done.before} became {done.after}")
    if done.backup is not None:
        line(f"backup: {printable(str(done.backup))}")


@app.command(
    "vacuum", epilog="\b\nExamples:\n  pixshelf db vacuum --dry-run\n  pixshelf db vacuum --yes"
)
def vacuum(
    ctx: typer.Context,
    *,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Empty the trash for good, and give unused room back to the disk.

    What the history says of those images goes with them; this cannot be undone. While it works it
    needs room for the file twice. Asks on a terminal where the trash holds images, and needs --yes
    anywhere else.
    """
    from storage.query import parse

    with session(ctx).open() as repo:
        images = repo.images.count(parse("is:deleted"))
        given_back = None
        if not dry_run:
            if images:
                confirm(f"Remove {plural(images, 'image')} for good?", yes=yes)
            before = repo.info().bytes
            images = repo.vacuum()
            given_back = max(0, before - repo.info().bytes)
    if json:
        write_json({"images": images, "bytes": given_back, "dry_run": dry_run})
        return
    if given_back is None:
        line(f"{plural(images, 'image')} would be removed for good")
    else:
        line(f"{plural(images, 'image')} removed for good, {in_bytes(given_back)} given back")


@app.command("repair-thumbnails", epilog="\b\nExamples:\n  pixshelf db repair-thumbnails")
def repair(
    ctx: typer.Context, *, dry_run: options.DryRun = False, json: options.Json = False
) -> None:
    """Make the thumbnails that are missing, and make anew those that do not decode.

    Images of more than 128 px on the longer side have one. The exit code is 1 where an image's
    own bytes do not decode.
    """
    from storage.thumbnails import repair_thumbnails

    state = session(ctx)
    with state.open() as repo, progress("thumbnails", quiet=state.quiet) as update:
        repaired = repair_thumbnails(
            repo, dry_run=dry_run, progress=lambda done: update(done, None, "")
        )
    failed = [{"image": image, "reason": reason} for image, reason in repaired.failed]
    if json:
        write_json(
            {
                "made": repaired.made,
                "dropped": repaired.dropped,
                "failed": failed,
                "dry_run": dry_run,
            }
        )
    else:
        would = "would be " if dry_run else ""
        line(
            f"{plural(repaired.made, 'thumbnail')} {would}made, {repaired.dropped:,} {would}dropped"
        )
        for image, reason in repaired.failed:
            line(f"image {image}: {printable(reason)}")
    if failed:
        raise typer.Exit(ExitCode.FAILED)


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
