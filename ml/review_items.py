"""Items of a review queue made ready to be shown: the records, the suggestion, and the reason.

Only what is asked for is read, a few images at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ml.review_queue import Listing, Queue
from storage.query import Query, Term
from storage.records import LOOKS, ImageRecord

if TYPE_CHECKING:
    from storage.records import Fingerprint, ModelRecord
    from storage.repository import Repository

_MOST_VALUES = 500
_64_BITS = 2**64 - 1
_TELLING = 32
"""Pixels of the shorter side from which on pictures with nearly the same hash, taken of 9 by 8
points, are mostly copies; drawings of 8 by 8 have hardly more to tell than the hash."""
_NOTHING_TO_SEE = frozenset({"blank", "one-colour"})


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What would be done to `images`: get the label `name`, get the tag `name`, or go into the
    trash (`name` is then None). `confidence` is the model's in the label, None where none said."""

    what: Literal["label", "tag", "trash"]
    images: tuple[int, ...]
    name: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said of the image: its name, with its id where another one has that name too,
    and labels with probabilities, highest first."""

    model: str
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to decide about. `records` are the images, the one that is meant first; `answers`
    those of the queue's models about it. `suggestion` is None where nobody knows any better."""

    records: tuple[ImageRecord, ...]
    suggestion: Suggestion | None
    answers: tuple[Answer, ...]
    reason: str

    @property
    def image(self) -> int:
        """The image that is meant."""
        return self.records[0].id

    @property
    def images(self) -> tuple[int, ...]:
        """All images that the decision is about."""
        return tuple(record.id for record in self.records)


def read_items(
    repo: Repository, queue: Queue, listing: Listing, places: Sequence[int]
) -> dict[int, Item]:
    """The items at these places of a resolved queue's listing, by place. One whose image is gone
    for good, or of whose copies fewer than two are left, is not among them. Raises NotFound where
    a model is gone."""
    groups = {place: listing.group(place) for place in places}
    records = _records(repo, queue, [image for group in groups.values() for image in group])
    models = [repo.models.find(name) for name in (queue.model, queue.other) if name is not None]
    prints: dict[int, Fingerprint] = {}
    if queue.kind == "duplicates":
        prints = _fingerprints(repo, list(records))
    found = {}
    for place, group in groups.items():
        shown = tuple(records[image] for image in group if image in records)
        if queue.kind == "duplicates":
            shown = tuple(record for record in shown if not record.deleted)
        if len(shown) <= (queue.kind == "duplicates"):
            continue
        answers = _answers(repo, models, shown[0].id)
        looks = () if listing.looks is None else looks_of(listing.looks[place])
        found[place] = _item(queue, shown, answers, looks, prints)
    return found


def looks_of(bits: int) -> tuple[str, ...]:
    """The looks that a byte of `Listing.looks` stands for."""
    return tuple(look for at, look in enumerate(LOOKS) if bits >> at & 1)


def _records(repo: Repository, queue: Queue, images: Sequence[int]) -> dict[int, ImageRecord]:
    """The records by id, those in the trash too."""
    found: dict[int, ImageRecord] = {}
    wanted = list(dict.fromkeys(images))
    for start in range(0, len(wanted), _MOST_VALUES):
        some = Term("id", ":", tuple(wanted[start : start + _MOST_VALUES]))
        for extra in ((), (Term("is", ":", ("deleted",)),)):
            page = repo.images.page(Query((some, *extra), model=queue.model), limit=_MOST_VALUES)
            found.update((record.id, record) for record in page.images)
    return found


def _fingerprints(repo: Repository, images: Sequence[int]) -> dict[int, Fingerprint]:
    found: dict[int, Fingerprint] = {}
    for start in range(0, len(images), _MOST_VALUES):
        some = Term("id", ":", tuple(images[start : start + _MOST_VALUES]))
        found.update((row.id, row) for row in repo.measurements.fingerprints(Query((some,))))
    return found


