"""The form of a training as data: its fields, what they mean, and the settings that texts give.

Pure: texts in, TrainSettings or what is wrong with each field out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ml.settings import (
    AUGMENTS,
    LENGTHS,
    MAX_ENSEMBLE,
    MAX_SIZE,
    PRESETS,
    RESIZES,
    TrainSettings,
)
from storage.errors import NotFound, PixshelfError, QueryError, RefusedInput, UsageError
from storage.query import parse

OPEN = "auto"
"""The choice that leaves a field open."""

NO, YES = "no", "yes"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form. `name` is that of TrainSettings, `option` the command line's.
    `choices` is empty where a text is typed. `unset` is shown where nothing is typed, until the
    plan says what that comes to. `help` says what it means."""

    name: str
    title: str
    option: str
    help: str
    choices: tuple[str, ...] = ()
    unset: str = ""


FORM = (
    Field(
        "preset",
        "preset",
        "--preset",
        "How much to spend. quick: to see whether it works. standard: good figures in minutes. "
        "thorough: three networks, much longer, for the last tenths of a percent.",
        PRESETS,
    ),
    Field(
        "epochs",
        "epochs",
        "--epochs",
        "How long: so many passes over the images. Empty: as many as the preset finds right for "
        "this many images. Of epochs, steps and minutes one is enough.",
        unset="by the preset",
    ),
    Field(
        "minutes",
        "minutes",
        "--minutes",
        "Or how long: the wall time that the whole run may take, from start to model.",
        unset="no limit",
    ),
    Field(
        "steps",
        "steps",
        "--steps",
        "Or how long: so many batches for each network.",
        unset="by the epochs",
    ),
    Field(
        "size",
        "size",
        "--size",
        f"Every picture is brought to so many pixels a side, 1 to {MAX_SIZE:,}. Smaller is faster, "
        "larger sees more.",
        unset="by the pictures",
    ),
    Field(
        "resize",
        "resize",
        "--resize",
        "How pictures of another shape are fitted. letterbox: whole, with a margin. stretch: "
        "filled, out of shape. crop: filled, cut at the sides.",
        (OPEN, *RESIZES),
    ),
    Field(
        "augment",
        "augment",
        "--augment",
        "Pictures are moved, turned and scaled a little each time, so that fewer are learnt by "
        "heart. auto: as much as so many images of this kind need.",
        AUGMENTS,
    ),
    Field(
        "batch",
        "batch",
        "--batch",
        "Images a step. Larger ones make better use of a machine and need more memory.",
        unset="by the images",
    ),
    Field(
        "class_weights",
        "even labels",
        "--class-weights",
        "Let every label weigh alike, however many images it has. For uneven labels.",
        (NO, YES),
    ),
    Field(
        "start_from",
        "start from",
        "--from",
        "A model to go on from, by name or id. What labels it does not know is learnt anew.",
        unset="nothing: new weights",
    ),
    Field(
        "ensemble",
        "networks",
        "--ensemble",
        f"So many networks are trained, 1 to {MAX_ENSEMBLE}, and their answers averaged: better, "
        "and as many times as long.",
        unset="by the preset",
    ),
    Field(
        "query",
        "only",
        "--on",
        "Only images that match this query, such as tag:checked. The test split is never used.",
        unset="every labelled image",
    ),
    Field(
        "seed",
        "seed",
        "--seed",
        "The same seed, images and settings give the same model again.",
        unset="0",
    ),
    Field(
        "threads",
        "threads",
        "--threads",
        "The processor cores to use. Fewer leave more for other work.",
        unset="every core",
    ),
    Field(
        "name",
        "name",
        "--name",
        "For the run and its model. Models are found by it.",
        unset="preset and seed",
    ),
)
"""Every field, in the order of the form."""

FIELDS: Mapping[str, Field] = {field.name: field for field in FORM}

_WHOLE = frozenset({"epochs", "steps", "size", "batch", "ensemble", "seed", "threads"})


def starting_values() -> dict[str, str]:
    """What the form holds at first: the first choices that leave most to the plan."""
    values = {field.name: (field.choices or ("",))[0] for field in FORM}
    return values | {"preset": "standard"}


def parse_form(values: Mapping[str, str]) -> tuple[TrainSettings | None, dict[str, str]]:
    """(the settings that the texts give, {}), or (None, what is wrong by the field's name)."""
    given: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name in FIELDS:
        try:
            value = _value(name, values.get(name, "").strip())
            if value is not None:
                TrainSettings(**{name: value})
                if name == "query":
                    parse(value)
                given[name] = value
        except UsageError as error:
            wrong[name] = fault(error)
    lengths = [name for name in LENGTHS if name in given]
    for name in lengths[1:]:
        wrong[name] = f"{lengths[0]} says how long already: empty one of the two"
    return (None, wrong) if wrong else (TrainSettings(**given), {})


def field_at_fault(error: PixshelfError, settings: TrainSettings) -> str | None:
    """The field whose value a plan was refused for; None where it is none's."""
    if isinstance(error, QueryError):
        return "query"
    if isinstance(error, NotFound | RefusedInput) and settings.start_from is not None:
        return "start_from"
    if isinstance(error, UsageError):
        name = error.message.partition(":")[0]
        return name if name in FIELDS else None
    return None


def fault(error: PixshelfError) -> str:
    """The error in the words for its field."""
    message = error.message
    if isinstance(error, UsageError) and not isinstance(error, QueryError):
        message = _without_name(message)
    return f"{message} ({error.hint})" if error.hint else message


def train_words(settings: TrainSettings) -> tuple[str, ...]:
    """The settings as the words of `pixshelf train`, those left out that say nothing new."""
    words = ["train"]
    usual = TrainSettings()
    for field in fields(TrainSettings):
        value, option = getattr(settings, field.name), FIELDS[field.name].option
        if value == getattr(usual, field.name):
            continue
        words += [option] if value is True else [option, _text(value)]
    return tuple(words)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(name: str, text: str) -> Any:
    """What the text means for TrainSettings; None for what is left open."""
    if name == "class_weights":
        return text == YES
    if not text or (text == OPEN and name == "resize"):
        return None
    if name not in _WHOLE and name != "minutes":
        return text
    kind, wanted = (float, "a number") if name == "minutes" else (int, "a whole number")
    try:
        return kind(text)
    except ValueError as error:
        raise UsageError(f"{name}: received {text!r:.40}, expected {wanted}") from error


def _without_name(message: str) -> str:
    name, colon, rest = message.partition(": ")
    return rest if colon and name in FIELDS else message
