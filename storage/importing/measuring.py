"""From entries to images ready to be stored. Nothing here touches a dataset."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal, NamedTuple

from storage.importing.decoder import Answer
from storage.importing.reading import read_picture
from storage.importing.sources import Entry, Refusal
from storage.pictures import encode_pixels
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


def image_of(loaded: Loaded, answer: Answer, split: SplitChoice, seed: int) -> NewImage | Refusal:
    """What is to be stored of an entry that was measured."""
    entry, data, digest = loaded
    if isinstance(answer, str):
        return Refusal(entry.source, answer)
    chosen = entry.split if split is None else split
    if chosen is None or chosen == "auto":
        chosen = assign_split(answer.pixel_hash, seed)
    return NewImage(
        data=data,
        sha256=digest,
        pixel_hash=answer.pixel_hash,
        dhash=answer.dhash,
        width=answer.width,
        height=answer.height,
        channels=answer.channels,
        format=answer.format,
        source=entry.source,
        label=entry.label,
        split=None if chosen == "none" else chosen,
        tags=entry.tags,
        thumbnail=answer.thumbnail,
    )
