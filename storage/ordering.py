"""The order in which people expect names: '2' before '10'."""

from __future__ import annotations

import re

_LONGEST = 4_000  # Python turns no text of more than 4,300 digits into a number.
_DIGITS = re.compile(r"(\d+)")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that compares runs of digits as numbers, and the rest as text without case.
    Texts that differ only in case or in leading zeros are told apart by themselves."""
    parts = tuple(
        (0, int(part), "")
        if part.isdecimal() and len(part) <= _LONGEST
        else (1, 0, part.casefold())
        for part in _DIGITS.split(text)
        if part
    )
    return (*parts, (2, 0, text))
