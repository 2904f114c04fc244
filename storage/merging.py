"""One dataset into another: images by their sha256, with labels, splits, tags, and if wanted models
with their predictions.

New images are added in batches that are each one transaction, and what the images that both have
are changed by comes last, so a merge that was cut off can be run again and ends as if it had not
been. Memory holds one batch, and what is to change of the images that both have.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, TypeVar

from storage.errors import DatasetError, UsageError
from storage.paging import pages
from storage.query import Query, Term
from storage.records import ImageRecord, ModelRecord, NewImage, NewModel, NewPrediction, Split
from storage.repository import Repository

BATCH_IMAGES = 1_000
BATCH_BYTES = 16 * 1024 * 1024
CONFLICTS_KEPT = 1_000

Prefer = Literal["ours", "theirs", "neither"]
PREFERENCES: tuple[Prefer, ...] = ("ours", "theirs", "neither")
Progress = Callable[[int, int], None]
"""Called with (done, total)."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Options:
    """How to merge. `prefer` says whose label and split an image keeps that has others in both.
    `location` is noted as where new images came from. With `dry_run` nothing is written."""

    actor: str
    prefer: Prefer = "ours"
    models: bool = False
    location: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """An image that both datasets have, with another label or split in each. `image` is its id in
    the dataset that was merged into."""

    image: int
    what: Literal["label", "split"]
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What became of a merge, in images. `there` were there already, `trashed` of them in the
    trash, where they stay as they are. Conflicts are counted in full; `conflicts` holds the first
    1,000. `relabelled`, `resplit` and `retagged` are images that were there and were changed, by
    `actions` actions of the history. `models` are new, `predictions` were not there."""

    images: int
    added: int
    there: int
    trashed: int
    label_conflicts: int
    split_conflicts: int
    conflicts: tuple[Conflict, ...]
    relabelled: int
    resplit: int
    retagged: int
    actions: int
    models: int
    predictions: int


def merge(
    ours: Repository,
    theirs: Repository,
    query: Query,
    options: Options,
    *,
    progress: Progress | None = None,
) -> MergeReport:
    """Bring the images of `theirs` that match into `ours`, in the query's order.

    An image that both have is not stored again: it gets the tags of both, and the label and split
    of theirs where ours has none. Where both have one and they differ, `prefer` decides; 'neither'
    takes ours away, and gives ours none that it did not have. All labels that change are one
    action of the history, so are all splits, and each tag. With `models`, their models are added
    (unless one of the same name, labels and weights is there) with what they said of the images;
    the truth beside a prediction is the label that the image has now. Trainings and the history
    are not brought.

    Raises UsageError for one dataset given twice, DatasetError for an image of theirs whose bytes
    are not those that were stored; what was added by then stays.
    """
    if ours.url == theirs.url:
        raise UsageError(f"{ours.url} cannot be merged into itself", hint="Name another dataset.")
    work = _Merge(ours, theirs, options)
    total = theirs.images.count(query) if progress is not None else 0
    for page in pages(theirs, query):
        work.take(page)
        if progress is not None:
            progress(work.images, total)
    work.flush()
    work.change()
    if options.models:
        work.take_models(query)
    return work.report()


@dataclass(slots=True)
class _Merge:
    """The counts of a merge under way, the batch that is being filled, and what is to change."""

    ours: Repository
    theirs: Repository
    options: Options
    import_id: int | None = None
    batch: list[NewImage] = field(default_factory=list)
    batch_bytes: int = 0
    images: int = 0
    added: int = 0
    there: int = 0
    trashed: int = 0
    label_conflicts: int = 0
    split_conflicts: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    labels: dict[int, str | None] = field(default_factory=dict)
    splits: dict[int, Split | None] = field(default_factory=dict)
    tags: dict[str, array[int]] = field(default_factory=dict)
    retagged: int = 0
    actions: int = 0
    models: int = 0
    predictions: int = 0

    def take(self, page: Sequence[ImageRecord]) -> None:
        """Add the images that are new, and note what is to change of the others."""
        known = self.ours.images.find([image.sha256 for image in page])
        there = _by_id(self.ours, list(known.values()))
        new = []
        for image in page:
            self.images += 1
            if image.sha256 not in known:
                new.append(image.id)
                continue
            self.there += 1
            mine = there.get(known[image.sha256])
            if mine is None:
                self.trashed += 1
            else:
                self._compare(mine, image)
        if self.options.dry_run:
            self.added += len(new)
            return
        for _, whole in self.theirs.images.stored(new):
            if sha256(whole.data).digest() != whole.sha256:
                raise DatasetError(
                    f"an image of {self.theirs.url} is not what was stored (sha256 "
                    f"{whole.sha256.hex()[:16]}…)",
                    hint="'pixshelf db check' names it. Restore a backup, or delete the image.",
                )
            self.batch.append(whole)
            self.batch_bytes += len(whole.data)
            if len(self.batch) >= BATCH_IMAGES or self.batch_bytes >= BATCH_BYTES:
                self.flush()

    def flush(self) -> None:
        """Store the batch, in one transaction."""
        if not self.batch:
            return
        if self.import_id is None:
            location = self.options.location or self.theirs.url
            settings = {"format": "dataset", "prefer": self.options.prefer}
            self.import_id = self.ours.images.begin_import(location, settings)
        stored = self.ours.images.add(self.batch, import_id=self.import_id)
        new = sum(one.new for one in stored)
        self.added += new
        self.there += len(stored) - new
        self.batch, self.batch_bytes = [], 0

    def change(self) -> None:
        """Give the images that both have what was decided; the labels last, so that they are what
        is taken back first."""
        if self.options.dry_run:
            return
        actor = self.options.actor
        source = self.options.location or self.theirs.url
        images = self.ours.images
        for tag, ids in sorted(self.tags.items()):
            images.add_tag(ids.tolist(), tag, actor=actor)
        if self.splits:
            images.set_split(self.splits, actor=actor, summary=f"splits merged from {source}")
        if self.labels:
            images.set_labels(self.labels, actor=actor, summary=f"labels merged from {source}")
        self.actions = len(self.tags) + bool(self.splits) + bool(self.labels)

    def take_models(self, query: Query) -> None:
        """Add their models, oldest first, and what they said of the images that match."""
        mine = {_identity(model): model.id for model in self.ours.models.all()}
        for model in reversed(self.theirs.models.all()):
            model_id = mine.get(_identity(model))
            if model_id is None:
                self.models += 1
                if self.options.dry_run:
                    continue
                model_id = self.ours.models.add(_new_model(self.theirs, model))
            for page in pages(self.theirs, query):
                self._take_predictions(page, model.id, model_id)

    def _take_predictions(
        self, page: Sequence[ImageRecord], their_model: int, our_model: int
    ) -> None:
        """Save what their model said of a page's images and ours has not said."""
        hashes = {image.id: image.sha256 for image in page}
        ids = self.ours.images.find(hashes.values())
        missing = {
            image.id
            for image in _by_id(self.ours, list(ids.values()), our_model).values()
            if image.prediction is None
        }
        new = [
            NewPrediction(
                ids[hashes[said.image]],
                said.label,
                said.confidence,
                said.margin,
                said.probabilities,
            )
            for said in self.theirs.predictions.of_model(their_model, _these(list(hashes)))
            if ids.get(hashes[said.image]) in missing
        ]
        self.predictions += len(new)
        if new and not self.options.dry_run:
            self.ours.predictions.save(our_model, new)

    def _compare(self, mine: ImageRecord, image: ImageRecord) -> None:
        prefer = self.options.prefer
        label = decide(mine.label, image.label, prefer)
        if label != mine.label:
            self.labels[mine.id] = label
        split: Split | None = decide(mine.split, image.split, prefer)
        if split != mine.split:
            self.splits[mine.id] = split
        new_tags = set(image.tags) - set(mine.tags)
        self.retagged += bool(new_tags)
        for tag in sorted(new_tags):
            self.tags.setdefault(tag, array("q")).append(mine.id)
        if mine.label is not None and image.label is not None and mine.label != image.label:
            self.label_conflicts += 1
            self._keep(Conflict(mine.id, "label", mine.label, image.label))
        if mine.split is not None and image.split is not None and mine.split != image.split:
            self.split_conflicts += 1
            self._keep(Conflict(mine.id, "split", mine.split, image.split))

    def _keep(self, conflict: Conflict) -> None:
        if len(self.conflicts) < CONFLICTS_KEPT:
            self.conflicts.append(conflict)

    def report(self) -> MergeReport:
        """What became of it."""
        return MergeReport(
            images=self.images,
            added=self.added,
            there=self.there,
            trashed=self.trashed,
            label_conflicts=self.label_conflicts,
            split_conflicts=self.split_conflicts,
            conflicts=tuple(self.conflicts),
            relabelled=len(self.labels),
            resplit=len(self.splits),
            retagged=self.retagged,
            actions=self.actions,
            models=self.models,
            predictions=self.predictions,
        )


