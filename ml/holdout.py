"""Holding out a part of the training images to validate with: by label, by a seeded hash."""

from __future__ import annotations

import hashlib
from collections import Counter

from storage.records import Example

SHARE = 0.1
"""The share of each label's images that is held out."""


def hold_out(examples: list[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """(kept, held out): about a tenth of each label, but at least one image and never the last.

    Copies of one picture are always on the same side, even where their labels differ. A label
    whose images are all copies of one picture holds out none. The choice depends on seed, pictures
    and labels alone, not on ids or order.
    """
    pictures: dict[bytes, Counter[str]] = {}
    totals: Counter[str] = Counter()
    for example in examples:
        if example.label is not None:
            pictures.setdefault(example.pixel_hash, Counter())[example.label] += 1
            totals[example.label] += 1
    key = seed.to_bytes(8, "little", signed=True)
    order = sorted(pictures, key=lambda picture: hashlib.blake2b(picture, key=key).digest())
    wanted = {label: max(1, round(SHARE * count)) for label, count in totals.items()}
    chosen: set[bytes] = set()
    taken: Counter[str] = Counter()

    def take(picture: bytes) -> None:
        chosen.add(picture)
        taken.update(pictures[picture])

    def fits(picture: bytes) -> bool:
        """All labels of a picture must have room for it, and something left to learn from."""
        return all(
            taken[label] + copies <= wanted[label] and taken[label] + copies < totals[label]
            for label, copies in pictures[picture].items()
        )

    for picture in order:
        if fits(picture):
            take(picture)
    # A label that has only pictures with more copies than a tenth gives the least of those.
    for label in sorted(totals):
        if not taken[label]:
            own = [picture for picture in order if pictures[picture].keys() == {label}]
            if len(own) > 1:
                take(min(own, key=lambda picture: pictures[picture].total()))
    kept = [example for example in examples if example.pixel_hash not in chosen]
    return kept, [example for example in examples if example.pixel_hash in chosen]
