"""The query language, shared by the command line and the full-screen app: text to `Query`.

A query is words separated by spaces, all of which must hold: `label:7 -tag:blurred conf<0.8
source:"my photos/*" sort:-confidence`. `-` before a word negates it, a comma between values means
'any of these', quotes keep spaces and commas. Parsing needs no dataset and touches none.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from storage.choices import LOOKS, SPLITS
from storage.errors import QueryError

Operator = Literal[":", "<", "<=", ">", ">="]
Value = str | int | float

MAX_LENGTH = 10_000
MAX_VALUES = 500
MAX_SETS = 100

TEXT_FIELDS = frozenset({"label", "split", "tag", "predicted", "source", "format", "is"})
INTEGER_FIELDS = frozenset({"id", "width", "height", "bytes", "channels"})
REAL_FIELDS = frozenset({"conf", "margin"})
STATES = (
    *("labelled", "unlabelled", "tagged", "predicted", "wrong", "right", "uncertain", "deleted"),
    *LOOKS,
)
SORT_KEYS = ("id", "width", "height", "bytes", "confidence", "margin")
PREDICTION_FIELDS = frozenset({"predicted", "conf", "margin"})
PREDICTION_STATES = frozenset({"predicted", "wrong", "right", "uncertain"})
PREDICTION_SORTS = frozenset({"confidence", "margin"})

_FIELDS = (*sorted(TEXT_FIELDS | INTEGER_FIELDS | REAL_FIELDS), "model", "sort")
_SYNONYMS = {"confidence": "conf", "labels": "label", "tags": "tag", "prediction": "predicted"}
MEASURED_STATES = frozenset(LOOKS) - {"odd-aspect", "odd-size"}

_STATE_SYNONYMS = {
    "unlabeled": "unlabelled",
    "labeled": "labelled",
    "correct": "right",
    "one-color": "one-colour",
}
_SPLIT_VALUES = (*SPLITS, "none")
_LARGEST = 2**63 - 1

_WORD = re.compile(
    r"""(?P<minus>-?)(?P<field>[A-Za-z_]+)(?P<op><=|>=|[:<>=])(?P<value>(?:"(?:[^"\\]|\\.)*"|[^\s"])*)""",
    re.DOTALL,
)
_VALUE = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^,"]+)|(?P<comma>,)', re.DOTALL)
_SPACE = re.compile(r"\s*")
_UNHELD = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of pairs
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One word: `field op value`, where any of `values` will do."""

    field: str
    op: Operator
    values: tuple[Value, ...]
    negated: bool = False

    @property
    def asks_prediction(self) -> bool:
        """Whether the word is about a model's answer."""
        return self.field in PREDICTION_FIELDS or (
            self.field == "is" and any(value in PREDICTION_STATES for value in self.values)
        )

    @property
    def needs_prediction(self) -> bool:
        """Whether it holds for no image without a model's answer."""
        answered = self.field in PREDICTION_FIELDS or (
            self.field == "is" and PREDICTION_STATES.issuperset(self.values)
        )
        return answered and not self.negated


@dataclass(frozen=True, slots=True)
class Sort:
    """The order: a key, then the id, both in the same direction. Sorting by confidence or
    margin leaves out the images that have no prediction."""

    key: str = "id"
    descending: bool = False

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.key}"


@dataclass(frozen=True, slots=True)
class Query:
    """A filter with an order. `model` names whose predictions are meant: an id or a name;
    None means the newest model that has predictions."""

    terms: tuple[Term, ...] = ()
    sort: Sort = Sort()
    model: str | None = None

    @property
    def asks_prediction(self) -> bool:
        """Whether an answer needs a model's predictions."""
        return self.sort.key in PREDICTION_SORTS or any(t.asks_prediction for t in self.terms)

    @property
    def needs_prediction(self) -> bool:
        """Whether images without a model's answer are left out."""
        return self.sort.key in PREDICTION_SORTS or any(t.needs_prediction for t in self.terms)

    @property
    def asks_measures(self) -> bool:
        """Whether an answer needs the images to have been measured."""
        return any(
            term.field == "is" and not MEASURED_STATES.isdisjoint(term.values)
            for term in self.terms
        )

    @property
    def asks_trash(self) -> bool:
        """Whether images in the trash are meant too."""
        return any(t.field == "is" and "deleted" in t.values and not t.negated for t in self.terms)

    def where(self, *terms: Term) -> Query:
        """The same query with more words."""
        return Query((*self.terms, *terms), self.sort, self.model)

    def by_id(self) -> Query:
        """The same images, in id order."""
        terms = self.terms
        if self.sort.key in PREDICTION_SORTS:
            terms = (*terms, Term("is", ":", ("predicted",)))
        return Query(terms, model=self.model)


def parse(text: str) -> Query:
    """Read a query. Raises QueryError, which points at the word that is not understood."""
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"the query has {len(text):,} characters; at most {MAX_LENGTH:,} are read",
            text=text[:80],
            start=0,
            end=80,
        )
    unheld = _UNHELD.search(text)
    if unheld is not None:
        raise QueryError(
            f"U+{ord(unheld[0]):04X} in the query, which no text of a dataset has",
            text=text,
            start=unheld.start(),
            end=unheld.end(),
        )
    terms: list[Term] = []
    sort: Sort | None = None
    model: str | None = None
    position = _skip_space(text, 0)
    count = 0
    while position < len(text):
        word = _Word.read(text, position)
        count += len(word.values)
        if count > MAX_VALUES:
            word.fail(f"more than {MAX_VALUES} values in one query")
        if word.field == "sort":
            if sort is not None:
                word.fail("a second 'sort:'", hint="Sort by one key.")
            sort = word.sort()
        elif word.field == "model":
            if model is not None:
                word.fail("a second 'model:'", hint="Name one model.")
            model = word.single()
        else:
            terms.append(word.term())
        position = _skip_space(text, word.end)
    return Query(tuple(terms), sort or Sort(), model)