def decide(ours: Value | None, theirs: Value | None, prefer: Prefer) -> Value | None:
    """What an image gets that has `ours` in one dataset and `theirs` in the other. Deciding again,
    with the answer as `ours`, gives the answer: so a merge that was cut off can be run again."""
    if theirs is None or ours == theirs:
        return ours
    match prefer:
        case "neither":
            return None
        case "theirs":
            return theirs
        case "ours":
            return theirs if ours is None else ours


def _these(ids: Sequence[int]) -> Query:
    return Query((Term("id", ":", tuple(ids)),))


def _by_id(
    repo: Repository, ids: Sequence[int], model: int | None = None
) -> dict[int, ImageRecord]:
    """Those of the images that are not in the trash, with what the model said of them."""
    if not ids:
        return {}
    query = Query(_these(ids).terms, model=None if model is None else str(model))
    return {image.id: image for image in repo.images.page(query, limit=len(ids)).images}


def _identity(model: ModelRecord) -> tuple[str, tuple[str, ...], bytes]:
    """What makes a model of one dataset the same as one of another."""
    return model.name, model.labels, model.weights_sha256


def _new_model(repo: Repository, model: ModelRecord) -> NewModel:
    """The model as another dataset takes it: without its training, which stays behind."""
    return NewModel(
        name=model.name,
        labels=model.labels,
        spec=model.spec,
        parameters=model.parameters,
        weights=repo.models.weights(model.id),
        litert=repo.models.litert(model.id),
        temperature=model.temperature,
        val_accuracy=model.val_accuracy,
        val_loss=model.val_loss,
    )
