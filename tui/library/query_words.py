"""Queries as text that is changed by keys: words put in, taken out, negated, and another order.

Pure functions over storage.query. What they give reads back as exactly the query that is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from storage.errors import QueryError
from storage.query import MAX_VALUES, Query, Sort, Term, parse, quote

Standing = Literal["in", "out", ""]
"""How a value stands in a query: asked for, ruled out, or not mentioned."""


def ids_query(images: Sequence[int]) -> str:
    """A query for images by their ids, or for as many of the first as one query may name."""
    return f"id:{','.join(map(str, images[:MAX_VALUES]))}"


def query_problem(text: str) -> str:
    """What is wrong with the text of a query; '' for nothing."""
    try:
        parse(text)
    except QueryError as error:
        return error.message if error.hint is None else f"{error.message}. {error.hint}"
    return ""


def written(query: Query) -> str:
    """The query as text that `parse` reads back as it."""
    return " ".join(words_of(query))


def _word(term: Term) -> str:
    values = ",".join(quote(str(value)) for value in term.values)
    return f"{'-' if term.negated else ''}{term.field}{term.op}{values}"


def standing(query: Query, field: str, value: str) -> Standing:
    """How a value of a text field stands in the query."""
    for term in query.terms:
        if term.field == field and value in term.values:
            return "out" if term.negated else "in"
    return ""


def toggled(text: str, field: str, value: str, *, out: bool = False) -> str:
    """The query with a value asked for (or ruled out, with `out`), and without it where it stands
    so already. Values of one field stand in one word. Raises QueryError."""
    query = parse(text)
    before = standing(query, field, value)
    terms = [each for term in query.terms for each in _without(term, field, value)]
    if before != ("out" if out else "in"):
        terms = _with(terms, field, value, out=out)
    return written(replace(query, terms=tuple(terms)))


def _without(term: Term, field: str, value: str) -> tuple[Term, ...]:
    if term.field != field or value not in term.values:
        return (term,)
    left = tuple(each for each in term.values if each != value)
    return (replace(term, values=left),) if left else ()


def _with(terms: list[Term], field: str, value: str, *, out: bool) -> list[Term]:
    for at, term in enumerate(terms):
        if term.field == field and term.negated == out:
            return [*terms[:at], replace(term, values=(*term.values, value)), *terms[at + 1 :]]
    return [*terms, Term(field, ":", (value,), out)]


def ordered(text: str, sort: Sort) -> str:
    """The query in another order. Raises QueryError."""
    return written(replace(parse(text), sort=sort))


def words_of(query: Query, *, ordered: bool = True) -> list[str]:
    """The query as words of a command line, one for each; without its order where that is of no
    concern."""
    words = [_word(term) for term in query.terms]
    if query.model is not None:
        words.append(f"model:{quote(query.model)}")
    if ordered and query.sort != Sort():
        words.append(f"sort:{query.sort}")
    return words
