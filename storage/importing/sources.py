"""What the pipeline imports from: a Source, which gives entries and refusals in a fixed order.

Every reader of a format makes one. The order of a source is the same each time it is read, so an
import that was cut off and run again ends with what an undisturbed one has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from storage.records import Split

Format = Literal["folder", "image", "zip", "tar", "idx", "npz", "csv", "jsonl", "imagefolder"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""The names by which a format can be asked for, where a look at the source does not do."""


GivenSplit = Split | Literal["none"] | None
"""What a source says of a picture's split: one of them, 'none' for in no split, or nothing."""


class Pixels(NamedTuple):
    """A picture that comes as an array and has no file: uint8, row by row, channels last."""

    height: int
    width: int
    channels: int
    data: bytes


class Entry(NamedTuple):
    """One picture to import. `content` is the path of its file as text, the file's bytes, or its
    pixels.

    `source` is the path within what is imported. `label`, `split` and `tags` are what the source
    says of it, cleaned.
    """

    source: str
    content: str | bytes | Pixels
    label: str | None = None
    split: GivenSplit = None
    tags: tuple[str, ...] = ()


class Refusal(NamedTuple):
    """One thing that was not imported, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """A source that was opened and looked over. `entries` may be called more than once.

    `count` says how many entries and refusals there are, as near as it can be known without
    reading them, or None. `notes` are remarks for the user.
    """

    format: Format
    entries: Callable[[], Iterator[Entry | Refusal]]
    count: Callable[[], int | None]
    notes: tuple[str, ...] = field(default=())


def printable(name: str) -> str:
    """A file's name as text that can be stored: bytes that are not UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
