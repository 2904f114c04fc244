"""Queries over a dataset in memory: every image looked at, one word after the other.

What each word means is written out from storage/query.py and storage/problems.py, with no plan and
no index.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from storage import problems
from storage.errors import NotFound, NotReady
from storage.query import PREDICTION_SORTS, Query, Term
from storage.records import UNCERTAIN_BELOW, Measures, Prediction
from tests.contract.memory.globbing import glob
from tests.contract.memory.store import Image, Store

_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class _Seen:
    """One image with all that a word may ask of it."""

    id: int
    image: Image
    prediction: Prediction | None
    measures: Measures | None
    median: tuple[int, int] | None


def matches(store: Store, query: Query) -> list[int]:
    """The ids of every match, in the query's order. Raises NotReady, NotFound (a model)."""
    if query.asks_measures and not store.measures:
        raise NotReady(
            "the query asks how images look, and none has been measured yet",
            hint="'pixshelf problems' measures them.",
        )
    model = predicting_model(store, query.model) if query.asks_prediction else None
    if query.asks_prediction and model is None:
        raise NotReady(
            "the query asks for predictions, and no model has made any yet",
            hint="'pixshelf eval' and 'pixshelf predict --save' store predictions.",
        )
    median = _median(store)
    found = []
    for image_id, image in store.images.items():
        if image.deleted and not query.asks_trash:
            continue
        prediction = None if model is None else store.predictions.get((model, image_id))
        if query.sort.key in PREDICTION_SORTS and prediction is None:
            continue
        _, measures = store.measures.get(image_id, (0, None))
        seen = _Seen(image_id, image, prediction, measures, median)
        if all(_holds(term, seen) != term.negated for term in query.terms):
            found.append((_key(query.sort.key, seen), image_id))
    return [image_id for _, image_id in sorted(found, reverse=query.sort.descending)]


def sort_key(store: Store, query: Query, image_id: int) -> float:
    """What the query orders an image by, before its id."""
    model = predicting_model(store, query.model)
    prediction = None if model is None else store.predictions.get((model, image_id))
    return _key(query.sort.key, _Seen(image_id, store.image(image_id), prediction, None, None))


def predicting_model(store: Store, name_or_id: str | None) -> int | None:
    """The model whose predictions are meant: the one named, or the newest that has any. Raises
    NotFound."""
    if name_or_id is None:
        return max((model for model, _ in store.predictions), default=None)
    return find_model(store, name_or_id)


def find_model(store: Store, name_or_id: str) -> int:
    """The id of the model of that id, or the newest of that name. Raises NotFound."""
    if name_or_id.isascii() and name_or_id.isdecimal() and int(name_or_id) in store.models:
        return int(name_or_id)
    named = [id_ for id_, model in store.models.items() if model.record.name == name_or_id]
    if not named:
        raise NotFound(f"there is no model '{name_or_id}'", hint="See 'pixshelf models ls'.")
    return max(named)


def _key(key: str, seen: _Seen) -> float:
    number = _NUMBERS[key](seen)
    assert number is not None  # images without a prediction are left out of orders by it
    return number


def _holds(term: Term, seen: _Seen) -> bool:
    """Whether the word holds, its `-` aside."""
    if term.field in _TEXTS:
        return any(_TEXTS[term.field](str(value), seen) for value in term.values)
    number = _NUMBERS[term.field](seen)
    if number is None:
        return False
    if term.op == ":":
        return number in term.values
    limit = term.values[0]
    assert not isinstance(limit, str)
    return bool(_COMPARE[term.op](number, limit))


def _predicted(seen: _Seen) -> str | None:
    return None if seen.prediction is None else seen.prediction.label


def _confidence(seen: _Seen) -> float | None:
    return None if seen.prediction is None else seen.prediction.confidence


def _margin(seen: _Seen) -> float | None:
    return None if seen.prediction is None else seen.prediction.margin


