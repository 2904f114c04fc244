"""What a dataset in memory holds: plain dictionaries by id. A name is kept wherever it is used, so
to rename one is to replace it everywhere; nothing is derived and stored that can be looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from storage.errors import NotFound
from storage.records import (
    Action,
    ActionState,
    Checkpoint,
    EpochMetrics,
    Event,
    Measures,
    ModelRecord,
    NewImage,
    NewModel,
    Prediction,
    RunRecord,
)

Vocabulary = Literal["label", "tag"]


@dataclass(slots=True)
class Image:
    """An image: `facts` as they are now, and what was noted when it came."""

    facts: NewImage
    bytes: int
    added_at: int
    deleted: bool = False


@dataclass(slots=True)
class Run:
    """A run; its epochs by their number, its checkpoints by their kind."""

    record: RunRecord
    epochs: dict[int, EpochMetrics] = field(default_factory=dict)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)


@dataclass(slots=True)
class Model:
    """A model with its weights, and the sha256 that its LiteRT bytes had."""

    record: ModelRecord
    given: NewModel
    litert_sha256: bytes


@dataclass(slots=True)
class Done:
    """An action with what it did: events by image, or the two names of a renaming."""

    action: Action
    events: dict[int, Event] = field(default_factory=dict)
    renamed: tuple[str, str] | None = None


@dataclass(slots=True)
class Store:
    """Everything. `held` are the runs that somebody works on."""

    labels: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    imports: dict[int, int] = field(default_factory=dict)
    images: dict[int, Image] = field(default_factory=dict)
    measures: dict[int, tuple[int, Measures]] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    models: dict[int, Model] = field(default_factory=dict)
    predictions: dict[tuple[int, int], Prediction] = field(default_factory=dict)
    actions: dict[int, Done] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)

    def image(self, image_id: int) -> Image:
        """Raises NotFound."""
        if image_id not in self.images:
            raise NotFound(f"there is no image {image_id}", hint="See 'pixshelf ls'.")
        return self.images[image_id]

    def run(self, run_id: int) -> Run:
        """Raises NotFound."""
        if run_id not in self.runs:
            raise NotFound(f"there is no run {run_id}", hint="See 'pixshelf runs ls'.")
        return self.runs[run_id]

    def model(self, model_id: int) -> Model:
        """Raises NotFound."""
        if model_id not in self.models:
            raise NotFound(f"there is no model {model_id}", hint="See 'pixshelf models ls'.")
        return self.models[model_id]

    def in_state(self, state: ActionState) -> list[int]:
        """The ids of the actions in a state."""
        return [i for i, done in self.actions.items() if done.action.state == state]

    def become(self, other: Store) -> None:
        """Hold what another holds."""
        for one in fields(Store):
            setattr(self, one.name, getattr(other, one.name))

    def names(self, vocabulary: Vocabulary) -> set[str]:
        """The labels, or the tags."""
        return self.labels if vocabulary == "label" else self.tags

    def is_used(self, vocabulary: Vocabulary, name: str) -> bool:
        """Whether anything has the label or the tag."""
        if vocabulary == "tag":
            return any(name in image.facts.tags for image in self.images.values())
        return (
            any(name == image.facts.label for image in self.images.values())
            or any(name in model.record.labels for model in self.models.values())
            or any(name in (one.label, one.truth) for one in self.predictions.values())
        )

    def drop_unused(self, vocabulary: Vocabulary, name: str) -> None:
        """Forget a name that nothing has any more."""
        if not self.is_used(vocabulary, name):
            self.names(vocabulary).discard(name)

    def rename(self, vocabulary: Vocabulary, old: str, new: str) -> None:
        """Give everything that has the one name the other; the history keeps what it said."""
        names = self.names(vocabulary)
        if old not in names:
            return
        names.remove(old)
        names.add(new)
        if vocabulary == "tag":
            for image in self.images.values():
                tags = {new if tag == old else tag for tag in image.facts.tags}
                image.facts = replace(image.facts, tags=tuple(sorted(tags)))
            return
        changed: Mapping[str | None, str] = {old: new}
        for image in self.images.values():
            label = image.facts.label
            image.facts = replace(image.facts, label=changed.get(label, label))
        for model in self.models.values():
            labels = tuple(changed.get(label, label) for label in model.record.labels)
            model.record = replace(model.record, labels=labels)
        for key, one in self.predictions.items():
            self.predictions[key] = replace(
                one,
                label=changed.get(one.label, one.label),
                truth=changed.get(one.truth, one.truth),
            )


def next_id(rows: Mapping[int, object]) -> int:
    """The id that the next row gets: one more than the largest there is."""
    return max(rows, default=0) + 1
