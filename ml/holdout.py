"""Holding out a part of the training images to validate with: by label, by a seeded hash."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

SHARE = 0.1
"""The share of each label's images that is held out."""


def hold_out(pictures: Sequence[bytes], labels: Sequence[int], seed: int) -> set[bytes]:
    """The pictures to hold out: about a tenth of each label, but at least one and never the last.

    `pictures` and `labels` have one value for each image. A picture is held out with all its
    copies, even where their labels differ. A label whose images are all copies of one picture
    holds out none. The choice depends on seed, pictures and labels alone, not on their order.
    """
    # A Counter for each of a million pictures would be too much: nearly all are there once.
    once: dict[bytes, int] = {}
    often: dict[bytes, Counter[int]] = {}
    for picture, label in zip(pictures, labels, strict=True):
        if picture in often:
            often[picture][label] += 1
        elif picture in once:
            often[picture] = Counter((once.pop(picture), label))
        else:
            once[picture] = label
    totals = Counter(labels)
    wanted = {label: max(1, round(SHARE * count)) for label, count in totals.items()}
    key = seed.to_bytes(8, "little", signed=True)
    order = sorted(
        (*once, *often), key=lambda picture: hashlib.blake2b(picture, key=key).digest()[:16]
    )
    chosen: set[bytes] = set()
    taken: Counter[int] = Counter()

    def labels_of(picture: bytes) -> Mapping[int, int]:
        return often[picture] if picture in often else {once[picture]: 1}

    def take(picture: bytes) -> None:
        chosen.add(picture)
        taken.update(labels_of(picture))

    def fits(picture: bytes) -> bool:
        """All labels of a picture must have room for it, and something left to learn from."""
        return all(
            taken[label] + copies <= wanted[label] and taken[label] + copies < totals[label]
            for label, copies in labels_of(picture).items()
        )

    for picture in order:
        if fits(picture):
            take(picture)
    # A label that has only pictures with more copies than a tenth gives the least of those.
    for label in totals:
        if not taken[label]:
            own = [picture for picture in order if labels_of(picture).keys() == {label}]
            if len(own) > 1:
                take(min(own, key=lambda picture: labels_of(picture)[label]))
    return chosen