def quote(value: str) -> str:
    """A value written so that a query reads back exactly it."""
    if value and not re.search(r'[\s",\\]', value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of the text, split into its parts, with its place for the errors."""

    text: str
    start: int
    end: int
    field: str
    op: str
    values: tuple[str, ...]
    negated: bool

    @classmethod
    def read(cls, text: str, start: int) -> _Word:
        match = _WORD.match(text, start)
        if match is None:
            _fail_unreadable(text, start)
        field = match["field"].lower()
        field = _SYNONYMS.get(field, field)
        end = match.end()
        word = cls(text, start, end, field, match["op"], (), bool(match["minus"]))
        if end < len(text) and not text[end].isspace():
            word.fail("a quote that is never closed", hint='Close it: label:"two words".')
        if field not in _FIELDS:
            word.fail(f"'{match['field']}' is not a field", hint=_nearest(field, _FIELDS))
        values = tuple(_split_values(match["value"]))
        if not values:
            word.fail(f"'{field}{match['op']}' has no value", hint=f"Write {field}:VALUE.")
        return cls(text, start, end, field, match["op"], values, bool(match["minus"]))

    def fail(self, message: str, *, hint: str | None = None) -> NoReturn:
        raise QueryError(
            f"{message} in the query", text=self.text, start=self.start, end=self.end, hint=hint
        )

    def single(self) -> str:
        if self.op != ":" or self.negated or len(self.values) != 1:
            self.fail(f"'{self.field}' takes one value", hint=f"Write {self.field}:VALUE.")
        return self.values[0]

    def sort(self) -> Sort:
        value = self.single()
        key = value.removeprefix("-")
        key = "confidence" if key == "conf" else key
        if key not in SORT_KEYS:
            self.fail(f"cannot sort by '{key}'", hint=_nearest(key, SORT_KEYS))
        return Sort(key, value.startswith("-"))

    def term(self) -> Term:
        if self.field in TEXT_FIELDS:
            if self.op != ":":
                self.fail(
                    f"'{self.field}' is text and takes ':'", hint=f"Write {self.field}:VALUE."
                )
            return Term(self.field, ":", tuple(self._text(v) for v in self.values), self.negated)
        numbers = tuple(self._number(value) for value in self.values)
        if self.op in {":", "="}:
            return Term(self.field, ":", numbers, self.negated)
        if len(numbers) != 1:
            self.fail(f"'{self.op}' takes one number")
        operators: dict[str, Operator] = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
        return Term(self.field, operators[self.op], numbers, self.negated)

    def _text(self, value: str) -> str:
        if self.field == "is":
            state = _STATE_SYNONYMS.get(value.lower(), value.lower())
            if state not in STATES:
                self.fail(f"'is:{value}' is not a state", hint=_nearest(state, STATES))
            return state
        if self.field == "split":
            if value.lower() not in _SPLIT_VALUES:
                self.fail(f"'{value}' is not a split", hint=_nearest(value, _SPLIT_VALUES))
            return value.lower()
        if self.field == "source" and value.count("[") > MAX_SETS:
            self.fail(f"a pattern with more than {MAX_SETS} sets '[…]'")
        if self.field == "format":
            return {"jpg": "jpeg", "tif": "tiff"}.get(value.lower(), value.lower())
        return value

    def _number(self, value: str) -> int | float:
        try:
            number = int(value) if self.field in INTEGER_FIELDS else float(value)
        except ValueError:
            kind = "a whole number" if self.field in INTEGER_FIELDS else "a number"
            self.fail(f"'{value}' is not {kind}", hint=f"Write {self.field}{self.op}10.")
        if not math.isfinite(number) or abs(number) > _LARGEST:
            self.fail(f"'{value}' is out of range")
        return number


def _split_values(text: str) -> list[str]:
    """The values between commas, quotes and escapes taken off; empty ones are dropped."""
    values: list[str] = []
    current: list[str] = []
    quoted = False
    for match in _VALUE.finditer(text):
        if match["comma"]:
            if current:
                values.append("".join(current))
            current, quoted = [], False
        elif match["quoted"] is not None:
            current.append(_ESCAPE.sub(r"\1", match["quoted"]))
            quoted = True
        else:
            current.append(match["bare"])
    if current and ("".join(current) or quoted):
        values.append("".join(current))
    return [value for value in values if value]


def _fail_unreadable(text: str, start: int) -> NoReturn:
    match = re.compile(r"\S+").match(text, start)
    end = match.end() if match else len(text)
    word = text[start:end]
    bare = word.lstrip("-")
    hint = "A word is FIELD:VALUE, for example label:7, split:test or conf<0.8."
    if re.fullmatch(r"\w+", bare):
        state = bare.lower()
        field = "is" if state in STATES else "split" if state in SPLITS else "label"
        hint = f"Did you mean {field}:{bare}?"
    raise QueryError(
        f"'{word}' is not understood in the query", text=text, start=start, end=end, hint=hint
    )


def _nearest(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    listed = ", ".join(known)
    return f"Did you mean '{close[0]}'? Known: {listed}." if close else f"Known: {listed}."
