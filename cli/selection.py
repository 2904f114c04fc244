"""Which images a command is about: ids, a query, or ids from standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from cli.text import nearest
from storage.errors import UsageError
from storage.records import SPLITS

if TYPE_CHECKING:
    from storage.query import Query
    from storage.repository import Repository

_NEGATED = re.compile(r"-[A-Za-z_]{2,}(?:<=|>=|[:<>=])")
_MARK = "\0"  # no argument of a process can hold this byte
MAX_STDIN = 64 << 20


class QueryCommand(TyperCommand):
    """A command that takes query words, of which one such as `-label:7` is not an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)  # there are no options behind it
        marked = [_MARK + word if _NEGATED.match(word) else word for word in args[:end]]
        return super().parse_args(ctx, marked + args[end:])


def query_text(words: Sequence[str] | None) -> str:
    """The query that the words on the command line make up."""
    return " ".join(word.removeprefix(_MARK) for word in words or ())


def query_of(words: Sequence[str] | None) -> Query:
    """The words on the command line, parsed. Raises QueryError; UsageError for an empty word."""
    from storage.query import parse

    # Nothing at all means all images; an empty word is more likely a variable that was not set.
    if any(not word.strip() for word in words or ()):
        raise UsageError("a word of the query is empty", hint="leave it out to mean all images")
    return parse(query_text(words))


def split_or_query(split: str | None, on: str | None) -> str:
    """What --split and --on mean together: a split's name, by default 'test', or a query's text.
    Raises UsageError."""
    if on is not None:
        if split is not None:
            raise UsageError("--split and --on were given", hint="give one of them")
        query_of([on])
        return on
    if split is None or split in SPLITS:
        return split or "test"
    match = nearest(split, SPLITS)
    raise UsageError(
        f"--split is {split!r}, which is not a split",
        hint=f"did you mean {match}?" if match else "train, val or test; --on takes a query",
    )


def chosen_ids(repo: Repository, words: Sequence[str]) -> list[int]:
    """The images that the words name: ids, `-` for ids on standard input, or a query.
    Whether the ids are there is not looked at. Raises UsageError or QueryError for words that are
    none of these."""
    if list(words) == ["-"]:
        text = sys.stdin.read(MAX_STDIN + 1)
        if len(text) > MAX_STDIN:
            raise UsageError(
                f"standard input has more than {MAX_STDIN:,} characters", hint="use a query"
            )
        return _ids_of(text.split(), "standard input")
    if all(word.replace(",", "").isdecimal() for word in words):
        return _ids_of([part for word in words for part in word.split(",") if part], "the ids")
    return repo.images.ids(query_of(words))


def _ids_of(parts: Sequence[str], where: str) -> list[int]:
    for part in parts:
        if not (part.isascii() and part.isdecimal() and len(part) < 19):
            raise UsageError(
                f"{where}: {part[:40]!r} is not an image's id",
                hint="ids are whole numbers, as `pixshelf ls` lists them",
            )
    return list(dict.fromkeys(int(part) for part in parts))
