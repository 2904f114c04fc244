"""What a queue of the review is, and the list of what is in it: values, nothing is read here."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from storage.query import Query, Term

Kind = Literal[
    "wrong",
    "labels",
    "confidence",
    "margin",
    "disagreement",
    "unlabelled",
    "duplicates",
    "problems",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Uncertainty = Literal["confidence", "margin", "entropy"]
UNCERTAINTIES: tuple[Uncertainty, ...] = get_args(Uncertainty)

Stage = Callable[[str], None]
"""Is told, in words, of a part of some work that begins and is not counted."""

REVIEWED = "reviewed"
"""The tag of an image about which a person has decided."""

SMALL_MARGIN = 0.3
"""A margin below this is called small."""

MODEL_KINDS: frozenset[Kind] = frozenset(KINDS) - {"duplicates", "problems"}
"""The queues that are made of a model's answers."""

NOT_REVIEWED = Term("tag", ":", (REVIEWED,), negated=True)


@dataclass(frozen=True, slots=True)
class Queue:
    """What to review. `model` and `other` name models, None being the newest that has predictions
    and the newest but that one. `by` orders the unlabelled. `query` narrows the images; only its
    words count."""

    kind: Kind
    model: str | None = None
    other: str | None = None
    by: Uncertainty = "confidence"
    query: Query = field(default_factory=Query)


@dataclass(frozen=True, slots=True)
class Listing:
    """The items of a queue in its order. Item n is images[n] alone, or, where there are `starts`
    (one more than items), images[starts[n]:starts[n + 1]], the one to keep first. `looks` has a
    bit for each look (of LOOKS) of a problem. `note` is what should be said of the list."""

    images: array[int]
    starts: array[int] | None = None
    looks: bytes | None = None
    note: str | None = None

    def __len__(self) -> int:
        return len(self.images) if self.starts is None else len(self.starts) - 1

    def group(self, item: int) -> tuple[int, ...]:
        """The images of an item, the first being the one that is meant."""
        if self.starts is None:
            return (self.images[item],)
        return tuple(self.images[self.starts[item] : self.starts[item + 1]])

    def place_of(self, image: int) -> int | None:
        """The first item that has an image; None where none has."""
        try:
            at = self.images.index(image)
        except ValueError:
            return None
        return at if self.starts is None else bisect_right(self.starts, at) - 1
