"""What a user may choose about a training, and what that comes to in numbers.

`TrainSettings` holds the choices as given, `resolve` turns them into a `Recipe` for a dataset of a
known size. Both are pure: nothing here reads a dataset or imports a numerical library.
"""

from __future__ import annotations

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


def resolve(
    settings: TrainSettings, *, images: int, height: int, width: int, channels: int
) -> Recipe:
    """The recipe for a training set of `images` pictures of height x width x channels pixels."""
    raise NotImplementedError


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
