"""The facets of a dataset: what its images can be filtered by, in groups, with counts.

Counts come from a Repository a part at a time, since some take long at a million images; the rows
that a panel shows are a pure function of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from storage.choices import LOOKS, SPLITS
from storage.errors import NotReady
from storage.query import Query, Term

if TYPE_CHECKING:
    from storage.repository import Repository
    from tui.frame.edits import Edit

Key = tuple[str, str]
"""A field and one of its values."""

SPLIT_KEYS: tuple[Key, ...] = tuple(("split", split) for split in (*SPLITS, "none"))
ANSWER_KEYS: tuple[Key, ...] = tuple(
    ("is", state) for state in ("wrong", "right", "uncertain", "predicted")
)
UNLABELLED: Key = ("is", "unlabelled")
TRASHED: Key = ("is", "deleted")
PROBLEM_KEYS: tuple[Key, ...] = tuple(("is", look) for look in LOOKS)
COUNTED = (UNLABELLED, TRASHED, *SPLIT_KEYS, *ANSWER_KEYS, *PROBLEM_KEYS)
"""What is counted by a query each, the quickest first."""

MOST_QUERIES = 100

_TOUCHED: dict[str, tuple[Key, ...]] = {
    "label": (UNLABELLED, *ANSWER_KEYS[:2]),
    "tag": (),
    "split": SPLIT_KEYS,
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many images there are of each kind. `others` has the keys that were counted so far,
    None for what cannot be (no predictions, nothing measured)."""

    labels: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[Key, int | None] = field(default_factory=dict)

    def counted(self, key: Key, count: int | None) -> Counts:
        """The same with one more key, or with another count of it."""
        return replace(self, others={**self.others, key: count})


@dataclass(frozen=True, slots=True)
class Facet:
    """A row: the heading of a group (`field` is ''), or a value that can be filtered by. For a
    saved query, `field` is 'saved' and `value` its text."""

    group: str
    title: str
    field: str = ""
    value: str = ""
    count: int | None = None
    folded: bool = False


def read_names(repo: Repository, before: Counts) -> Counts:
    """The counts with those of labels and tags as they are now."""
    return replace(before, labels=repo.labels.counts(), tags=repo.tags.counts())


def count_key(repo: Repository, key: Key) -> int | None:
    """How many images have a value; None where that cannot be told yet."""
    name, value = key
    try:
        return repo.images.count(Query((Term(name, ":", (value,)),)))
    except NotReady:
        return None


def touched(edit: Edit | None) -> tuple[Key, ...]:
    """What has to be counted anew after an edit; everything where it is not known which."""
    return COUNTED if edit is None else _TOUCHED.get(edit.kind, COUNTED)


def facet_rows(
    counts: Counts, queries: Mapping[str, str], folded: Collection[str] = ()
) -> list[Facet]:
    """The rows of the panel. A group without anything in it is left out; of one that is `folded`
    only the heading stands there."""
    rows: list[Facet] = []
    for group, entries in _groups(counts, queries):
        if entries:
            closed = group in folded
            rows.append(Facet(group, group, count=len(entries), folded=closed))
            rows.extend(() if closed else entries)
    return rows


def _groups(counts: Counts, queries: Mapping[str, str]) -> Sequence[tuple[str, Sequence[Facet]]]:
    labels = [_facet("Labels", ("label", label), n) for label, n in counts.labels.items()]
    if unlabelled := counts.others.get(UNLABELLED):
        labels.append(_facet("Labels", UNLABELLED, unlabelled))
    return (
        (
            "Saved",
            [_facet("Saved", ("saved", text), None, name) for name, text in queries.items()][
                :MOST_QUERIES
            ],
        ),
        ("Splits", _some("Splits", SPLIT_KEYS, counts)),
        ("Predictions", _some("Predictions", ANSWER_KEYS, counts)),
        ("Labels", labels),
        ("Tags", [_facet("Tags", ("tag", tag), n) for tag, n in counts.tags.items()]),
        ("Problems", _some("Problems", PROBLEM_KEYS, counts)),
        ("Trash", _some("Trash", (TRASHED,), counts)),
    )


def _some(group: str, keys: Sequence[Key], counts: Counts) -> list[Facet]:
    """Those of the keys that some image has."""
    return [_facet(group, key, n) for key in keys if (n := counts.others.get(key))]


def _facet(group: str, key: Key, count: int | None, title: str | None = None) -> Facet:
    return Facet(group, title or key[1], *key, count)
