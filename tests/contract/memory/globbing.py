"""Whether a text fits a pattern with `*`, `?` and `[…]`, as SQLite's GLOB has it: upper and lower
case differ, `*` takes any characters, `[^…]` one that is not listed, and a set that is never closed
fits nothing.
"""

from __future__ import annotations


def glob(pattern: str, text: str) -> bool:
    """Whether the whole text fits."""
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == "*":
        return any(glob(rest, text[start:]) for start in range(len(text) + 1))
    if first == "[" and text:
        members, after = _set(rest)
        listed = any(low <= text[0] <= high for low, high in members)
        return after is not None and listed != rest.startswith("^") and glob(after, text[1:])
    return bool(text) and first in ("?", text[0]) and glob(rest, text[1:])


def _set(text: str) -> tuple[list[tuple[str, str]], str | None]:
    """The ranges of a set whose `[` was read, and what follows its `]`; None where it has none."""
    position = 1 if text.startswith("^") else 0
    members: list[tuple[str, str]] = []
    if text[position : position + 1] == "]":  # the first is a member
        members.append(("]", "]"))
        position += 1
    before: str | None = None
    while position < len(text) and text[position] != "]":
        one, following = text[position], text[position + 1 : position + 2]
        if one == "-" and before is not None and following not in ("", "]"):
            members.append((before, following))
            before = None
            position += 2
        else:
            members.append((one, one))
            before = one
            position += 1
    return members, text[position + 1 :] if position < len(text) else None
