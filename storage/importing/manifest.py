"""A CSV manifest as a Source: one row a picture, with its path, label, split and tags.

Paths are relative to the folder that the CSV lies in, and never lead out of it. A row that will not
do is refused with its line; the others are imported.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import RefusedInput
from storage.importing.rows import WORDS, Root, entry_of, tags_of
from storage.importing.sources import Entry, GivenSplit, Refusal, Source, printable

LONGEST_FIELD = 131_072
Columns = dict[str, int]


def open_manifest(path: Path) -> Source:
    """The manifest as a Source. Its first line names the columns: `path`, and optionally `label`,
    `split` ('none' for in none) and `tags` (parted by commas or semicolons, or a JSON list), in any
    order; others are not read. In a manifest that pixshelf wrote, which has `source` and `sha256`
    too, `source` is kept. Raises RefusedInput for a file without a path column or that is not
    UTF-8 text."""
    total = count_rows(path)
    return Source(format="csv", entries=lambda: csv_entries(path), count=lambda: total)


def count_rows(path: Path) -> int:
    """How many pictures the manifest names. Raises RefusedInput as `open_manifest` does."""
    with _rows(path) as rows:
        _columns(path, next(rows, []))
        return sum(1 for row in rows if any(row))


def csv_entries(
    path: Path, *, prefix: str = "", split: GivenSplit = None
) -> Iterator[Entry | Refusal]:
    """The manifest's entries. `prefix` goes before the paths where they stand for where a picture
    came from, `split` is for rows that have none."""
    root = Root.of(path)
    with _rows(path) as rows:
        columns = _columns(path, next(rows, []))
        for line, row in enumerate(rows, start=2):
            if not any(row):
                continue
            name = _cell(row, columns, "path")
            try:
                yield _entry(root, name, row, columns, prefix, split)
            except RefusedInput as error:
                source = f"{prefix}{printable(path.name)}: row {line}"
                yield Refusal(source + (f", {name}" if name else ""), error.message)


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
    for column, words in WORDS.items():
        for word in words:
            if word in names:
                found[column] = names.index(word)
                break
    if "path" not in found:
        hint = "The first line names the columns: path,label,split,tags."
        if "sha256" in names:
            hint = "It lists images without their files: export it again with --bytes files."
        raise RefusedInput(
            f"{path} has no column 'path': it has {', '.join(map(ascii, names[:8])) or 'none'}",
            hint=hint,
        )
    # Of others' manifests `source` may say anything, a camera for one.
    if "source" in names and "sha256" in names:
        found["source"] = names.index("source")
    return found


def _entry(
    root: Root, name: str, row: list[str], columns: Columns, prefix: str, split: GivenSplit
) -> Entry:
    full = root.file(name)
    place = columns.get("source")
    source = row[place] if place is not None and place < len(row) else ""
    return entry_of(
        source or prefix + root.name(full),
        full,
        _cell(row, columns, "label"),
        _cell(row, columns, "split"),
        tags_of(_cell(row, columns, "tags")),
        otherwise=split,
    )


def _cell(row: list[str], columns: Columns, column: str) -> str:
    place = columns.get(column)
    return row[place].strip() if place is not None and place < len(row) else ""
