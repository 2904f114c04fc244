"""`pixshelf sql`: one statement that reads the dataset in SQL, and its rows in any format."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from math import isinf
from typing import Annotated, Any

import typer

from cli import options
from cli.output import Column, Format, note, one_format, write_rows
from cli.session import session
from cli.text import printable, shorten
from storage.bounds import bounded
from storage.records import SqlValue
from storage.repository import Rows

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf sql "SELECT label, count(*) FROM images GROUP BY label"
  pixshelf sql "SELECT * FROM wrong_predictions ORDER BY confidence DESC" --limit 10
  pixshelf sql "SELECT model, count(*) FROM wrong_predictions GROUP BY model" --json
  pixshelf sql - --csv < question.sql > answer.csv

docs/schema.md explains the tables and views. `SELECT name FROM sqlite_schema` lists them in a
dataset file, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'pixshelf'` in
PostgreSQL. A BLOB is printed in hexadecimal; a table shows its first bytes and its length.
"""
TABLE_ROWS = 1_000
CELL = 120
BLOB_SHOWN = 8


@app.command(epilog=EPILOG)
def sql(
    ctx: typer.Context,
    *,
    statement: Annotated[
        str,
        typer.Argument(
            metavar="STATEMENT", help="One SELECT; - for standard input.", show_default=False
        ),
    ],
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            metavar="N",
            min=0,
            help="At most N rows; 0 for all. [default: 1000 in a table, else all]",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="SECONDS", min=0, max=86_400, help="Give up after so long."
        ),
    ] = 10.0,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """Ask the dataset a question in SQL; it can only read.

    Prints the rows. What would do more than read is refused. The exit code is 2 for a statement
    that is not understood, 1 for one that takes too long.
    """
    state = session(ctx)
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    text = sys.stdin.read(1 << 20) if statement == "-" else statement
    most = limit if limit is not None else TABLE_ROWS if form is Format.TABLE else 0
    with (
        state.open() as repo,
        closing(repo.sql(text, timeout=timeout, limit=most + 1 if most else None)) as answer,
    ):
        rows = iter(answer)
        shown = islice(rows, bounded(most)) if most else rows
        _write(answer, shown, form)
        if most and next(rows, None) is not None:
            note(f"more than {most:,} rows: --limit 0 prints them all", quiet=state.quiet)


def _write(answer: Rows, rows: Iterator[tuple[SqlValue, ...]], form: Format) -> None:
    names = answer.columns
    if form is Format.TABLE:
        columns = [Column(printable(name), _cell_at(place)) for place, name in enumerate(names)]
        write_rows(({"row": row} for row in rows), form, fields=(), columns=columns)
        return
    plain = (dict(zip(names, map(plain_value, row), strict=True)) for row in rows)
    write_rows(plain, form, fields=names, columns=())


def plain_value(value: SqlValue) -> Any:
    """A value as JSON can say it: a BLOB in hexadecimal, an infinity as text."""
    match value:
        case bytes():
            return value.hex()
        case float() if isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case _:
            return value


def shown_value(value: SqlValue) -> str:
    """A value as a table shows it, cut to one cell."""
    match value:
        case None:
            return ""
        case bytes():
            start = value[:BLOB_SHOWN].hex()
            return f"x'{start}{'…' if len(value) > BLOB_SHOWN else ''}' ({len(value):,} B)"
        case str():
            return shorten(printable(value[: 10 * CELL]), CELL)
        case _:
            return str(value)


def _cell_at(place: int) -> Any:
    return lambda row: shown_value(row["row"][place])