def _answers(repo: Repository, models: Sequence[ModelRecord], image: int) -> tuple[Answer, ...]:
    """What the models said, in their order; a model that said nothing is not there."""
    if not models:
        return ()
    import numpy as np

    said = {each.model: each for each in repo.predictions.of_image(image)}
    answers = []
    for model in models:
        # A row that does not fit the model tells nothing; `listing` names it where it matters.
        if model.id in said and len(said[model.id].probabilities) == 4 * len(model.labels):
            row = np.frombuffer(said[model.id].probabilities, "<f4")
            order = (-row).argsort(kind="stable")
            top = tuple((model.labels[at], float(row[at])) for at in order[:MOST_ANSWERS])
            alike = sum(each.name == model.name for each in models) > 1
            answers.append(Answer(f"{model.name} (id {model.id})" if alike else model.name, top))
    return tuple(answers)


MOST_ANSWERS = 10
"""So many of a model's labels are shown at most."""


def _item(
    queue: Queue,
    records: tuple[ImageRecord, ...],
    answers: tuple[Answer, ...],
    looks: tuple[str, ...],
    prints: dict[int, Fingerprint],
) -> Item:
    image = records[0].id
    if queue.kind == "duplicates":
        return _of_copies(records, prints)
    if queue.kind == "problems":
        suggestion = (
            Suggestion("trash", (image,))
            if not looks or not _NOTHING_TO_SEE.isdisjoint(looks)
            else Suggestion("tag", (image,), looks[0])
        )
        return Item(records, suggestion, answers, f"it is {', '.join(looks)}")
    if not answers:
        return Item(records, None, (), "no model has said anything about it")
    label, confidence = answers[0].top[0]
    suggestion = Suggestion("label", (image,), label, confidence)
    return Item(records, suggestion, answers, _about_answers(queue, records[0], answers))


def _of_copies(records: tuple[ImageRecord, ...], prints: dict[int, Fingerprint]) -> Item:
    """One picture in several files may lose all but one. Of pictures that only look alike that is
    suggested where they are of one label and large enough for a likeness to mean something."""
    known = [prints[record.id] for record in records if record.id in prints]
    first = known[0]
    equal = all(each.pixel_hash == first.pixel_hash for each in known)
    labels = dict.fromkeys(record.label for record in records if record.label is not None)
    tiny = any(min(record.width, record.height) < _TELLING for record in records)
    if equal:
        text = f"the same picture in {len(records)} files"
    else:
        # They are signed, and only 64 bits of a difference count.
        bits = max(((each.dhash ^ first.dhash) & _64_BITS).bit_count() for each in known)
        text = f"{len(records)} pictures look alike (up to {bits} of 64 bits differ)"
        if tiny:
            text += ", which says little of pictures this small"
    if len(labels) > 1:
        text += f", under the labels {' and '.join(labels)}"
    others = tuple(record.id for record in records[1:])
    is_clear = equal or (len(labels) < 2 and not tiny)
    return Item(records, Suggestion("trash", others) if is_clear else None, (), text)


def _about_answers(queue: Queue, record: ImageRecord, answers: tuple[Answer, ...]) -> str:
    (label, confidence), *rest = answers[0].top
    second, next_to = rest[0] if rest else ("nothing else", 0.0)
    given = record.label or "nothing"
    sure = f"{_percent(confidence)} sure of {label}"
    match queue.kind:
        case "labels":
            share = dict(answers[0].top).get(given, 0.0)
            text = (
                f"labelled {given} ({_percent(share)}), answered {label} ({_percent(confidence)})"
            )
        case "disagreement" if len(answers) > 1:
            other, other_sure = answers[1].top[0]
            text = (
                f"{answers[0].model} says {label} ({_percent(confidence)}), "
                f"{answers[1].model} says {other} ({_percent(other_sure)})"
            )
        case "margin":
            text = f"{label} ({_percent(confidence)}) or {second} ({_percent(next_to)})"
        case "wrong":
            text = f"labelled {given}, but the model is {sure}"
        case "unlabelled" if queue.by == "margin":
            text = f"no label; {label} is {_percent(confidence - next_to)} before {second}"
        case "unlabelled":
            text = f"no label; the model is {sure}"
        case _:
            text = f"the model is only {sure}"
    return text


def _percent(share: float) -> str:
    # What is not quite sure is not told as if it were.
    return "100 %" if share >= 1 else f"{min(99.9, 100 * share):.1f} %"
