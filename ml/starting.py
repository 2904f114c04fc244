"""The model that a training starts from: which one is meant, and whether it can be.

Only facts about the model are read here; its weights are taken over by whoever trains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ml.events import Note
from ml.settings import TrainSettings
from ml.spec import FAMILY, ArchitectureSpec
from storage.errors import RefusedInput
from storage.records import ModelRecord
from storage.repository import Repository


@dataclass(frozen=True, slots=True)
class Initial:
    """A stored model to start from, and its network."""

    model: ModelRecord
    architecture: ArchitectureSpec


def find_initial(repo: Repository, name_or_id: str) -> Initial:
    """The model of that name or id. Of an ensemble, the network is that of one member: each that is
    trained starts from another. Raises NotFound; RefusedInput for one that was not trained here."""
    model = repo.models.find(name_or_id)
    if model.spec.get("family") != FAMILY:
        raise RefusedInput(
            f"no training can start from the model {name_or_id!r}: pixshelf has not trained it",
            hint="pixshelf models ls shows which have a run",
        )
    architecture = ArchitectureSpec.from_json(model.spec)
    return Initial(model, replace(architecture, members=1))


def refitted(
    initial: Initial, settings: TrainSettings, labels: tuple[str, ...]
) -> ArchitectureSpec:
    """The model's network for these labels. Its input stays, but for a size or a way of resizing
    that was asked for: no weight depends on either."""
    spec = initial.architecture.input
    if settings.size is not None:
        spec = replace(spec, height=settings.size, width=settings.size)
    if settings.resize is not None:
        spec = replace(spec, resize=settings.resize)
    return replace(initial.architecture, input=spec, classes=len(labels))


def in_its_order(initial: Initial, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels in the model's order where they are the model's, so that its last layer fits."""
    known = initial.model.labels
    return known if sorted(known) == sorted(labels) else labels


def start_note(initial: Initial, labels: tuple[str, ...]) -> Note:
    """What is taken over from the model, in a sentence."""
    model = initial.model
    whole = f"starts from model {model.id}, {model.name}"
    if model.labels == labels:
        return Note("info", whole)
    gone = len(set(model.labels) - set(labels))
    new = len(set(labels) - set(model.labels))
    return Note(
        "info",
        f"{whole}; the last layer begins anew: the labels differ ({new} new, {gone} gone)",
    )
