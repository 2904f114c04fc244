"""From entries to images ready to be stored: read and hash first, decode only what is new.

Nothing here touches a dataset, and `measure` may run in any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, NamedTuple

from storage.errors import RefusedInput
from storage.importing.reading import read_picture
from storage.importing.sources import Entry, Pixels, Refusal
from storage.pictures import Facts, describe, encode_pixels, facts_of, picture_of
from storage.records import NewImage, Split
from storage.splitting import assign_split

SplitChoice = Split | Literal["auto"] | None
"""A split for everything, 'auto' for a hash of the content whatever the source says, or None for
what the source says and a hash where it says nothing."""


class Loaded(NamedTuple):
    """An entry with its bytes and their sha256."""

    entry: Entry
    data: bytes
    sha256: bytes


def load(entry: Entry) -> Loaded:
    """Read an entry's file, or encode its pixels. Raises RefusedInput."""
    content = entry.content
    if isinstance(content, bytes):
        data = content
    elif isinstance(content, str):
        data = read_picture(content)
    else:
        data = encode_pixels(*content)
    return Loaded(entry, data, sha256(data).digest())


def measure(chunk: Sequence[Loaded], split: SplitChoice, seed: int) -> list[NewImage | Refusal]:
    """Decode each and say what it is, in order."""
    return [_measure_one(loaded, split, seed) for loaded in chunk]


def _measure_one(loaded: Loaded, split: SplitChoice, seed: int) -> NewImage | Refusal:
    entry, data, digest = loaded
    try:
        facts = _facts(entry.content, data)
    except RefusedInput as error:
        return Refusal(entry.source, error.message)
    chosen = entry.split if split is None else split
    if chosen is None or chosen == "auto":
        chosen = assign_split(facts.pixel_hash, seed)
    return NewImage(
        data=data,
        sha256=digest,
        pixel_hash=facts.pixel_hash,
        dhash=facts.dhash,
        width=facts.width,
        height=facts.height,
        channels=facts.channels,
        format=facts.format,
        source=entry.source,
        label=entry.label,
        split=chosen,
        tags=entry.tags,
        thumbnail=facts.thumbnail,
    )


def _facts(content: str | bytes | Pixels, data: bytes) -> Facts:
    if isinstance(content, Pixels):
        return facts_of(picture_of(*content), "png")
    return describe(data)
