"""`pixshelf stats`: counts over the whole dataset."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from cli import options
from cli.output import Column, line, write_json, write_table
from cli.records import stats_json
from cli.session import session
from cli.text import in_bytes, plural

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf stats
  pixshelf stats --json
"""
MOST_SIZES = 10


@app.command(epilog=EPILOG)
def stats(ctx: typer.Context, *, json: options.Json = False) -> None:
    """Count images by label, split, format and size.

    Prints the totals and a table for each; the ten most frequent sizes.
    """
    with session(ctx).open() as repo:
        counts = repo.stats()
    if json:
        write_json(stats_json(counts))
        return
    line(
        f"{plural(counts.images, 'image')}, {counts.unlabelled:,} unlabelled, "
        f"{in_bytes(counts.bytes)} of image files"
    )
    _table("label", counts.labels)
    _table("split", counts.splits)
    _table("format", counts.formats)
    _table("size", dict(list(counts.sizes.items())[:MOST_SIZES]))
    rest = len(counts.sizes) - MOST_SIZES
    if rest > 0:
        line(f"… and {plural(rest, 'more size', 'more sizes')}")


def _table(title: str, counts: Mapping[str, int]) -> None:
    if not counts:
        return
    line()
    columns = (
        Column(title, lambda row: row[0]),
        Column("images", lambda row: f"{row[1]:,}", right=True),
    )
    write_table(counts.items(), columns)
