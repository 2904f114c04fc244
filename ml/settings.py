"""What a user may choose about a training, and what that comes to in numbers.

`TrainSettings` holds the choices as given, `resolve` turns them into a `Recipe` for a dataset of a
known size. Both are pure: nothing here reads a dataset or imports a numerical library.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self, cast, get_args, get_type_hints

from storage.errors import DatasetError, UsageError

Preset = Literal["quick", "standard", "thorough"]
Resize = Literal["letterbox", "stretch", "crop"]
Augment = Literal["auto", "none", "light", "strong"]
Strength = Literal["none", "light", "strong"]

PRESETS: tuple[Preset, ...] = get_args(Preset)
STRENGTHS: tuple[Strength, ...] = get_args(Strength)
RESIZES: tuple[Resize, ...] = get_args(Resize)
LENGTHS = ("epochs", "steps", "minutes")
"""The fields of which at most one says how long a training is."""

AUGMENTS: tuple[Augment, ...] = get_args(Augment)

MAX_EPOCHS = 10_000
MAX_BATCH = 8_192
MAX_SIZE = 1_024
MAX_SEED = 2**31 - 1
MAX_THREADS = 1_024
MAX_STEPS = 100_000_000
MAX_MINUTES = 100_000.0
MAX_ENSEMBLE = 16
MAX_WIDTH = 4_096
MAX_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """A user's choices. None means: decide it from the preset and the dataset.

    `size` is the height and width in pixels that every picture is brought to, `resize` how; what
    is open follows a model that is started from, or else the dataset, in letterbox.
    `query` narrows the training down to the images that match; images of the test split are never
    used, whatever it says. `threads` bounds the processor cores used.

    Of `epochs`, `steps` and `minutes` at most one says how long: whole passes over the images,
    batches, or the wall time that the whole run may take. `class_weights` makes every label weigh
    alike in the loss, however many images it has. `start_from` names a stored model to start from.
    `ensemble` is how many networks are trained, whose answers are averaged.

    Raises UsageError, naming the field and the value, for anything out of bounds.
    """

    preset: Preset = "standard"
    epochs: int | None = None
    batch: int | None = None
    seed: int = 0
    size: int | None = None
    resize: Resize | None = None
    augment: Augment = "auto"
    query: str | None = None
    name: str | None = None
    threads: int | None = None
    steps: int | None = None
    minutes: float | None = None
    class_weights: bool = False
    start_from: str | None = None
    ensemble: int | None = None

    def __post_init__(self) -> None:
        _one_of("preset", self.preset, PRESETS)
        if self.resize is not None:
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
        if self.steps is not None:
            _whole("steps", self.steps, 1, MAX_STEPS)
        if self.minutes is not None:
            _minutes(self.minutes)
        if self.ensemble is not None:
            _whole("ensemble", self.ensemble, 1, MAX_ENSEMBLE)
        if not isinstance(self.class_weights, bool):
            raise UsageError(f"class_weights: received {self.class_weights!r}, expected yes or no")
        _text("query", self.query)
        _text("name", self.name)
        _text("start_from", self.start_from)
        lengths = [name for name in LENGTHS if getattr(self, name) is not None]
        if len(lengths) > 1:
            raise UsageError(
                f"{' and '.join(lengths)}: received both, which say how long in different ways",
                hint="give one of them",
            )

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

    `steps` is how many batches each network of `members` is trained with; `epochs` is how many
    passes over the images that is, the last of which may end early. `peak_rate` and `muon_rate`
    are the highest learning rates of the one-cycle schedule, AdamW's and Muon's; `ema_decay` is the
    share of the averaged weights that is kept at each step, `width` the number of filters of the
    first stage. `flips` allows mirrored pictures.
    """

    epochs: int
    steps: int
    members: int
    batch: int
    peak_rate: float
    muon_rate: float
    weight_decay: float
    label_smoothing: float
    ema_decay: float
    augment: Strength
    flips: bool
    width: int

    def to_json(self) -> dict[str, Any]:
        """Every field as plain JSON values; `from_json` gives an equal recipe back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The recipe that a run was stored with. Raises DatasetError for anything else, and for
        numbers out of bounds."""
        if not isinstance(value, Mapping) or value.keys() != get_type_hints(cls).keys():
            raise DatasetError(f"the run cannot be read: its recipe is {value!r:.200}")
        for name, each in value.items():
            if not _stored_well(name, each):
                raise DatasetError(f"the run cannot be read: its {name} is {each!r:.80}")
        return cls(**value)

    def lasting(self, steps: int, steps_per_epoch: int) -> Self:
        """The same recipe for another number of steps."""
        return replace(self, steps=steps, epochs=-(-steps // steps_per_epoch))


_MOST: dict[str, int | float] = {
    "epochs": MAX_STEPS,
    "steps": MAX_STEPS,
    "members": MAX_ENSEMBLE,
    "batch": MAX_BATCH,
    "width": MAX_WIDTH,
    "peak_rate": 10.0,
    "muon_rate": 10.0,
    "weight_decay": 10.0,
    "label_smoothing": 1.0,
    "ema_decay": 1.0,
}


def _stored_well(name: str, value: object) -> bool:
    """Whether a number of a stored recipe is of its kind and within bounds."""
    if name == "flips":
        return isinstance(value, bool)
    if name == "augment":
        return isinstance(value, str) and value in STRENGTHS
    most = _MOST[name]
    if isinstance(most, int):
        return type(value) is int and 1 <= value <= most
    # Compared so that what is not a number is outside too.
    return type(value) in (int, float) and 0 <= cast(float, value) <= most


@dataclass(frozen=True, slots=True)
class _Effort:
    """How much a preset spends: pictures seen by each network, bounds for epochs and steps, the
    filters of the first stage, and the number of networks."""

    pictures: int
    least_epochs: int
    most_epochs: int
    least_steps: int
    width: int
    members: int


_EFFORTS: dict[str, _Effort] = {
    "quick": _Effort(40_000, 2, 16, 150, 16, 1),
    "standard": _Effort(160_000, 3, 150, 300, 16, 1),
    "thorough": _Effort(1_200_000, 20, 200, 600, 24, 3),
}

_LARGE_SET, _FEW_EPOCHS = 20_000, 5
"""With so many digits so few epochs do not repeat a picture often enough for distortions to pay."""

_MOST_OF_DIGITS = 40
"""For the standard preset: more than this tells digits apart no better, and a demonstration should
be short."""

_SMALL_SET = 4_000
"""With fewer photos than this, each is seen so often that only strong distortions help."""

_DIGIT_SIDE = 32
"""Grey pictures up to this size may be characters, which mirroring would turn into others."""

_PEAK_RATE, _MUON_RATE = 0.02, 0.1
"""The highest learning rates. Below _SMALL_BATCH they go with the root of the batch."""

_USUAL_BATCH, _SMALL_BATCH = 128, 32

_TAUGHT = 0.3
"""What is left of the learning rates where the training starts from a model."""


def resolve(
    settings: TrainSettings, *, images: int, height: int, width: int, channels: int
) -> Recipe:
    """The recipe for a training set of `images` pictures of height x width x channels pixels.

    What the settings leave open follows from the preset: large sets are seen a few times, small
    ones often enough for a few hundred steps.
    """
    effort = _EFFORTS[settings.preset]
    like_digits = channels == 1 and max(height, width) <= _DIGIT_SIDE
    batch = min(settings.batch or _batch(images), images)
    steps_per_epoch = math.ceil(images / batch)
    if settings.epochs is not None:
        epochs = settings.epochs
    else:
        usual = round(effort.pictures / images)
        digits = like_digits and settings.preset == "standard"
        most = _MOST_OF_DIGITS if digits else effort.most_epochs
        epochs = min(most, max(effort.least_epochs, usual))
        epochs = max(epochs, math.ceil(effort.least_steps / steps_per_epoch))
    steps = settings.steps or epochs * steps_per_epoch
    epochs = math.ceil(steps / steps_per_epoch)
    calm = min(1.0, math.sqrt(batch / _SMALL_BATCH))
    if settings.start_from is not None:
        calm *= _TAUGHT
    return Recipe(
        epochs=epochs,
        steps=steps,
        members=settings.ensemble or effort.members,
        batch=batch,
        peak_rate=_PEAK_RATE * calm,
        muon_rate=_MUON_RATE * calm,
        weight_decay=0.05,
        label_smoothing=0.05,
        ema_decay=0.995,
        augment=_strength(settings, images, epochs, like_digits),
        flips=channels == 3,
        width=effort.width,
    )


def _batch(images: int) -> int:
    """Small sets get small batches, so that an epoch has some steps."""
    for least, batch in ((4_000, _USUAL_BATCH), (800, 64), (200, 32)):
        if images >= least:
            return batch
    return 16


def _strength(settings: TrainSettings, images: int, epochs: int, like_digits: bool) -> Strength:
    if settings.augment != "auto":
        return settings.augment
    if settings.preset == "thorough":
        return "strong"
    if like_digits:
        if settings.preset == "quick":
            return "none"
        # How long a budget of time lasts is found out with distortions, which cost a little.
        few = epochs <= _FEW_EPOCHS and settings.minutes is None
        return "none" if few and images >= _LARGE_SET else "light"
    return "strong" if images < _SMALL_SET else "light"


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


def _minutes(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"minutes: received {value!r}, expected a number")
    if not 0 < value <= MAX_MINUTES:
        raise UsageError(
            f"minutes: received {value!r}, expected more than 0, up to {MAX_MINUTES:g}"
        )


def _text(field: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        shown = repr(value)[:80]
        raise UsageError(f"{field}: received {shown}, expected text of at most {MAX_TEXT} letters")
    if not value.isprintable():
        raise UsageError(f"{field}: received {value!r:.80}, which has unprintable characters")
