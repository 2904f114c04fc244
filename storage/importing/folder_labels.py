"""`.labels.csv`, which an export of folders leaves where a label is no safe name for a folder: it
says which label each such folder stands for."""

from __future__ import annotations

import csv
from pathlib import Path

from storage.errors import RefusedInput
from storage.labels import clean_label

LABELS = ".labels.csv"
HEADING = ("folder", "label")
LARGEST = 64 * 1024 * 1024


def read_labels(root: Path) -> dict[str, str]:
    """The label of each folder that the list in `root` names; nothing where there is no list, or a
    file of that name with another heading. Raises RefusedInput for a list that is no whole CSV in
    UTF-8, or too large."""
    path = root / LABELS
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > LARGEST:
            raise RefusedInput(f"{path} has over {LARGEST:,} bytes")
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            if tuple(next(rows, [])) != HEADING:
                return {}
            return {row[0]: clean_label(row[1]) for row in rows if len(row) == len(HEADING)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RefusedInput(
            f"{path} cannot be read: {error}", hint="Remove it to label by the folders' names."
        ) from error
