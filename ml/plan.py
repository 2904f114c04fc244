"""What a training will do, decided from the dataset and the settings before anything is started.

Planning reads facts about images, never their bytes, changes nothing, and needs neither
TensorFlow nor numpy. The same dataset and settings give the same plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ml.events import Note
from ml.pixels import InputSpec
from ml.settings import Recipe, TrainSettings
from ml.spec import ArchitectureSpec
from storage.repository import Repository


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
    is a sha256 over the exact (sha256, label, split) of every image used. `notes` are what the
    user should know.
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
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values, with counts in place of ids."""
        raise NotImplementedError


def plan_training(repo: Repository, settings: TrainSettings) -> TrainPlan:
    """Decide labels, parts, input, architecture, batch and steps.

    Where the dataset has no labelled validation images, a tenth of the train split is held out,
    by label and by a seeded hash of the pictures, so that copies of one picture stay together.
    Raises NotReady, saying what to do, when the dataset cannot be trained on; QueryError for a
    query that is not understood.
    """
    raise NotImplementedError
