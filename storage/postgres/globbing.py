"""Patterns of `source:` as PostgreSQL can match them, with the meaning that GLOB has in SQLite.

`*` is any run of characters, `?` one, `[a-c]` one of a set, `[^a-c]` one that is not in it; the
pattern stands for the whole text, and case matters.
"""

from __future__ import annotations

import re

Condition = tuple[str, tuple[str, ...]]

_LIKE = re.compile(r"[\\%_]")
_NEVER: Condition = ("false", ())


def source_matches(column: str, value: str) -> Condition:
    """The condition that a column matches a pattern, or, where `value` has no wildcard, that it has
    the value in it; and what to bind."""
    if not any(character in value for character in "*?["):
        return f"{column} LIKE %s", (f"%{_LIKE.sub(_escaped, value)}%",)
    if "[" not in value:
        return f"{column} LIKE %s", (_like(value),)
    read = _with_sets(value)
    # LIKE takes a quarter of the time, and most texts no further.
    return _NEVER if read is None else (f"({column} LIKE %s AND {column} ~ %s)", read)


def _with_sets(pattern: str) -> tuple[str, str] | None:
    """A pattern for LIKE, in which any character does for a set, and as one of PostgreSQL's regular
    expressions. None where it has a set that is never closed, which nothing matches."""
    like: list[str] = []
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "[":
            read = _set(pattern, place)
            if read is None:
                return None
            text, place = read
            parts.append(text)
            like.append("?")
            continue
        like.append(character)
        if character == "?":
            parts.append(".")
        elif character != "*":
            parts.append(_code(character))
        elif parts[-1:] != [".*"]:
            # Said twice it would mean the same, and cost more.
            parts.append(".*")
    return _like("".join(like)), f"^{''.join(parts)}$"


def _like(pattern: str) -> str:
    """A pattern without sets for LIKE."""
    return _LIKE.sub(_escaped, pattern).replace("*", "%").replace("?", "_")


def _set(pattern: str, place: int) -> tuple[str, int] | None:
    """The set that begins after its `[`, and the place after its `]`; None where there is none.
    As in SQLite a `]` that comes first is one of the set, and a `-` that has no character on
    either side of it stands for itself."""
    inverted = pattern.startswith("^", place)
    place += inverted
    ranges: list[tuple[str, str]] = []
    if pattern.startswith("]", place):
        ranges.append(("]", "]"))
        place += 1
    before: str | None = None
    while place < len(pattern) and pattern[place] != "]":
        character = pattern[place]
        place += 1
        if (
            character == "-"
            and before is not None
            and place < len(pattern)
            and pattern[place] != "]"
        ):
            if before <= pattern[place]:
                ranges.append((before, pattern[place]))
            before = None
            place += 1
        else:
            ranges.append((character, character))
            before = character
    if place == len(pattern):
        return None
    listed = "".join(
        _code(low) if low == high else f"{_code(low)}-{_code(high)}" for low, high in ranges
    )
    return f"[{'^' * inverted}{listed}]", place + 1


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[0]}"


def _code(character: str) -> str:
    """One character by its number, so that it means nothing else."""
    return f"\\U{ord(character):08X}"
