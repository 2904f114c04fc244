"""The protocol between a training and whoever watches it: versioned JSON, one event a line.

Each event is a frozen dataclass. `encode` gives its line, `decode` the event of a line; a line
that is malformed, too long, or of another version is an EventError. Order on the wire:
Phase and Note at any time, one Started, then Step, Epoch and CheckpointSaved, and last of all
either Done or Failed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from storage.errors import (
    ConnectionLost,
    DatasetBusy,
    DatasetError,
    NotFound,
    NotReady,
    PixshelfError,
    QueryError,
    RefusedInput,
    StorageFull,
    UsageError,
)

PROTOCOL = 1
MAX_LINE = 1_000_000
"""The most bytes a line may have. Labels are the only part without a small bound of its own."""

STEP_INTERVAL = 0.1
"""The least seconds between two Step or Phase events."""

PhaseName = Literal["starting", "decoding", "training", "calibrating", "converting", "saving"]
Level = Literal["info", "warning"]


class EventError(PixshelfError):
    """A line from a training is not an event that this version understands."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What the training is busy with. `done` of `total` pictures where that can be said."""

    name: PhaseName
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know, in a sentence."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Started:
    """The run is stored and training begins. `train` and `val` count pictures; `height`, `width`
    and `channels` are the network's input; `parameters` counts trained numbers."""

    run: int
    name: str
    pid: int
    seed: int
    preset: str
    labels: tuple[str, ...]
    train: int
    val: int
    height: int
    width: int
    channels: int
    batch: int
    epochs: int
    steps_per_epoch: int
    total_steps: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Step:
    """Training has reached `step` (counted from 1 over the whole run) in `epoch` (from 1).

    `loss` (nats) and `accuracy` (share of 1) are means over the epoch so far, on augmented
    pictures; `seconds` is training time so far.
    """

    epoch: int
    step: int
    total_steps: int
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch is finished and stored. The figures are those of storage.records.EpochMetrics."""

    run: int
    epoch: int
    epochs: int
    step: int
    seconds: float
    learning_rate: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    best: bool


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A checkpoint is durable: 'last', or 'best' by validation."""

    run: int
    kind: Literal["last", "best"]
    epoch: int
    step: int


@dataclass(frozen=True, slots=True)
class Done:
    """The run ended well, or was stopped (`stopped`) with what it had.

    `epochs` and `steps` count finished epochs and the steps taken. `seconds` is the whole life of
    the child process, `train_seconds` the training loop with its validation. `model` and
    `weights_sha256` (hexadecimal) are None when no epoch was finished.
    """

    run: int
    model: int | None
    epochs: int
    steps: int
    seconds: float
    train_seconds: float
    val_accuracy: float | None
    val_loss: float | None
    seed: int
    weights_sha256: str | None
    stopped: bool

    def to_json(self) -> dict[str, Any]:
        """The object that `train --json` prints last."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended with an error. `kind` is the name of the PixshelfError, 'internal' for any
    other exception."""

    kind: str
    message: str
    hint: str | None = None
    run: int | None = None


Event = Phase | Note | Started | Step | Epoch | CheckpointSaved | Done | Failed

_NAMES: dict[type[Any], str] = {
    Phase: "phase",
    Note: "note",
    Started: "started",
    Step: "step",
    Epoch: "epoch",
    CheckpointSaved: "checkpoint",
    Done: "done",
    Failed: "error",
}
_TYPES: dict[str, type[Any]] = {name: kind for kind, name in _NAMES.items()}


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain JSON values: 'v', 'event' and its fields."""
    body: dict[str, Any] = {"v": PROTOCOL, "event": _NAMES[type(event)]}
    for field in fields(event):
        value = getattr(event, field.name)
        body[field.name] = list(value) if isinstance(value, tuple) else value
    return body


def encode(event: Event) -> bytes:
    """The event as one line of JSON, newline included. Raises ValueError for infinity and NaN."""
    text = json.dumps(to_json(event), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def decode(line: bytes | str) -> Event:
    """The event that a line says. Fields that this version does not know are passed over.

    Raises EventError for a line that is malformed, too long, of another version, or whose fields
    are missing or of the wrong type.
    """
    if len(line) > MAX_LINE:
        raise EventError(f"event: received a line of {len(line)} bytes, at most {MAX_LINE} allowed")
    try:
        body = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise EventError(f"event: received {_shown(line)}, which is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise EventError(f"event: received {_shown(line)}, expected a JSON object")
    if body.get("v") != PROTOCOL:
        raise EventError(
            f"event: received protocol version {body.get('v')!r}, this program speaks {PROTOCOL}",
            hint="the training was started by another version of pixshelf",
        )
    name = body.get("event")
    if not isinstance(name, str) or name not in _TYPES:
        raise EventError(f"event: received unknown event {name!r}")
    kind = _TYPES[name]
    hints = get_type_hints(kind)
    values = {f.name: _field(name, f.name, hints[f.name], body) for f in fields(kind)}
    return cast(Event, kind(**values))


def to_error(failed: Failed) -> PixshelfError:
    """The exception that a Failed event tells of, of the same class where there is one."""
    classes: dict[str, type[PixshelfError]] = {
        kind.__name__: kind
        for kind in (
            ConnectionLost,
            DatasetBusy,
            DatasetError,
            NotFound,
            NotReady,
            RefusedInput,
            StorageFull,
            UsageError,
        )
    }
    # A QueryError needs its text and place, which do not travel; its message says them.
    classes[QueryError.__name__] = UsageError
    return classes.get(failed.kind, PixshelfError)(failed.message, hint=failed.hint)


class Throttle:
    """Says yes at most once in `interval` seconds."""

    __slots__ = ("_clock", "_interval", "_next")

    def __init__(self, clock: Callable[[], float], interval: float = STEP_INTERVAL) -> None:
        self._clock = clock
        self._interval = interval
        self._next = -math.inf

    def ready(self) -> bool:
        """Whether it is time; if so, the next time is `interval` from now."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._interval
        return True


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON knows")


def _shown(line: bytes | str) -> str:
    text = line.decode("utf-8", "backslashreplace") if isinstance(line, bytes) else line
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _field(event: str, name: str, hint: Any, body: Mapping[str, Any]) -> Any:
    if name not in body:
        raise EventError(f"event: {event!r} came without its field {name!r}")
    value = body[name]
    if get_origin(hint) is tuple:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif _fits(value, hint):
        # JSON does not tell 1 from 1.0.
        real = hint is float or float in get_args(hint)
        return float(value) if real and value is not None else value
    raise EventError(f"event: {event!r} came with {name}={value!r:.80}")


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, choice) for choice in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)
