"""What a training will do, decided from the dataset and the settings before anything is started.

Planning reads facts about images, never their bytes, changes nothing, and needs neither
TensorFlow nor numpy. The same dataset and settings give the same plan.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Any

from ml import remarks
from ml.chosen import SMALLEST, Side, apart, choose, copies, digest, images
from ml.costs import Expected, estimate, from_earlier
from ml.events import Note
from ml.holdout import hold_out
from ml.machine import machine
from ml.naming import chosen_name, free_name, model_names
from ml.pixels import InputSpec, infer_input
from ml.remarks import LabelCount
from ml.settings import Recipe, TrainSettings, resolve
from ml.spec import ArchitectureSpec, design, parameters
from ml.starting import find_initial, in_its_order, refitted, start_note
from storage.errors import NotReady
from storage.records import Example, RunRecord
from storage.repository import Repository


@dataclass(frozen=True, slots=True)
class Part:
    """The images of one side of a training: their ids, ascending, and beside each the index of
    its label. Both are compact arrays of integers."""

    ids: Sequence[int]
    targets: Sequence[int]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """Everything about a training that is known before its first step.

    `name` is for the run and its model. `labels` are in the order of the network's outputs:
    natural order, or that of the model `initial` (an id) which the training starts from.
    `held_out` says that the validation images were taken out of the train split for this run
    alone. `test` counts images of the test split, which play no part. `smallest` and `largest`
    are the (width, height) of the files with the fewest and the most pixels. `architecture` is one
    network's, `total_steps` counts those of all members. `class_weights`, one for each label,
    are None where all images count alike. `data_digest` is a sha256 over the exact (sha256, label,
    split) of every image used. `notes` are what the user should know.
    """

    settings: TrainSettings
    recipe: Recipe
    name: str
    labels: tuple[str, ...]
    counts: tuple[LabelCount, ...]
    train: Part
    val: Part
    test: int
    held_out: bool
    smallest: tuple[int, int]
    largest: tuple[int, int]
    input: InputSpec
    architecture: ArchitectureSpec
    initial: int | None
    class_weights: tuple[float, ...] | None
    steps_per_epoch: int
    total_steps: int
    data_digest: bytes
    expected: Expected
    notes: tuple[Note, ...] = field(default=())

    @property
    def parameters(self) -> int:
        """How many numbers are trained, in all members."""
        return self.recipe.members * parameters(self.architecture)

    @property
    def expected_seconds(self) -> float:
        """How long the whole training may take; with `minutes`, as long as it may."""
        return self.expected.seconds

    def to_run(self) -> dict[str, Any]:
        """What a run keeps as its settings, as plain JSON values: enough to plan it again."""
        return {
            "chosen": self.settings.to_json(),
            "recipe": self.recipe.to_json(),
            "architecture": self.architecture.to_json(),
            "machine": machine(),
        }

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values, with counts in place of ids."""
        return {
            "name": self.name,
            "settings": self.settings.to_json(),
            "recipe": self.recipe.to_json(),
            "labels": list(self.labels),
            "train": len(self.train),
            "val": len(self.val),
            "test": self.test,
            "counts": {each.label: {"train": each.train, "val": each.val} for each in self.counts},
            "held_out": self.held_out,
            "smallest": list(self.smallest),
            "largest": list(self.largest),
            "architecture": self.architecture.to_json(),
            "parameters": self.parameters,
            "initial": self.initial,
            "class_weights": None if self.class_weights is None else list(self.class_weights),
            "steps_per_epoch": self.steps_per_epoch,
            "total_steps": self.total_steps,
            "expected_seconds": round(self.expected.seconds, 1),
            "expected_from": self.expected.run,
            "data_digest": self.data_digest.hex(),
            "notes": [{"level": note.level, "text": note.text} for note in self.notes],
        }


@dataclass(frozen=True, slots=True)
class _Data:
    """The images of a training, and what is told about them. `names` and `shapes` are those of
    Chosen, which is too large to be kept for them."""

    names: Sequence[str]
    shapes: Mapping[tuple[int, int, int], int]
    test: int
    train: Side
    val: Side
    held_out: bool
    notes: list[Note]


def plan_training(repo: Repository, settings: TrainSettings) -> TrainPlan:
    """Decide labels, parts, input, architecture, batch, steps and name.

    Where the dataset has no labelled validation images, a tenth of the train split is held out,
    by label and by a seeded hash of the pictures, so that copies of one picture stay together.
    Raises NotReady, saying what to do, when the dataset cannot be trained on; QueryError for a
    query that is not understood; NotFound or RefusedInput for a model that it cannot start from;
    UsageError for a name that a model has or that is none.
    """
    runs = repo.runs.all()
    name = _free_name(repo, settings, runs)
    initial = None if settings.start_from is None else find_initial(repo, settings.start_from)
    data = _gather(repo, settings)
    labels = _labels(repo, data)
    if initial is None:
        spec = _input(data.shapes, settings)
    else:
        # By its id: the name may be another model's by the time that this run is gone on with.
        settings = replace(settings, start_from=str(initial.model.id))
        labels = in_its_order(initial, labels)
        data.notes.append(start_note(initial, labels))
        spec = refitted(initial, settings, labels).input
    recipe = resolve(
        settings,
        images=len(data.train),
        height=spec.height,
        width=spec.width,
        channels=spec.channels,
    )
    if initial is None:
        architecture = design(spec, classes=len(labels), width=recipe.width)
    else:
        architecture = refitted(initial, settings, labels)
        recipe = replace(recipe, width=architecture.stem_filters)
    return _assemble(data, settings, recipe, name, labels, architecture, runs)


