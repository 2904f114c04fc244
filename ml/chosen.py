"""The images that a training sees, read from the dataset into columns.

Nothing is read but facts about images: never their bytes, and of the test split neither labels
nor more than the pictures' hashes. To plan for a million images takes 260 MB at most, where a
record for each took 690.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import compress

from ml.spec import MAX_CLASSES
from storage.errors import NotReady
from storage.query import parse
from storage.records import Example
from storage.repository import Repository

SMALLEST = "the smallest dataset that can be trained has two labels with two different images each"

_HASH = 32
"""The bytes of a sha256."""


@dataclass(slots=True)
class Side:
    """The labelled images of one split, in id order. `labels` are places in `Chosen.names`;
    `sha256s` holds 32 bytes for each image, one after the other."""

    ids: array[int] = field(default_factory=lambda: array("q"))
    labels: array[int] = field(default_factory=lambda: array("i"))
    sha256s: bytearray = field(default_factory=bytearray)
    pictures: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, example: Example, label: int) -> None:
        """Put one more image at the end."""
        self.ids.append(example.id)
        self.labels.append(label)
        self.sha256s += example.sha256
        self.pictures.append(example.pixel_hash)

    def only(self, wanted: Sequence[bool]) -> Side:
        """The images for which `wanted`, which has one value for each, is true."""
        hashes = bytearray()
        for at in compress(range(len(self)), wanted):
            hashes += self.sha256s[_HASH * at : _HASH * (at + 1)]
        return Side(
            array("q", compress(self.ids, wanted)),
            array("i", compress(self.labels, wanted)),
            hashes,
            list(compress(self.pictures, wanted)),
        )


@dataclass(slots=True)
class Chosen:
    """What of the dataset matches. `names` are labels in the order in which they were met;
    `shapes` counts the (height, width, channels) of the files to train on. `test` holds the
    pictures of the test split."""

    names: list[str] = field(default_factory=list)
    train: Side = field(default_factory=Side)
    val: Side = field(default_factory=Side)
    test: list[bytes] = field(default_factory=list)
    shapes: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    unlabelled: int = 0
    unassigned: int = 0


@dataclass(frozen=True, slots=True)
class Copies:
    """Equal pictures in different places: so many validation and test images show a picture that
    a training image shows too, and so many pictures have several labels."""

    val: int
    test: int
    torn: int


def choose(repo: Repository, query: str | None) -> Chosen:
    """The images that match, by split. Raises NotReady, saying what to do, where they are too few
    to train on; QueryError for a query that is not understood."""
    chosen = Chosen()
    places: dict[str, int] = {}
    for example in repo.images.examples(parse(query or "")):
        if example.split == "test":
            chosen.test.append(example.pixel_hash)
        elif example.split is None:
            chosen.unassigned += 1
        elif example.label is None:
            chosen.unlabelled += 1
        else:
            place = places.setdefault(example.label, len(places))
            if example.split == "train":
                chosen.train.add(example, place)
                chosen.shapes[example.height, example.width, example.channels] += 1
            else:
                chosen.val.add(example, place)
    chosen.names = list(places)
    _refuse_hopeless(chosen, query)
    return chosen


def _refuse_hopeless(chosen: Chosen, query: str | None) -> None:
    where = f" that matches {query!r}" if query else ""
    train = chosen.train
    if not any((train, chosen.val, chosen.test, chosen.unlabelled, chosen.unassigned)):
        hint = "loosen the query" if query else "import some, or begin with: pixshelf demo"
        raise NotReady(f"there is no image{where} to train on", hint=hint)
    if not train and chosen.unlabelled:
        raise NotReady(
            f"no image{where} in the train split has a label",
            hint="label some with: pixshelf label",
        )
    if not train:
        raise NotReady(
            f"no image{where} is in the train split",
            hint="only the train split is trained on; a query cannot change that"
            if where
            else "divide the dataset first: pixshelf split --ratios 80/10/10",
        )
    labels = set(train.labels)
    if len(labels) == 1:
        raise NotReady(
            f"every training image{where} has the label {chosen.names[labels.pop()]!r}: there is "
            "nothing to tell apart",
            hint="training needs images of at least two labels",
        )
    if len(labels) > MAX_CLASSES:
        raise NotReady(
            f"the training images{where} have {len(labels):,} labels; a network tells at most "
            f"{MAX_CLASSES:,} apart",
            hint="narrow the training down with --on",
        )
    different: set[bytes] = set()
    for picture in train.pictures:
        different.add(picture)
        if len(different) == 4:
            return
    raise NotReady(f"{images(len(train))} to train on are too few", hint=SMALLEST)


def copies(chosen: Chosen) -> Copies:
    """What is there more than once and ought not to be."""
    first = dict(zip(chosen.train.pictures, chosen.train.labels, strict=True))
    val = sum(picture in first for picture in chosen.val.pictures)
    test = sum(picture in first for picture in chosen.test)
    torn: set[bytes] = set()
    for side in (chosen.train, chosen.val):
        for picture, label in zip(side.pictures, side.labels, strict=True):
            if first.setdefault(picture, label) != label:
                torn.add(picture)
    return Copies(val, test, len(torn))


def apart(side: Side, pictures: Set[bytes]) -> tuple[Side, Side]:
    """(the images that show none of these pictures, those that do)."""
    held = [picture in pictures for picture in side.pictures]
    return side.only([not one for one in held]), side.only(held)


def digest(names: Sequence[str], train: Side, val: Side) -> bytes:
    """A sha256 over the exact (sha256, label, split) of every image, independent of ids and of the
    order of import: rows are hashed, sorted, hashed again."""

    def rows() -> Iterator[bytes]:
        for split, side in ((b"train", train), (b"val", val)):
            tails = [split + b"\0" + name.encode() for name in names]
            for at, label in enumerate(side.labels):
                sha256 = side.sha256s[_HASH * at : _HASH * (at + 1)]
                yield hashlib.sha256(sha256 + tails[label]).digest()

    whole = hashlib.sha256()
    for row in sorted(rows()):
        whole.update(row)
    return whole.digest()


def images(count: int) -> str:
    """'1 image', '1,797 images'."""
    return "1 image" if count == 1 else f"{count:,} images"
