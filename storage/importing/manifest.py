"""A CSV manifest as a Source: one row a picture, with its path, label, split and tags.

Paths are relative to the folder that the CSV lies in, and never lead out of it. A row that will not
do is refused with its line; the others are imported.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import RefusedInput
from storage.importing.layout import SPLIT_NAMES
from storage.importing.sources import Entry, Refusal, Source, printable
from storage.labels import clean_label, clean_tags
from storage.records import Split

LONGEST_FIELD = 131_072
_COLUMNS = {
    "path": ("path", "file", "filename", "image"),
    "label": ("label", "class"),
    "split": ("split",),
    "tags": ("tags", "tag"),
}
Columns = dict[str, int]


def open_manifest(path: Path) -> Source:
    """The manifest as a Source. Its first line names the columns: `path`, and optionally `label`,
    `split` and `tags` (parted by commas or semicolons), in any order; others are not read.
    Raises RefusedInput for a file without a path column or that is not UTF-8 text."""
    with _rows(path) as rows:
        columns = _columns(path, next(rows, []))
        total = sum(1 for row in rows if any(row))
    return Source(
        format="csv",
        entries=lambda: _entries(path, columns),
        count=lambda: total,
    )


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[list[str]]]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            yield reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        where = f", line {reader.line_num}" if reader is not None and reader.line_num else ""
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
        raise RefusedInput(f"{path}{where}: {reason}", hint="Save it as CSV in UTF-8.") from error


def _columns(path: Path, first: list[str]) -> Columns:
    names = [name.strip().lower() for name in first]
    found = {}
    for column, words in _COLUMNS.items():
        for word in words:
            if word in names:
                found[column] = names.index(word)
                break
    if "path" not in found:
        raise RefusedInput(
            f"{path} has no column 'path': it has {', '.join(map(ascii, names[:8])) or 'none'}",
            hint="The first line names the columns: path,label,split,tags.",
        )
    return found


def _entries(path: Path, columns: Columns) -> Iterator[Entry | Refusal]:
    folder = path.parent
    root = os.path.realpath(folder)
    with _rows(path) as rows:
        next(rows)
        for line, row in enumerate(rows, start=2):
            if not any(row):
                continue
            name = _cell(row, columns, "path")
            try:
                yield _entry(folder, root, name, row, columns)
            except RefusedInput as error:
                source = f"{printable(path.name)}: row {line}" + (f", {name}" if name else "")
                yield Refusal(source, error.message)


def _entry(folder: Path, root: str, name: str, row: list[str], columns: Columns) -> Entry:
    if not name or "\0" in name:
        raise RefusedInput("the row has no path")
    relative = name.replace("\\", "/")
    full = os.path.realpath(folder / relative)
    if os.path.commonpath((root, full)) != root or full == root:
        raise RefusedInput("its path leads outside the manifest's folder")
    label = _cell(row, columns, "label")
    tags = [tag for tag in re.split("[,;]", _cell(row, columns, "tags")) if tag.strip()]
    return Entry(
        os.path.relpath(full, root).replace(os.sep, "/"),
        full,
        clean_label(label) if label else None,
        _split(_cell(row, columns, "split")),
        clean_tags(tuple(tags)),
    )


def _cell(row: list[str], columns: Columns, column: str) -> str:
    place = columns.get(column)
    return row[place].strip() if place is not None and place < len(row) else ""


def _split(text: str) -> Split | None:
    if not text:
        return None
    split = SPLIT_NAMES.get(text.lower())
    if split is None:
        raise RefusedInput(f"there is no split {text[:40]!a}: it is train, val or test")
    return split
