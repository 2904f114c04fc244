"""`pixshelf export`: images and labels out of the dataset, for other programs."""

from __future__ import annotations

import typer

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
    json: options.Json = False,
) -> None:
    """Write images and labels to a folder, a CSV or an npz file.

    Prints how many images were written, and where.
    """
    chosen = _format_named(form) if form is not None else _format_of(target)
