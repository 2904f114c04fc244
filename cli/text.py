"""Text for a terminal, as the commands use it: everything of tui/plain/text.py."""

from __future__ import annotations

from tui.plain.text import (
    in_bytes,
    in_columns,
    in_time,
    nearest,
    percent,
    plural,
    printable,
    shorten,
    when,
    width,
)

__all__ = [
    "in_bytes",
    "in_columns",
    "in_time",
    "nearest",
    "percent",
    "plural",
    "printable",
    "shorten",
    "when",
    "width",
]
