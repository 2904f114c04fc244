"""What an import would bring, told from a look at the source: its format, how much there is, and
what its first entries say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from storage.importing.recognise import open_source
from storage.importing.sources import Entry, Format, Refusal, Source

LOOKED_AT = 500
"""So many entries are looked at for labels and splits."""

COUNTED = 100_000
"""So many files of a folder are counted; a larger one is said to have more."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A look at a source. `count` is None where it is not known without reading all, and `has_more`
    says that there are more than that. `looked_at` entries gave `labels` and `splits` (by how many
    have them) and `refusals`; `is_all` says that there are no more."""

    format: Format
    count: int | None
    has_more: bool
    looked_at: int
    is_all: bool
    labels: Mapping[str, int]
    splits: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]


def preview(
    path: Path,
    format: str | None = None,  # noqa: A002 - as import_source has it
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Preview:
    """Look at what `import_source` would import. Nothing is decoded. Raises what it raises. A look
    that `should_stop` tells of what it has seen until then."""
    source = open_source(path, format)
    labels: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    refusals: list[Refusal] = []
    looked_at = 0
    entries = iter(source.entries())
    for entry in islice(entries, LOOKED_AT):
        if should_stop():
            break
        looked_at += 1
        if isinstance(entry, Refusal):
            refusals.append(entry)
            continue
        if entry.label is not None:
            labels[entry.label] += 1
        if entry.split is not None:
            splits[entry.split] += 1
    is_all = next(entries, None) is None
    count, has_more = _counted(source, looked_at, entries, is_all, should_stop)
    return Preview(
        format=source.format,
        count=count,
        has_more=has_more,
        looked_at=looked_at,
        is_all=is_all,
        labels=dict(labels),
        splits=dict(splits),
        refusals=tuple(refusals),
        notes=source.notes,
    )


def _counted(
    source: Source,
    looked_at: int,
    rest: Iterator[Entry | Refusal],
    is_all: bool,
    should_stop: Callable[[], bool],
) -> tuple[int | None, bool]:
    """How much there is, and whether there is more than that."""
    if source.format != "folder":
        return source.count(), False
    if is_all:
        return looked_at, False
    # Not by `count`, which goes through every folder however many there are.
    count = looked_at + 1
    for _ in rest:
        if count >= COUNTED or should_stop():
            return count, True
        count += 1
    return count, False
