"""Paths as people type, paste and drop them: quoted, escaped, as file URLs, several at once; and
their completion.

Everything but `complete` and `exists` is a pure function.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote, urlsplit

from tui.plain.text import width as width_of

MOST_PATHS = 10_000
MOST_ENTRIES = 10_000
"""So many entries of a folder are looked at for a completion."""

_WORD = re.compile(
    r"""\s*(?P<word>(?:'[^']*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|\\.|[^\s'"\\]|\\$)+)""", re.DOTALL
)
_PART = re.compile(
    r"""'(?P<plain>[^']*)(?:'|$)|"(?P<quoted>(?:[^"\\]|\\.)*)(?:"|$)|\\(?P<escaped>.)|(?P<bare>.)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r"([\s'\"\\])")


def exists(path: str) -> bool:
    """Whether something is there; False too for what can be no path."""
    try:
        return os.path.lexists(path)
    except ValueError:
        return False


def paths_in(text: str, *, is_there: Callable[[str], bool] = exists) -> list[str]:
    """The paths in what was typed, pasted or dropped, in their order, each once.

    A line that is a path as it stands is that one path, spaces and all. Any other is words parted
    by space, where quotes and backslashes hold a word together as in a shell. A file URL gives
    its path, and `~` is the home folder. At most 10,000 are read.
    """
    found: list[str] = []
    for line in text.splitlines():
        whole = _resolved(line.strip())
        if whole and is_there(whole):
            found.append(whole)
        else:
            found += [_resolved(word) for word, _ in _words(line)]
        if len(found) >= MOST_PATHS:
            break
    return list(dict.fromkeys(path for path in found[:MOST_PATHS] if path))


def as_text(paths: Sequence[str]) -> str:
    """Paths as one line that `paths_in` reads back."""
    return " ".join(_escaped(path) for path in paths)


def tail_of(text: str, cells: int) -> str:
    """A path within so many cells: its end, '…' before it where it is longer."""
    if width_of(text) <= cells:
        return text
    kept = text[-cells:]
    while width_of(kept) > cells - 1:
        kept = kept[1:]
    return f"…{kept}"


@dataclass(frozen=True, slots=True)
class Completion:
    """A text with its last word completed as far as it is plain, and the names that would do."""

    text: str
    names: tuple[str, ...]


def complete(text: str) -> Completion:
    """Complete the last path of the text by what is on disk; folders get a '/' at the end. Hidden
    names come where the name begun is hidden. A folder that cannot be read gives nothing."""
    start, begun = _last(text)
    folder, name = os.path.split(begun)
    place = os.path.expanduser(folder) if folder else "."
    found = _names(place, name)
    if not found:
        return Completion(text, ())
    common = _common(found)
    if not common.startswith(name):
        # The letters' case differs: only a single candidate says what was meant.
        common = found[0] if len(found) == 1 else name
    completed = _escaped(os.path.join(folder, common), home=True)
    # A single file is a word that is at its end.
    space = " " if len(found) == 1 and not common.endswith("/") else ""
    return Completion(text[:start] + completed + space, tuple(found))


def _common(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    for at, letter in enumerate(first):
        if last[at : at + 1] != letter:
            return first[:at]
    return first


def _names(place: str, begun: str) -> list[str]:
    try:
        with os.scandir(place) as items:
            every = [
                item.name + ("/" if item.is_dir() else "") for item in islice(items, MOST_ENTRIES)
            ]
    except (OSError, ValueError):
        return []
    if not begun.startswith("."):
        every = [name for name in every if not name.startswith(".")]
    found = [name for name in every if name.startswith(begun)]
    if not found:
        found = [name for name in every if name.casefold().startswith(begun.casefold())]
    return sorted(found)


def _last(text: str) -> tuple[int, str]:
    """Where the last path of the text begins, and the path."""
    words = _words(text)
    if not words or (text[-1:].isspace() and not text.endswith("\\ ")):
        return len(text), ""
    folder = os.path.dirname(os.path.expanduser(text.strip()))
    if len(words) > 1 and " " in folder and os.path.isdir(folder):
        return len(text) - len(text.lstrip()), text.lstrip()
    word, start = words[-1]
    return start, _resolved(word) if word.startswith("file:") else word


def _words(line: str) -> list[tuple[str, int]]:
    """The words of a line, quotes and escapes taken off, and where each begins."""
    found = []
    for match in islice(_WORD.finditer(line), MOST_PATHS):
        parts = []
        for part in _PART.finditer(match["word"]):
            if part["plain"] is not None:
                parts.append(part["plain"])
            elif part["quoted"] is not None:
                parts.append(_ESCAPE.sub(r"\1", part["quoted"]))
            else:
                parts.append(part["escaped"] or part["bare"])
        found.append(("".join(parts), match.start("word")))
    return found


def _resolved(word: str) -> str:
    if word.startswith("file:"):
        try:
            url = urlsplit(word)
        except ValueError:
            return word
        if url.netloc in ("", "localhost") and url.path:
            return unquote(url.path, errors="surrogateescape")
    return os.path.expanduser(word) if word.startswith("~") else word


def _escaped(path: str, *, home: bool = False) -> str:
    if path.startswith("~") and not home:
        path = f"./{path}"
    return _SPECIAL.sub(r"\\\1", path)
