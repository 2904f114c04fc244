"""What goes to stdout: tables for people, JSON, JSON lines, CSV and TSV for programs.

Rows are written as they come, so that a million of them need no memory (tables excepted, whose
widths need every row). Numbers and text leave as they are in JSON; in CSV and TSV a list is
joined by commas and None is empty; in tables all text is made printable.
"""

from __future__ import annotations

import json as json_text
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cli.text import in_columns, printable
from storage.errors import UsageError
from storage.redacting import redacted

Row = Mapping[str, Any]


class Format(Enum):
    """The forms a list can be printed in."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"


def one_format(
    *, json: bool = False, jsonl: bool = False, csv: bool = False, tsv: bool = False
) -> Format:
    """The format that the flags name; a table where none is set. Raises UsageError for two."""
    flags = {Format.JSON: json, Format.JSONL: jsonl, Format.CSV: csv, Format.TSV: tsv}
    chosen = [form for form, flag in flags.items() if flag]
    if len(chosen) > 1:
        named = " and ".join(f"--{form.value}" for form in chosen)
        raise UsageError(f"{named} were given: one output format at a time")
    return chosen[0] if chosen else Format.TABLE


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, the text of its cell, and whether it is set to the right."""

    title: str
    cell: Callable[[Any], str]
    right: bool = False


def write(text: str) -> None:
    """Write text to stdout as it is."""
    sys.stdout.write(text)


def line(text: str = "") -> None:
    """Write a line to stdout."""
    sys.stdout.write(text + "\n")


def note(text: str, *, quiet: bool = False) -> None:
    """Write a line that is not data: to stderr, without passwords, and not where `quiet` is set."""
    if not quiet:
        sys.stdout.flush()
        sys.stderr.write(printable(redacted(text)) + "\n")
        sys.stderr.flush()


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON in readable UTF-8, with every control character escaped."""
    text = json_text.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    return re.sub("[\x7f-\x9f\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def write_json(value: Any) -> None:
    """Write one JSON value: indented on a terminal, on one line otherwise."""
    line(dumps(value, indent=2 if sys.stdout.isatty() else None))


def write_rows(
    rows: Iterable[Row], form: Format, *, fields: Sequence[str], columns: Sequence[Column]
) -> None:
    """Write rows. JSON forms carry each row whole; CSV and TSV carry `fields` (a dotted name
    reaches into a nested object); a table has `columns`, whose cells get the row."""
    match form:
        case Format.TABLE:
            write_table(rows, columns)
        case Format.JSONL:
            for row in rows:
                line(dumps(row))
        case Format.JSON:
            _write_json_array(rows)
        case Format.CSV | Format.TSV:
            _write_separated(rows, fields, "," if form is Format.CSV else "\t")


def write_table(rows: Iterable[Any], columns: Sequence[Column], *, title: str = "") -> None:
    """A table: drawn by rich on a terminal, plain aligned text anywhere else."""
    cells = [[printable(column.cell(row)) for column in columns] for row in rows]
    if sys.stdout.isatty():
        _write_rich_table(cells, columns, title)
        return
    if title:
        line(title)
    titles = [column.title for column in columns]
    for text in in_columns(titles, cells, right=[column.right for column in columns]):
        line(text)


def _write_rich_table(
    cells: Iterable[Sequence[str]], columns: Sequence[Column], title: str
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    # The last column gives way first, and what does not fit is cut: a row stays a line.
    for column in columns[:-1]:
        table.add_column(column.title, justify="right" if column.right else "left", no_wrap=True)
    table.add_column(columns[-1].title, justify="right" if columns[-1].right else "left")
    for row in cells:
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    Console(file=sys.stdout, highlight=False).print(table)


def _write_json_array(rows: Iterable[Row]) -> None:
    separator = "["
    for row in rows:
        write(f"{separator}{dumps(row)}")
        separator = ",\n "
    line("[]" if separator == "[" else "]")


def _write_separated(rows: Iterable[Row], fields: Sequence[str], delimiter: str) -> None:
    import csv

    writer = csv.writer(sys.stdout, delimiter=delimiter, lineterminator="\n")
    clean = printable if sys.stdout.isatty() else str
    writer.writerow([clean(field) for field in fields])
    for row in rows:
        writer.writerow([clean(_flat(_reach(row, field))) for field in fields])


def _reach(row: Row, field: str) -> Any:
    if field in row:
        return row[field]
    value: Any = row
    for part in field.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _flat(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ",".join(_flat(item) for item in value)
        case Mapping():
            return dumps(value)
        case _:
            return str(value)
