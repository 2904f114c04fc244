"""What an import would bring, told from a look at the source: its format, how much there is, and
what its first entries say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from storage.importing.recognise import open_source
from storage.importing.sources import Format, Refusal

LOOKED_AT = 500
"""So many entries are looked at for labels and splits."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A look at a source. `count` is None where it is not known without reading all. `looked_at`
    entries gave `labels` and `splits` (by how many have them) and `refusals`; `is_all` says that
    there are no more."""

    format: Format
    count: int | None
    looked_at: int
    is_all: bool
    labels: Mapping[str, int]
    splits: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]


def preview(path: Path, format: str | None = None) -> Preview:  # noqa: A002 - as import_source has it
    """Look at what `import_source` would import. Nothing is decoded. Raises what it raises."""
    source = open_source(path, format)
    labels: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    refusals: list[Refusal] = []
    looked_at = 0
    entries = iter(source.entries())
    for entry in islice(entries, LOOKED_AT):
        looked_at += 1
        if isinstance(entry, Refusal):
            refusals.append(entry)
            continue
        if entry.label is not None:
            labels[entry.label] += 1
        if entry.split is not None:
            splits[entry.split] += 1
    return Preview(
        format=source.format,
        count=source.count(),
        looked_at=looked_at,
        is_all=next(entries, None) is None,
        labels=dict(labels),
        splits=dict(splits),
        refusals=tuple(refusals),
        notes=source.notes,
    )