def plan_again(repo: Repository, run: RunRecord) -> TrainPlan:
    """The plan of a run that is stored: its choices, recipe, network and name as they were, and
    the images as the dataset has them now; `data_digest` tells whether they are the same.

    Raises DatasetError or UsageError for settings that cannot be read, NotReady as plan_training.
    """
    settings = TrainSettings.from_json(run.settings.get("chosen", {}))
    recipe = Recipe.from_json(run.settings.get("recipe"))
    data = _gather(repo, settings)
    labels = _labels(repo, data)
    if sorted(labels) == sorted(run.labels):
        labels = run.labels
    architecture = ArchitectureSpec.from_json(run.settings.get("architecture"))
    return _assemble(data, settings, recipe, run.name, labels, architecture, repo.runs.all())


def _assemble(
    data: _Data,
    settings: TrainSettings,
    recipe: Recipe,
    name: str,
    labels: tuple[str, ...],
    architecture: ArchitectureSpec,
    runs: Sequence[RunRecord],
) -> TrainPlan:
    train, val = _part(data, data.train, labels), _part(data, data.val, labels)
    of_train, of_val = Counter(train.targets), Counter(val.targets)
    counts = tuple(LabelCount(label, of_train[at], of_val[at]) for at, label in enumerate(labels))
    shapes = data.shapes
    sizes = sorted((width * height, width, height) for height, width, _ in shapes)
    total_steps = recipe.steps * recipe.members
    plan = TrainPlan(
        settings=settings,
        recipe=recipe,
        name=name,
        labels=labels,
        counts=counts,
        train=train,
        val=val,
        test=data.test,
        held_out=data.held_out,
        smallest=sizes[0][1:],
        largest=sizes[-1][1:],
        input=architecture.input,
        architecture=architecture,
        initial=int(start) if (start := settings.start_from or "").isdecimal() else None,
        class_weights=_weights(counts) if settings.class_weights else None,
        steps_per_epoch=-(-len(train) // recipe.batch),
        total_steps=total_steps,
        data_digest=digest(data.names, data.train, data.val),
        expected=Expected(0.0),
        notes=(*data.notes, *remarks.of_counts(counts, weighted=settings.class_weights)),
    )
    pixels = sum(height * width * count for (height, width, _), count in shapes.items())
    if settings.minutes is None:
        expected = from_earlier(runs, plan.to_run(), total_steps) or _estimate(plan, recipe, pixels)
        return replace(plan, expected=expected)
    budget = 60 * settings.minutes
    least = _estimate(plan, replace(recipe, steps=1, epochs=1), pixels).seconds
    notes = (*plan.notes, *remarks.of_budget(budget, least))
    return replace(plan, expected=Expected(budget), notes=notes)


def _gather(repo: Repository, settings: TrainSettings) -> _Data:
    """The images to train on and to validate with, the latter held out where there are none."""
    chosen = choose(repo, settings.query)
    notes = remarks.of_left_out(chosen)
    notes += remarks.of_copies(copies(chosen))
    train, val = chosen.train, chosen.val
    held_out = not val
    if held_out:
        train, val = apart(train, hold_out(train.pictures, train.labels, settings.seed))
        if not val:
            raise NotReady(
                f"{images(len(train))} cannot be divided into some to learn from and some to "
                "check against: no label has two different images",
                hint=f"add images; {SMALLEST}",
            )
        notes.append(remarks.of_held_out(len(val)))
    known = set(train.labels)
    strange = set(val.labels) - known
    if strange:
        val = val.only([label in known for label in val.labels])
        notes.append(remarks.of_strange(sorted(chosen.names[label] for label in strange)))
        if not val:
            raise NotReady(
                "no validation image has a label that a training image has",
                hint="divide the dataset again: pixshelf split --ratios 80/10/10",
            )
    return _Data(chosen.names, chosen.shapes, len(chosen.test), train, val, held_out, notes)


def _labels(repo: Repository, data: _Data) -> tuple[str, ...]:
    """Those that training images have, in natural order."""
    names = {data.names[label] for label in set(data.train.labels)}
    return tuple(name for name in repo.labels.names() if name in names)


def _part(data: _Data, side: Side, labels: Sequence[str]) -> Part:
    place = {name: at for at, name in enumerate(labels)}
    targets = [place.get(name, -1) for name in data.names]
    return Part(side.ids, array("i", (targets[label] for label in side.labels)))


def _input(shapes: Mapping[tuple[int, int, int], int], settings: TrainSettings) -> InputSpec:
    facts = chain.from_iterable(
        repeat(Example(0, b"", b"", None, None, width, height, channels), count)
        for (height, width, channels), count in shapes.items()
    )
    spec = infer_input(facts, settings.size)
    return spec if settings.resize is None else replace(spec, resize=settings.resize)


def _weights(counts: Sequence[LabelCount]) -> tuple[float, ...]:
    """scikit-learn's 'balanced' weights: n / (k * n_c), so that their mean over the images is 1."""
    total = sum(count.train for count in counts)
    return tuple(total / (len(counts) * count.train) for count in counts)


def _estimate(plan: TrainPlan, recipe: Recipe, pixels: int) -> Expected:
    return estimate(
        plan.architecture,
        recipe,
        images=len(plan.train) + len(plan.val),
        val=len(plan.val),
        pixels=pixels,
        threads=plan.settings.threads,
    )


def _free_name(repo: Repository, settings: TrainSettings, runs: Sequence[RunRecord]) -> str:
    """The name chosen, else one made from preset and seed that no run and no model has."""
    if settings.name is not None:
        return chosen_name(repo, settings.name)
    taken = model_names(repo) | {run.name for run in runs}
    return free_name(f"{settings.preset}-{settings.seed}", taken)
