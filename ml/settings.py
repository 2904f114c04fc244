"""What a user may choose about a training, and what that comes to in numbers.

`TrainSettings` holds the choices as given, `resolve` turns them into a `Recipe` for a dataset of a
known size. Both are pure: nothing here reads a dataset or imports a numerical library.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from storage.errors import UsageError

Preset = Literal["quick", "standard", "thorough"]
Resize = Literal["letterbox", "stretch", "crop"]
Augment = Literal["auto", "none", "light", "strong"]
Strength = Literal["none", "light", "strong"]

PRESETS: tuple[Preset, ...] = get_args(Preset)
RESIZES: tuple[Resize, ...] = get_args(Resize)
AUGMENTS: tuple[Augment, ...] = get_args(Augment)

MAX_EPOCHS = 10_000
MAX_BATCH = 8_192
MAX_SIZE = 1_024
MAX_SEED = 2**31 - 1
MAX_THREADS = 1_024
MAX_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """A user's choices. None means: decide it from the preset and the dataset.

    `size` is the height and width in pixels that every picture is brought to, `resize` how.
    `query` narrows the training down to the images that match; images of the test split are never
    used, whatever it says. `threads` bounds the processor cores used. Raises UsageError, naming
    the field and the value, for anything out of bounds.
    """

    preset: Preset = "standard"
    epochs: int | None = None
    batch: int | None = None
    seed: int = 0
    size: int | None = None
    resize: Resize = "letterbox"
    augment: Augment = "auto"
    query: str | None = None
    name: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        _one_of("preset", self.preset, PRESETS)
        _one_of("resize", self.resize, RESIZES)
        _one_of("augment", self.augment, AUGMENTS)
        _whole("seed", self.seed, 0, MAX_SEED)
        if self.epochs is not None:
            _whole("epochs", self.epochs, 1, MAX_EPOCHS)
        if self.batch is not None:
            _whole("batch", self.batch, 1, MAX_BATCH)
        if self.size is not None:
            _whole("size", self.size, 1, MAX_SIZE)
        if self.threads is not None:
            _whole("threads", self.threads, 1, MAX_THREADS)
        _text("query", self.query)
        _text("name", self.name)

    def to_json(self) -> dict[str, Any]:
        """Every field as plain JSON values; `from_json` gives equal settings back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The settings from plain JSON values. A field that is left out has its default.

        Raises UsageError for an unknown field or a value that will not do.
        """
        if not isinstance(value, Mapping):
            raise UsageError(f"settings: expected an object, received {value!r}")
        known = {field.name for field in fields(cls)}
        for key in value:
            if key not in known:
                raise UsageError(
                    f"settings: unknown field {key!r}", hint=f"fields: {', '.join(sorted(known))}"
                )
        return cls(**value)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers that a training runs by.

    `peak_rate` is the highest learning rate of the one-cycle schedule, `ema_decay` the share of
    the averaged weights that is kept at each step, `width` the number of filters of the first
    stage. `flips` allows mirrored pictures.
    """

    epochs: int
    batch: int
    peak_rate: float
    weight_decay: float
    label_smoothing: float
    ema_decay: float
    augment: Strength
    flips: bool
    width: int

    def to_json(self) -> dict[str, Any]:
        """Every field as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Effort:
    """How much a preset spends: pictures seen in all, and bounds for epochs and steps."""

    pictures: int
    least_epochs: int
    most_epochs: int
    least_steps: int
    width: int


_EFFORTS: dict[str, _Effort] = {
    "quick": _Effort(40_000, 2, 16, 150, 16),
    "standard": _Effort(160_000, 3, 30, 300, 16),
    "thorough": _Effort(500_000, 10, 60, 600, 24),
}

_LARGE_SET = 20_000
"""From here on a few epochs do not repeat a picture often enough for distortions to pay."""

_DIGIT_SIDE = 32
"""Grey pictures up to this size may be characters, which mirroring would turn into others."""

_PEAK_RATE = 0.01
"""The highest learning rate, for batches of _USUAL_BATCH; it goes with the root of the batch."""

_USUAL_BATCH = 128


def resolve(
    settings: TrainSettings, *, images: int, height: int, width: int, channels: int
) -> Recipe:
    """The recipe for a training set of `images` pictures of height x width x channels pixels.

    What the settings leave open follows from the preset: large sets are seen a few times, small
    ones often enough for a few hundred steps.
    """
    effort = _EFFORTS[settings.preset]
    batch = min(settings.batch or _batch(images), images)
    if settings.epochs is not None:
        epochs = settings.epochs
    else:
        usual = round(effort.pictures / images)
        epochs = min(effort.most_epochs, max(effort.least_epochs, usual))
        epochs = max(epochs, math.ceil(effort.least_steps / math.ceil(images / batch)))
    like_digits = channels == 1 and max(height, width) <= _DIGIT_SIDE
    return Recipe(
        epochs=epochs,
        batch=batch,
        peak_rate=_PEAK_RATE * min(1.0, math.sqrt(batch / _USUAL_BATCH)),
        weight_decay=0.05,
        label_smoothing=0.05,
        ema_decay=0.995,
        augment=_strength(settings, images, like_digits),
        flips=channels == 3,
        width=effort.width,
    )


def _batch(images: int) -> int:
    """Small sets get small batches, so that an epoch has some steps."""
    for least, batch in ((4_000, _USUAL_BATCH), (800, 64), (200, 32)):
        if images >= least:
            return batch
    return 16


def _strength(settings: TrainSettings, images: int, like_digits: bool) -> Strength:
    if settings.augment != "auto":
        return settings.augment
    if settings.preset == "thorough":
        return "strong"
    return (
        "none" if like_digits and (images >= _LARGE_SET or settings.preset == "quick") else "light"
    )


def _one_of(field: str, value: object, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise UsageError(
            f"{field}: received {value!r}, which is not one of the choices",
            hint=f"choices: {', '.join(allowed)}",
        )


def _whole(field: str, value: object, least: int, most: int) -> None:
    # bool is an int to Python, and never what is meant here.
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{field}: received {value!r}, expected a whole number {least}..{most}")


def _text(field: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        shown = repr(value)[:80]
        raise UsageError(f"{field}: received {shown}, expected text of at most {MAX_TEXT} letters")
    if not value.isprintable():
        raise UsageError(f"{field}: received {value!r:.80}, which has unprintable characters")
