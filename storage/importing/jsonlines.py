"""A JSON Lines manifest as a Source: one object a line, with a picture's path or its bytes in
base64, its label, split and tags.

Paths are relative to the folder that the file lies in, and never lead out of it. A line that will
not do is refused with its number; the others are imported.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storage.errors import RefusedInput
from storage.importing.rows import WORDS, Root, entry_of, tags_of
from storage.importing.sources import Entry, GivenSplit, Refusal, Source, printable
from storage.pictures import MAX_BYTES

LONGEST_LINE = MAX_BYTES // 3 * 4 + 1024 * 1024
DATA = "data"
_BOM = b"\xef\xbb\xbf"


def open_json_lines(path: Path) -> Source:
    """The file as a Source. Each line is an object with `path` or `data` (base64), and optionally
    `label`, `split` ('none' for in none), `tags` (a list, or text parted by commas) and `source`
    (where it came from); other keys are not read. Raises RefusedInput if the file cannot be read
    or has a line too long for any picture."""
    total = count_lines(path)
    return Source(format="jsonl", entries=lambda: json_entries(path), count=lambda: total)


def count_lines(path: Path) -> int:
    """How many pictures the file names. Raises RefusedInput as `open_json_lines` does."""
    return sum(1 for _ in _lines(path))


def json_entries(
    path: Path, *, prefix: str = "", split: GivenSplit = None
) -> Iterator[Entry | Refusal]:
    """The file's entries. `prefix` goes before the paths where they stand for where a picture came
    from, `split` is for lines that have none."""
    root = Root.of(path)
    for number, line in _lines(path):
        where = f"{prefix}{printable(path.name)}: line {number}"
        try:
            yield _entry(root, where, _object(line), prefix, split)
        except RefusedInput as error:
            yield Refusal(where, error.message)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line) of each that is not blank."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise RefusedInput(
                        f"{path}, line {number} has over {LONGEST_LINE:,} bytes",
                        hint="Give one JSON object a line.",
                    )
                stripped = (line.removeprefix(_BOM) if number == 1 else line).strip()
                if stripped:
                    yield number, stripped
    except OSError as error:
        raise RefusedInput(f"{path} cannot be read: {error.strerror or error}") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RefusedInput(f"the line is no JSON: {str(error)[:80]}") from error
    if not isinstance(value, dict):
        raise RefusedInput("the line is no JSON object")
    return value


def _entry(root: Root, where: str, row: dict[str, Any], prefix: str, split: GivenSplit) -> Entry:
    source = _text(row, ("source",))
    content: str | bytes
    if row.get(DATA) is not None:
        content = _decoded(row[DATA])
        source = source or where
    else:
        content = root.file(_text(row, WORDS["path"]))
        source = source or prefix + root.name(content)
    label, named = _text(row, WORDS["label"]), _text(row, WORDS["split"])
    return entry_of(source, content, label, named, _tags(row), otherwise=split)


def _text(row: dict[str, Any], keys: tuple[str, ...]) -> str:
    """The first of the keys that the row has, as text; a whole number will do as one."""
    for key in keys:
        value = row.get(key)
        if value is None:
            continue
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise RefusedInput(f"its {key!r} is {type(value).__name__}, not text")
    return ""


def _tags(row: dict[str, Any]) -> list[str]:
    value: Any = next((row[key] for key in WORDS["tags"] if row.get(key) is not None), [])
    if isinstance(value, str):
        return tags_of(value)
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise RefusedInput("its tags are neither a list of texts nor a text")
    return [tag.encode("utf-8", "replace").decode() for tag in value]


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise RefusedInput(f"its {DATA!r} is {type(value).__name__}, not base64 text")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedInput(f"its {DATA!r} is no base64: {error}") from error
    if len(data) > MAX_BYTES:
        raise RefusedInput(f"it has {len(data):,} bytes; the limit is {MAX_BYTES:,}")
    return data
