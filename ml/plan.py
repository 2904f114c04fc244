"""What a training will do, decided from the dataset and the settings before anything is started.

Planning reads facts about images, never their bytes, changes nothing, and needs neither
TensorFlow nor numpy. The same dataset and settings give the same plan.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml.events import Note
from ml.holdout import hold_out
from ml.pixels import InputSpec, infer_input
from ml.settings import Recipe, TrainSettings, resolve
from ml.spec import ArchitectureSpec, design
from storage.errors import NotReady
from storage.query import parse
from storage.records import Example
from storage.repository import Repository

FEW = 10
"""A label with fewer training images than this gets a warning."""

SMALLEST = "the smallest dataset that can be trained has two labels with two different images each"


@dataclass(frozen=True, slots=True)
class Part:
    """The images of one side of a training: their ids, ascending, and beside each the index of
    its label."""

    ids: tuple[int, ...]
    targets: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """Everything about a training that is known before its first step.

    `labels` are in natural order, which is the order of the network's outputs. `held_out` says
    that the validation images were taken out of the train split for this run alone. `data_digest`
    is a sha256 over the exact (sha256, label, split) of every image used. `total_steps` counts those
    of all members. `notes` are what the user should know.
    """

    settings: TrainSettings
    recipe: Recipe
    labels: tuple[str, ...]
    train: Part
    val: Part
    held_out: bool
    input: InputSpec
    architecture: ArchitectureSpec
    steps_per_epoch: int
    total_steps: int
    data_digest: bytes
    notes: tuple[Note, ...] = field(default=())

    @property
    def name(self) -> str:
        """The name for the run and its model: the one chosen, else made from the preset."""
        return self.settings.name or f"{self.settings.preset}-{self.settings.seed}"

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values, with counts in place of ids."""
        return {
            "name": self.name,
            "settings": self.settings.to_json(),
            "recipe": self.recipe.to_json(),
            "labels": list(self.labels),
            "train": len(self.train),
            "val": len(self.val),
            "held_out": self.held_out,
            "architecture": self.architecture.to_json(),
            "steps_per_epoch": self.steps_per_epoch,
            "total_steps": self.total_steps,
            "data_digest": self.data_digest.hex(),
            "notes": [{"level": note.level, "text": note.text} for note in self.notes],
        }


