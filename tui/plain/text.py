"""Text for a terminal: cleaned of control characters, measured in cells, set in columns.

Labels, sources and file names come from outside. `printable` must have seen every one of them
before it reaches a terminal; what it gives can move no cursor and set no title.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI … final byte
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC … terminator
    r"|\x1b[ -/]*[0-~]?"  # any other escape
    r"|\x9b[0-?]*[ -/]*[@-~]"  # CSI in one byte
)
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def printable(text: str) -> str:
    """`text` on one line, without escape sequences, controls, direction marks, half characters."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub("\ufffd", _ESCAPE_SEQUENCE.sub("", text))


def masked(text: str) -> str:
    """`text` with a replacement character for each that `printable` would not let through, so
    that every other one keeps its place."""
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub("\ufffd", text)


def printable_lines(text: str) -> str:
    """As `printable`, with the ends of lines kept."""
    return "\n".join(map(printable, text.split("\n")))


def width(text: str) -> int:
    """How many terminal cells `text` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(char) in ("Mn", "Me", "Cf") else 2 if east_asian_width(char) in "WF" else 1
        for char in text
    )


def shorten(text: str, cells: int) -> str:
    """`text` within `cells` terminal cells, its end replaced by '…' where it is longer."""
    if width(text) <= cells:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > cells - 1:
            break
        kept += char
    return kept + "…"


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that `word` was probably meant to be."""
    from difflib import get_close_matches

    matches = get_close_matches(word, list(words), n=1, cutoff=0.6)
    return matches[0] if matches else None


def in_columns(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[bool] = ()
) -> list[str]:
    """A plain table: two spaces between columns, `right` says which columns are set to the right.
    The cells must be printable."""
    table = [list(titles), *(list(row) for row in rows)]
    widths = [max(width(row[place]) for row in table) for place in range(len(titles))]
    to_right = [*right, *([False] * (len(titles) - len(right)))]
    lines = []
    for row in table:
        cells = [
            " " * (size - width(cell)) + cell if flush else cell + " " * (size - width(cell))
            for cell, size, flush in zip(row, widths, to_right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def plural(count: int, noun: str, many: str | None = None) -> str:
    """'1 image', '1,797 images'."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def in_bytes(count: int) -> str:
    """'512 B', '1.5 MiB'."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def in_time(seconds: float) -> str:
    """'0.4 s', '12 s', '3 min 5 s', '2 h 10 min'."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else _in_hours(whole)


def _in_hours(seconds: int) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def percent(share: float | None, digits: int = 2) -> str:
    """'98.61 %', or a dash where there is no number."""
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def minute(seconds: int) -> str:
    """A stored time in UTC to the minute: '2026-11-21 08:37Z'."""
    return f"{when(seconds)[:16].replace('T', ' ')}Z"


def when(seconds: int) -> str:
    """A stored time as ISO 8601 in UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