def _source(pattern: str, source: str) -> bool:
    if any(character in pattern for character in "*?["):
        return glob(pattern, source)
    return pattern in source


def _is(state: str, seen: _Seen) -> bool:
    if state in _LOOKS:
        return seen.measures is not None and _LOOKS[state](seen.measures)
    return _STATES[state](seen)


def _is_answered(seen: _Seen, *, right: bool) -> bool:
    label = seen.image.facts.label
    return None not in (label, _predicted(seen)) and (label == _predicted(seen)) == right


def _is_uncertain(seen: _Seen) -> bool:
    confidence = _confidence(seen)
    return confidence is not None and confidence < UNCERTAIN_BELOW


def _is_blurry(measures: Measures) -> bool:
    sharpness, contrast = measures.sharpness, measures.contrast
    blank = contrast < problems.BLANK_BELOW
    return sharpness is not None and sharpness < problems.BLURRY_BELOW and not blank


def _is_odd_aspect(seen: _Seen) -> bool:
    if seen.median is None:
        return False
    width, height = seen.image.facts.width, seen.image.facts.height
    wide, high = seen.median
    across, along = width * high, height * wide
    return across > problems.ODD_ASPECT * along or along > problems.ODD_ASPECT * across


def _is_odd_size(seen: _Seen) -> bool:
    if seen.median is None:
        return False
    sides = zip((seen.image.facts.width, seen.image.facts.height), seen.median, strict=True)
    times = problems.ODD_SIZE
    return any(side > times * usual or side * times < usual for side, usual in sides)


def _median(store: Store) -> tuple[int, int] | None:
    """The lower median of the widths and of the heights, the trash left out."""
    shown = [image.facts for image in store.images.values() if not image.deleted]
    if not shown:
        return None
    return _middle([one.width for one in shown]), _middle([one.height for one in shown])


def _middle(values: Sequence[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]


_TEXTS: Mapping[str, Callable[[str, _Seen], bool]] = {
    "label": lambda value, seen: seen.image.facts.label == value,
    "predicted": lambda value, seen: _predicted(seen) == value,
    "tag": lambda value, seen: value in seen.image.facts.tags,
    "split": lambda value, seen: (seen.image.facts.split or "none") == value,
    "format": lambda value, seen: seen.image.facts.format == value,
    "source": lambda value, seen: _source(value, seen.image.facts.source),
    "is": _is,
}
_NUMBERS: Mapping[str, Callable[[_Seen], float | None]] = {
    "id": lambda seen: seen.id,
    "bytes": lambda seen: seen.image.bytes,
    "width": lambda seen: seen.image.facts.width,
    "height": lambda seen: seen.image.facts.height,
    "channels": lambda seen: seen.image.facts.channels,
    "conf": _confidence,
    "confidence": _confidence,
    "margin": _margin,
}
_STATES: Mapping[str, Callable[[_Seen], bool]] = {
    "labelled": lambda seen: seen.image.facts.label is not None,
    "unlabelled": lambda seen: seen.image.facts.label is None,
    "tagged": lambda seen: bool(seen.image.facts.tags),
    "deleted": lambda seen: seen.image.deleted,
    "predicted": lambda seen: seen.prediction is not None,
    "wrong": lambda seen: _is_answered(seen, right=False),
    "right": lambda seen: _is_answered(seen, right=True),
    "uncertain": _is_uncertain,
    "odd-aspect": _is_odd_aspect,
    "odd-size": _is_odd_size,
}
_LOOKS: Mapping[str, Callable[[Measures], bool]] = {
    "dark": lambda one: one.high < problems.DARK_BELOW,
    "bright": lambda one: one.low > problems.BRIGHT_ABOVE,
    "blank": lambda one: one.contrast < problems.BLANK_BELOW,
    "one-colour": lambda one: one.spread <= problems.ONE_COLOUR_SPREAD,
    "blurry": _is_blurry,
    "animated": lambda one: one.animated,
}