def plan_training(repo: Repository, settings: TrainSettings) -> TrainPlan:
    """Decide labels, parts, input, architecture, batch and steps.

    Where the dataset has no labelled validation images, a tenth of the train split is held out,
    by label and by a seeded hash of the pictures, so that copies of one picture stay together.
    Raises NotReady, saying what to do, when the dataset cannot be trained on; QueryError for a
    query that is not understood.
    """
    notes: list[Note] = []
    train, val = _choose(repo, settings, notes)
    held_out = not val
    if held_out:
        train, val = hold_out(train, settings.seed)
        if not val:
            raise NotReady(
                f"{_images(len(train))} cannot be divided into some to learn from and some to "
                "check against: no label has two different images",
                hint=f"add images; {SMALLEST}",
            )
        notes.append(
            Note(
                "info",
                f"the dataset has no labelled validation images: {_images(len(val))} of the train "
                "split are held out in this run to choose the best weights",
            )
        )
    counts = Counter(example.label for example in train if example.label is not None)
    labels = tuple(name for name in repo.labels.names() if name in counts)
    val = _known(val, counts, notes)
    _warn_of_few(labels, counts, notes)
    spec = dataclasses.replace(infer_input(train, settings.size), resize=settings.resize)
    recipe = resolve(
        settings,
        images=len(train),
        height=spec.height,
        width=spec.width,
        channels=spec.channels,
    )
    steps = -(-len(train) // recipe.batch)
    index = {name: at for at, name in enumerate(labels)}
    return TrainPlan(
        settings=settings,
        recipe=recipe,
        labels=labels,
        train=_part(train, index),
        val=_part(val, index),
        held_out=held_out,
        input=spec,
        architecture=design(spec, classes=len(labels), width=recipe.width),
        steps_per_epoch=steps,
        total_steps=recipe.steps * recipe.members,
        data_digest=_digest(train, val),
        notes=tuple(notes),
    )


def _choose(
    repo: Repository, settings: TrainSettings, notes: list[Note]
) -> tuple[list[Example], list[Example]]:
    """The labelled images of the train and val splits. Raises NotReady where that is too little."""
    train: list[Example] = []
    val: list[Example] = []
    seen: Counter[str] = Counter()
    for example in repo.images.examples(parse(settings.query or "")):
        seen["all"] += 1
        if example.split == "test":
            continue
        if example.split is None:
            seen["unassigned"] += 1
        elif example.label is None:
            seen["unlabelled"] += 1
        else:
            (train if example.split == "train" else val).append(example)
    _refuse_hopeless(train, seen, settings)
    if seen["unlabelled"]:
        notes.append(Note("warning", f"{_images(seen['unlabelled'])} left out: without a label"))
    if seen["unassigned"]:
        notes.append(Note("warning", f"{_images(seen['unassigned'])} left out: in no split"))
    return train, val


def _refuse_hopeless(train: list[Example], seen: Counter[str], settings: TrainSettings) -> None:
    where = f" that matches {settings.query!r}" if settings.query else ""
    if not seen["all"]:
        hint = "loosen the query" if settings.query else "import some, or begin with: pixshelf demo"
        raise NotReady(f"there is no image{where} to train on", hint=hint)
    if not train and seen["unlabelled"]:
        raise NotReady(
            f"no image{where} in the train split has a label",
            hint="label some with: pixshelf label",
        )
    if not train:
        raise NotReady(
            f"no image{where} is in the train split",
            hint="divide the dataset first: pixshelf split --ratios 80/10/10",
        )
    labels = {example.label for example in train}
    if len(labels) == 1:
        raise NotReady(
            f"every training image{where} has the label {labels.pop()!r}: there is nothing to "
            "tell apart",
            hint="training needs images of at least two labels",
        )
    if len({example.pixel_hash for example in train}) < 4:
        raise NotReady(
            f"{_images(len(train))} to train on are too few",
            hint=SMALLEST,
        )


def _known(val: list[Example], counts: Counter[str], notes: list[Note]) -> list[Example]:
    """The validation images whose label can be learnt."""
    strange = sorted({str(example.label) for example in val if example.label not in counts})
    if not strange:
        return val
    notes.append(
        Note(
            "warning",
            "validation images are left out whose label no training image has: " + _listed(strange),
        )
    )
    kept = [example for example in val if example.label in counts]
    if not kept:
        raise NotReady(
            "no validation image has a label that a training image has",
            hint="divide the dataset again: pixshelf split --ratios 80/10/10",
        )
    return kept


def _warn_of_few(labels: Sequence[str], counts: Counter[str], notes: list[Note]) -> None:
    few = [f"{name} ({counts[name]})" for name in labels if counts[name] < FEW]
    if few:
        notes.append(Note("warning", f"fewer than {FEW} training images for: {_listed(few)}"))


def _part(examples: list[Example], index: dict[str, int]) -> Part:
    rows = sorted((e.id, index[e.label]) for e in examples if e.label is not None)
    return Part(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def _digest(train: list[Example], val: list[Example]) -> bytes:
    """Independent of ids and of the order of import: rows are hashed, sorted, hashed again."""

    def rows() -> Iterator[bytes]:
        for split, examples in ((b"train", train), (b"val", val)):
            for example in examples:
                label = str(example.label).encode()
                yield hashlib.sha256(example.sha256 + split + b"\0" + label).digest()

    return hashlib.sha256(b"".join(sorted(rows()))).digest()


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _listed(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
