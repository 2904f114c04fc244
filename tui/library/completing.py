"""What a query line offers while a word is written: fields, then the field's values.

Pure: from the text, the cursor's place and the dataset's words to the places that would change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.query import SORT_KEYS, STATES, quote
from storage.records import SPLITS

MOST = 100
"""So many are offered; the line shows fewer at once."""

_FIELDS = (
    *("label:", "split:", "tag:", "is:", "predicted:", "conf<", "conf>", "margin<", "sort:"),
    *("model:", "source:", "id:", "width>", "height>", "bytes>", "channels:", "format:"),
)
_FORMATS = ("bmp", "gif", "jpeg", "png", "tiff", "webp")
_WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"?|[^\s"])*$', re.DOTALL)
_PARTS = re.compile(
    r"(?P<minus>-?)(?:(?P<field>[A-Za-z_]+)(?P<op><=|>=|[:<>=]))?(?P<value>.*)", re.S
)
_LAST = re.compile(r'(?:"(?:[^"\\]|\\.)*"?|[^,"])*$', re.DOTALL)
_SYNONYMS = {"labels": "label", "tags": "tag", "prediction": "predicted", "confidence": "conf"}


@dataclass(frozen=True, slots=True)
class Words:
    """The dataset's own words, in the order in which they are offered."""

    labels: Sequence[str] = ()
    tags: Sequence[str] = ()
    models: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What could stand in `text[start:end]`: each of `options` in place of all of it."""

    start: int
    end: int
    options: tuple[str, ...] = ()

    def taken(self, text: str, option: str) -> tuple[str, int]:
        """The text with an option in its place, and where the cursor stands then."""
        space = "" if option.endswith((":", "<", ">")) or text[self.end :].startswith(" ") else " "
        return text[: self.start] + option + space + text[self.end :], self.start + len(
            option + space
        )


def offer(text: str, cursor: int, words: Words) -> Offer:
    """What is offered at the cursor: nothing where no word is begun, or it is all there."""
    begun = _WORD.search(text[:cursor])
    start = begun.start() if begun else cursor
    parts = _PARTS.match(text[start:cursor])
    if parts is None or start == cursor:
        return Offer(cursor, cursor)
    name = parts["field"]
    if name is None:
        start += len(parts["minus"])
        return Offer(start, cursor, _first(parts["value"], words))
    last = _LAST.search(parts["value"])
    typed = last.group() if last else ""
    at = cursor - len(typed)
    values = _values(_SYNONYMS.get(name.lower(), name.lower()), words)
    options = tuple(quote(value) for value in _matching(_bare(typed), values))
    return Offer(at, cursor, () if options == (typed,) else options)


def _first(typed: str, words: Words) -> tuple[str, ...]:
    """For a word without a field: fields that begin so, then values of any field that do."""
    if not typed:
        return ()
    fields = [each for each in _FIELDS if each.startswith(typed.lower())]
    values = [
        f"{name}:{quote(value)}"
        for name, of in (
            ("is", STATES),
            ("split", SPLITS),
            ("label", words.labels),
            ("tag", words.tags),
        )
        for value in of
        if value.casefold().startswith(typed.casefold())
    ]
    return (*fields, *values)[:MOST]


def _values(name: str, words: Words) -> Iterable[str]:
    known: dict[str, Iterable[str]] = {
        "label": words.labels,
        "predicted": words.labels,
        "tag": words.tags,
        "model": words.models,
        "split": (*SPLITS, "none"),
        "is": STATES,
        "sort": (*SORT_KEYS, *(f"-{key}" for key in SORT_KEYS)),
        "format": _FORMATS,
    }
    return known.get(name, ())


def _matching(typed: str, values: Iterable[str]) -> list[str]:
    wanted = typed.casefold()
    starts: list[str] = []
    within: list[str] = []
    for value in values:
        folded = value.casefold()
        if folded.startswith(wanted):
            starts.append(value)
        elif wanted in folded:
            within.append(value)
    return [*starts, *within][:MOST]


def _bare(typed: str) -> str:
    """What has been typed of a value, without the quotes around it."""
    if not typed.startswith('"'):
        return typed
    inner = typed[1:-1] if len(typed) > 1 and typed.endswith('"') else typed[1:]
    return re.sub(r"\\(.)", r"\1", inner)
