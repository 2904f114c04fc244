"""The nouns of pixshelf as frozen records: what goes into a Repository and what comes out.

Times are UTC, in whole seconds since 1970. Hashes are raw bytes. A `label` or `split` of
None means that the image has none. Nothing here reads or writes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from storage.choices import LOOKS as LOOKS
from storage.choices import SPLITS as SPLITS
from storage.choices import Look as Look
from storage.choices import Split as Split

SqlValue = int | float | str | bytes | None

ActionState = Literal["done", "undone", "dropped"]

RunStatus = Literal["running", "done", "stopped", "failed"]

UNCERTAIN_BELOW = 0.8
"""A prediction is called uncertain when its confidence is below this."""


@dataclass(frozen=True, slots=True)
class NewImage:
    """One image on its way in: the bytes as given, and what was measured from them.

    `pixel_hash` is 16 bytes over the decoded mode, size and pixels (equal for the same picture in
    another file); `dhash` is a signed 64-bit difference hash. `thumbnail` holds encoded bytes,
    for images of a million pixels and more. `source` is the path within what was imported.
    """

    data: bytes
    sha256: bytes
    pixel_hash: bytes
    dhash: int
    width: int
    height: int
    channels: int
    format: str
    source: str
    label: str | None = None
    split: Split | None = None
    tags: tuple[str, ...] = ()
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one NewImage: the id it has now, and whether it was new."""

    id: int
    new: bool


@dataclass(frozen=True, slots=True)
class ImagePrediction:
    """A model's answer as it is shown beside an image. `wrong` is None for an unlabelled one."""

    model: int
    label: str
    confidence: float
    wrong: bool | None


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image without its bytes.

    `channels` counts those of the stored file (1 grey, 2 grey and alpha, 3 colour, 4 colour and
    alpha or CMYK). `bytes` is the length of the stored file. `source` is where it came from.
    `deleted` says that it lies in the trash.
    """

    id: int
    sha256: bytes
    label: str | None
    split: Split | None
    tags: tuple[str, ...]
    width: int
    height: int
    channels: int
    format: str
    bytes: int
    source: str
    added_at: int
    prediction: ImagePrediction | None = None
    deleted: bool = False


class Example(NamedTuple):
    """The few facts about an image that training and evaluation select by."""

    id: int
    sha256: bytes
    pixel_hash: bytes
    label: str | None
    split: Split | None
    width: int
    height: int
    channels: int


class Fingerprint(NamedTuple):
    """What tells whether an image is a copy of another, and which of the two is the better one."""

    id: int
    pixel_hash: bytes
    dhash: int
    split: Split | None
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Measures:
    """How a picture looks, in numbers; storage/problems.py says how each is taken.

    `low`, `high`, `contrast` and `spread` are in steps of 0 to 255. `sharpness` has no unit, and
    is None where there is none. `animated` says that there is more than one frame.
    """

    low: int
    high: int
    contrast: float
    spread: int
    sharpness: float | None
    animated: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some images in a query's order. `next` continues after the last one; None at the end."""

    images: tuple[ImageRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts over a whole dataset. `sizes` is keyed 'WIDTHxHEIGHT', the most frequent first."""

    images: int
    unlabelled: int
    bytes: int
    labels: Mapping[str, int]
    splits: Mapping[str, int]
    formats: Mapping[str, int]
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NewRun:
    """One training about to start. `settings` and `versions` are plain JSON values.

    `data_digest` is a sha256 over the exact images, labels and splits that the run sees.
    """

    name: str
    seed: int
    settings: Mapping[str, Any]
    labels: tuple[str, ...]
    data_digest: bytes
    versions: Mapping[str, str]
    total_epochs: int
    total_steps: int
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """One finished epoch. `epoch` counts from 1, `step` is the steps taken in all, `seconds` the
    training time since the run began. Losses are mean cross-entropies in nats, accuracies are
    shares of 1. The val fields are None where there is no validation part."""

    epoch: int
    step: int
    seconds: float
    learning_rate: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is needed to go on from the end of an epoch or from within one: safetensors bytes of
    the weights and of the optimizer."""

    epoch: int
    step: int
    weights: bytes
    optimizer: bytes


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A training, as stored. `model` is the model it gave, if it gave one."""

    id: int
    name: str
    status: RunStatus
    seed: int
    settings: Mapping[str, Any]
    labels: tuple[str, ...]
    data_digest: bytes
    versions: Mapping[str, str]
    total_epochs: int
    total_steps: int
    pid: int | None
    started_at: int
    finished_at: int | None
    error: str | None
    model: int | None
    epochs: tuple[EpochMetrics, ...] = ()


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model as data: an architecture spec (plain JSON values), safetensors weights, LiteRT bytes.

    `labels` are in the order of the model's outputs. `temperature` divides the logits before the
    softmax; it is already part of `litert`'s outputs, which are probabilities.
    """

    name: str
    labels: tuple[str, ...]
    spec: Mapping[str, Any]
    parameters: int
    weights: bytes
    litert: bytes
    temperature: float
    run: int | None = None
    val_accuracy: float | None = None
    val_loss: float | None = None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A stored model without its weights. `weights_sha256` names the exact weights."""

    id: int
    name: str
    run: int | None
    labels: tuple[str, ...]
    spec: Mapping[str, Any]
    parameters: int
    weights_sha256: bytes
    temperature: float
    val_accuracy: float | None
    val_loss: float | None
    created_at: int


@dataclass(frozen=True, slots=True)
class NewPrediction:
    """A model's answer on its way in. `probabilities` is float32, little-endian, one per label of
    the model, in the model's order; `margin` is the highest less the second highest."""

    image: int
    label: str
    confidence: float
    margin: float
    probabilities: bytes


@dataclass(frozen=True, slots=True)
class Prediction:
    """A stored prediction. `truth` is the label that the image had when it was made."""

    image: int
    model: int
    label: str
    confidence: float
    margin: float
    probabilities: bytes
    truth: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a user did to labels, splits, tags or the trash. `images` counts those it
    changed. An 'undone' action can be redone; a 'dropped' one was undone for good."""

    id: int
    at: int
    actor: str
    kind: str
    summary: str
    images: int
    state: ActionState = "done"


@dataclass(frozen=True, slots=True)
class Event:
    """What an action did to one image: names before and after, None for none."""

    image: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that `check` found wrong."""

    what: str
    image: int | None = None


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration did to a dataset, a path or a URL: the schema's version `before` and `after`
    (equal where it was the newest already), and the `backup` that was written, if one was."""

    dataset: str
    before: int
    after: int
    backup: Path | None


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What the dataset itself is, below the images in it."""

    url: str
    backend: str
    library: str
    schema_version: int
    bytes: int
    images: int
    models: int
    runs: int
    predictions: int
    details: Mapping[str, str] = field(default_factory=dict)
