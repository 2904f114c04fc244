"""`pixshelf db copy`: a whole dataset to a new place, file or PostgreSQL, either way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.output import line, note, write_json
from cli.progress import progress
from cli.session import session
from cli.text import in_bytes, plural, printable

if TYPE_CHECKING:
    from storage.copying import CopyReport

EPILOG = """
\b
Examples:
  pixshelf db copy photos.db postgresql://anna@server/photos
  pixshelf db copy postgresql://anna@server/photos photos.db
  pixshelf db copy photos.db /mnt/disk/photos.db --dry-run

Everything comes along, with the same ids: images, labels, tags, splits, the trash, trainings,
models, predictions and the history. FROM is read as of one moment; others may go on writing it.
The copy appears at TO when it is whole and was compared with FROM. Cut off, it is kept aside
(TO.copying; in PostgreSQL the schema pixshelf_copying), and the same command goes on with it.
"""


def copy(
    ctx: typer.Context,
    *,
    source: Annotated[str, typer.Argument(metavar="FROM", help="A dataset: a path or a URL.")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="A path or a URL where there is no dataset yet.")
    ],
    restart: Annotated[
        bool, typer.Option("--restart", help="Throw an unfinished copy at TO away first.")
    ] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Copy a dataset whole to a new place: a file, or a PostgreSQL database, either way.

    TO must not be there as a dataset; nothing is overwritten. The database must be there, without
    one. Prints what was copied and verified.
    """
    from storage.copying import copy_dataset

    state = session(ctx)
    try:
        with progress("copying", unit="rows", quiet=state.quiet) as update:
            report = copy_dataset(
                source,
                target,
                wait=state.wait,
                restart=restart,
                dry_run=dry_run,
                progress=lambda what, done, total: update(done, total, what),
                told=lambda words: note(words, quiet=state.quiet),
            )
    except KeyboardInterrupt:
        if not dry_run:
            note("what was copied is kept: the same command goes on with it", quiet=state.quiet)
        raise
    if json:
        write_json(
            {
                "from": report.source,
                "to": report.target,
                "images": report.rows["image"],
                "bytes": report.bytes,
                "rows": report.rows,
                "resumed": report.resumed,
                "kept": report.kept,
                "seconds": round(report.seconds, 3),
                "dry_run": report.dry_run,
            }
        )
        return
    _print(report)


def _print(report: CopyReport) -> None:
    rows = sum(report.rows.values())
    what = f"{plural(report.rows['image'], 'image')} ({in_bytes(report.bytes)}), {rows:,} rows"
    place = printable(report.target)
    if report.dry_run:
        again = ", going on with an unfinished copy" if report.resumed else ""
        line(f"{place}: {what} would be copied{again}")
        return
    kept = f", {report.kept:,} of them there already" if report.resumed else ""
    line(f"{place}: {what}{kept} copied and verified in {report.seconds:.1f} s")
