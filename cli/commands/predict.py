"""`pixshelf predict`: what a model sees in files, in standard input, or in stored images."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import options
from cli.output import Column, note, one_format, write_rows
from cli.progress import progress
from cli.selection import query_of
from cli.session import session
from storage.errors import ExitCode, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf predict cat.jpg photos/
  cat cat.jpg | pixshelf predict - --json
  pixshelf predict --query is:unlabelled --save --top 1

A file that is no picture is named on stderr; the others are predicted and the exit code is 4.
"""

Row = dict[str, Any]


@app.command(epilog=EPILOG)
def predict(
    ctx: typer.Context,
    *,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Picture files, folders, or - for stdin."),
    ] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="QUERY", help="Stored images that match.")
    ] = None,
    model: options.Model = None,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=1, max=1000, help="How many labels to give.")
    ] = 3,
    save: Annotated[
        bool,
        typer.Option("--save", help="Keep the predictions, and the files with them."),
    ] = False,
    threads: options.Threads = None,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """Say what is in images: files, folders or stored ones.

    Prints for each image its most probable labels. With --save, files become unlabelled images of
    the dataset (once each, by their content) and the predictions are stored with them.
    """
    state = session(ctx)
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    if bool(files) == (query is not None):
        raise UsageError(
            "give either files or --query",
            hint="pixshelf predict cat.jpg, or pixshelf predict --query is:unlabelled",
        )
    parsed = None if query is None else query_of([query])
    with state.open() as repo:
        # Only here, so that the help needs neither numpy nor Pillow.
        from cli.predicting import Work
        from ml.predicting import load_predictor

        work = Work(repo, load_predictor(repo, model, threads=state.threads(threads)), top)
        with progress("predicting", quiet=state.quiet) as update:
            if parsed is not None:
                rows = work.stored(repo.images.ids(parsed), update, save=save)
            elif save:
                rows = work.imported(files or [], update)
            else:
                rows = work.files(files or [], update)
            places = [
                name
                for name, wanted in (("image", save or parsed is not None), ("source", bool(files)))
                if wanted
            ]
            columns = [_place(name) for name in places]
            write_rows(
                rows,
                form,
                fields=[*places, "label", "confidence", "model"],
                columns=[*columns, *COLUMNS],
            )
    for item in work.refused:
        note(f"refused {item.source}: {item.reason}")
    if work.refused:
        raise typer.Exit(ExitCode.REFUSED)


def _others(row: Row) -> str:
    return ", ".join(f"{each['label']} {100 * each['confidence']:.1f} %" for each in row["top"][1:])


def _place(name: str) -> Column:
    return Column(name, lambda row: str(row[name]), right=name == "image")


COLUMNS = (
    Column("label", lambda row: row["label"]),
    Column("confidence", lambda row: f"{100 * row['confidence']:.1f} %", right=True),
    Column("then", _others),
)
