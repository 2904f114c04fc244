"""Pictures that stand on both sides: copies and near copies in more than one split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.output import line, note, write_json
from cli.text import in_columns, plural
from storage.duplicates import MOST, across_splits, crowded, find_groups, gather
from storage.errors import UsageError
from storage.query import Query, Term
from storage.records import SPLITS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.duplicates import Fingerprints
    from storage.repository import Repository

SHOWN = 20
SHOWN_IDS = 6


@dataclass(frozen=True, slots=True)
class Straddling:
    """A group of duplicates with images in two splits or more, and how many are in each."""

    images: list[int]
    splits: dict[str, int]


@dataclass(frozen=True, slots=True)
class Leakage:
    """The groups that straddle splits: of `pixels` all images have equal pixels, of `near` some
    only look alike. `images` is how many images are in any split; `crowd` is the size of a group of
    look-alikes that is too large to mean anything, or 0."""

    images: int
    distance: int
    pixels: list[Straddling]
    near: list[Straddling]
    crowd: int = 0

    @property
    def any(self) -> bool:
        """Whether a split knows a picture of another."""
        return bool(self.pixels or self.near)


def find_leakage(repo: Repository, query: Query, distance: int) -> Leakage:
    """Look through the images that match and are in a split. Raises UsageError for a distance out
    of range."""
    import numpy as np

    if not 0 <= distance <= MOST:
        raise UsageError(f"--distance is {distance}: it must be from 0 to {MOST}")
    placed = query.where(Term("split", ":", ("none",), negated=True))
    prints = gather(repo.measurements.fingerprints(placed))
    pixels = across_splits(prints, find_groups(prints, "pixels"))
    alike = find_groups(prints, "near", distance)
    near = [
        group
        for group in across_splits(prints, alike)
        if len(np.unique(prints.pixel_hashes[group], axis=0)) > 1
    ]
    return Leakage(
        images=len(prints.ids),
        distance=distance,
        pixels=[_straddling(prints, group) for group in pixels],
        near=[_straddling(prints, group) for group in near],
        crowd=crowded(prints, alike),
    )


def write_leakage(found: Leakage, *, json: bool, quiet: bool) -> None:
    """Print what was found, and what can be done about it."""
    if found.crowd:
        note(crowd_note(found.crowd, found.images, found.distance), quiet=quiet)
    if json:
        write_json(
            {
                "images": found.images,
                "distance": found.distance,
                "pixels": [_as_json(group) for group in found.pixels],
                "near": [_as_json(group) for group in found.near],
            }
        )
        return
    groups = [("pixels", group) for group in found.pixels]
    groups += [("near", group) for group in found.near]
    if groups:
        rows = [(kind, *_cells(group)) for kind, group in groups[:SHOWN]]
        for text in in_columns(("kind", "splits", "images"), rows):
            line(text)
        if len(groups) > SHOWN:
            line(f"… and {len(groups) - SHOWN:,} more")
    line(
        f"{plural(found.images, 'image')} in splits: {plural(len(found.pixels), 'group')} of "
        f"equal pictures and {plural(len(found.near), 'group')} of near duplicates "
        f"(at most {found.distance} of 64 bits) in more than one split"
    )
    if found.pixels:
        note("`pixshelf split --ratios` puts equal pictures into one split", quiet=quiet)
    if found.near:
        note("`pixshelf duplicates near` shows them, and can keep one of each", quiet=quiet)


def crowd_note(crowd: int, images: int, distance: int) -> str:
    """What to think of a group that holds a large share of all images."""
    advice = "try a lower --distance" if distance else "they are too much alike for it"
    return (
        f"{crowd:,} of {images:,} images are in one group: near by a distance of {distance}, "
        f"not copies; {advice}"
    )


def _straddling(prints: Fingerprints, group: NDArray[np.int64]) -> Straddling:
    counts = Counter(prints.splits[group].tolist())
    splits: dict[str, int] = {
        split: counts[place] for place, split in enumerate(SPLITS) if counts[place]
    }
    return Straddling(prints.ids[group].tolist(), splits)


def _as_json(group: Straddling) -> dict[str, Any]:
    return {"images": group.images, "splits": group.splits}


def _cells(group: Straddling) -> tuple[str, str]:
    splits = ", ".join(f"{count:,} {split}" for split, count in group.splits.items())
    ids = " ".join(map(str, group.images[:SHOWN_IDS]))
    return splits, ids + (" …" if len(group.images) > SHOWN_IDS else "")
