"""A statement in PostgreSQL's SQL, taken apart as far as tells what it is and which functions it
calls. Strings, comments and quoted names are left out as PostgreSQL's own scanner does, with
standard_conforming_strings on; the few spellings on which versions differ are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from storage.errors import UsageError

READING = frozenset({"select", "with", "values", "table"})
"""What a statement that only reads begins with; `explain` of such a one, and `show`, too."""

_LETTER = r"A-Za-z_\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<space> [ \t\n\r\f\v]+ | --[^\n\r]* )
    | (?P<comment> /\* )
    | (?P<unicode> [uU]&" )
    | (?P<escaped> [eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*' )
    | (?P<string> '[^']*(?:''[^']*)*' )
    | (?P<dollar> \$(?:[{_LETTER}][{_LETTER}0-9]*)?\$ )
    | (?P<parameter> \$\d+ )
    | (?P<quoted> "[^"]*(?:""[^"]*)*" )
    | (?P<name> [{_LETTER}][{_LETTER}0-9$]* )
    | (?P<number> (?:0[xX][0-9a-fA-F_]+ | 0[oO][0-7_]+ | 0[bB][01_]+
        | (?:\d[\d_]*\.?[\d_]* | \.\d[\d_]*)(?:[eE][+-]?\d+)?) (?P<more>[{_LETTER}$])? )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """A piece of a statement: its kind, one of _TOKEN's groups, and its text."""

    kind: str
    text: str


def tokens(text: str) -> Iterator[Token]:
    """What the statement consists of, without spaces and comments. Raises UsageError for what is
    not closed, and for what some versions read otherwise."""
    place, before = 0, ""
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise _unclear("it cannot be read")
        kind = "number" if found.lastgroup == "more" else found.lastgroup
        place = found.end()
        if kind == "space":
            continue
        if kind == "comment":
            place = _after_comment(text, place)
            continue
        if kind == "dollar":
            end = text.find(found.group(), place)
            if end < 0:
                raise _unclear(f"a string that begins with {found.group()[:20]} has no end")
            place = end + len(found.group())
        _refuse(kind, before, found)
        before = kind
        yield Token(kind, found.group())


def _refuse(kind: str, before: str, found: re.Match[str]) -> None:
    text = found.group()
    if kind == "unicode":
        raise _unclear('names as U&"…" are not read')
    if kind == "parameter":
        raise _unclear(f"there is no value for {text[:20]}")
    if kind == "string" and before == "escaped":
        raise _unclear("a string E'…' that goes on in another line is not read")
    if found["more"] is not None:
        raise _unclear("a number and a name need a space between them")
    if kind == "other" and text in "'\"":
        raise _unclear(f"a string or a name that begins with {text} has no end")


def _after_comment(text: str, place: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, place)
        if edge is None:
            raise _unclear("a comment has no end")
        depth += 1 if edge.group() == "/*" else -1
        place = edge.end()
    return place


def first_words(parts: list[Token]) -> tuple[str, ...]:
    """The word that a statement begins with, in small letters, past brackets; for `explain` also
    that of what is explained."""
    words = (part.text.lower() for part in parts if part.text != "(")
    first = next(words, "")
    if first != "explain":
        return (first,)
    place = next(i for i, part in enumerate(parts) if part.text.lower() == "explain") + 1
    rest = parts[place:]
    if rest[1:] and rest[0].text == "(" and rest[1].text.lower() not in READING | {"("}:
        rest = rest[next((i for i, part in enumerate(rest) if part.text == ")"), 0) + 1 :]
    while rest and rest[0].text.lower() in {"analyze", "analyse", "verbose", "("}:
        rest = rest[1:]
    return (first, rest[0].text.lower() if rest else "")


def calls(parts: list[Token]) -> set[str]:
    """What stands before an opening bracket, in small letters: every function that is called, and
    other words."""
    found = set()
    for part, after in pairwise(parts):
        if after.text == "(" and part.kind in ("name", "quoted"):
            name = part.text[1:-1].replace('""', '"') if part.kind == "quoted" else part.text
            # PostgreSQL cuts names so.
            found.add(name.lower().encode()[:63].decode(errors="ignore"))
    return found


def _unclear(why: str) -> UsageError:
    return UsageError(f"SQL: {why}")
