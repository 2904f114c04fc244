"""What is counted over a whole dataset, put together from the rows that a backend counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.ordering import natural_key
from storage.records import Stats


def in_order(counts: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Counts by name, in natural order."""
    return dict(sorted(counts, key=lambda row: natural_key(row[0])))


def stats_of(
    *,
    images: int,
    size: int,
    labels: Mapping[str, int],
    splits: Mapping[str | None, int],
    formats: Sequence[tuple[str, int]],
    sizes: Sequence[tuple[int, int, int]],
) -> Stats:
    """The Stats of a dataset of `images` images and `size` bytes, `labels` being in natural order;
    a size is (width, height, how many). Counts of 0 are left out."""
    return Stats(
        images=images,
        unlabelled=images - sum(labels.values()),
        bytes=size,
        labels={label: count for label, count in labels.items() if count},
        splits={
            split or "none": splits[split]
            for split in ("train", "val", "test", None)
            if splits.get(split)
        },
        formats={
            name: count
            for name, count in sorted(formats, key=lambda row: (-row[1], row[0]))
            if count
        },
        sizes={
            f"{width}x{height}": count
            for width, height, count in sorted(sizes, key=lambda row: (-row[2], row[0], row[1]))
            if count
        },
    )
