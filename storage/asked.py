"""A user's own SQL, as far as every backend treats it alike: its limits, the names of the columns
of its answer, and what is said where it will not do."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from storage.errors import TimedOut, UsageError

LONGEST_SQL = 100_000
"""The most characters of a statement."""

LONGEST_VALUE = 128 * 1024 * 1024
"""The most bytes of a text, a BLOB or a row: any image fits."""


def check_text(text: str) -> None:
    """Raises UsageError for what is too long or no text for a statement."""
    if "\0" in text:
        raise UsageError("SQL: the statement has a NUL in it")
    if len(text) > LONGEST_SQL:
        raise UsageError(
            f"SQL: the statement has {len(text):,} characters; at most {LONGEST_SQL:,} are read"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("SQL: the statement is not text in UTF-8") from error


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once: a second `n` is called `n:1`."""
    found: dict[str, None] = {}
    for name in names:
        new, count = name, 0
        while new in found:
            count += 1
            new = f"{name}:{count}"
        found[new] = None
    return tuple(found)


def took_too_long(timeout: float) -> TimedOut:
    """The error to raise when the time is over."""
    return TimedOut(
        f"SQL: it took longer than {timeout:g} s",
        hint="Ask for less, or give it longer with --timeout SECONDS.",
    )


def does_more_than_read(hint: str) -> UsageError:
    """The error to raise for a statement that would do more than read."""
    return UsageError(
        "SQL: only reading is allowed, and the statement would do something else", hint=hint
    )


def does_not_read(word: str, known: Collection[str]) -> UsageError:
    """The error to raise for a statement whose first word is none of the `known` ones, which is as
    often a slip of the hand as a wish to write."""
    hint = meant(word, known) or "One SELECT, or EXPLAIN of one."
    if word == "\\":
        hint = "A word that begins with \\ is a command of psql. " + hint
    return UsageError(
        f"SQL: only statements that read are run, and '{word[:40]}' begins none of them", hint=hint
    )


def meant(word: str, known: Collection[str]) -> str | None:
    """The hint for a word that is nearly one of the `known` ones."""
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.8)
    return f"Did you mean {close[0].upper()}?" if close else None


def several_statements() -> UsageError:
    """The error to raise for more than one statement."""
    return UsageError(
        "SQL: there is more than one statement", hint="Ask one at a time; a ';' ends it."
    )


def names_are_told(tables: str) -> str:
    """The hint where a table or a column is not there; `tables` is the SQL that lists them."""
    return f"The tables: {tables}. The everyday view is 'images'."


def gives_no_rows(example: str) -> UsageError:
    """The error to raise for a statement that is no question."""
    return UsageError("SQL: the statement gives no rows", hint=f"Ask for some, as in {example}.")
