"""Thumbnails put right: missing ones made, those that cannot be decoded made anew.

An image of THUMBNAIL_FROM pixels and more has one, as storage.pictures makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from storage.errors import RefusedInput
from storage.pictures import THUMBNAIL_FROM, THUMBNAIL_SIDE, describe, open_picture
from storage.repository import Repository

_BATCH = 64

Progress = Callable[[int], None]
"""Called with the number of images looked at so far."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """How many thumbnails were made, how many were dropped because they could not be decoded, and
    the images, with the reason, whose own bytes give none."""

    made: int
    dropped: int
    failed: tuple[tuple[int, str], ...]


def repair_thumbnails(
    repo: Repository, *, dry_run: bool = False, progress: Progress = lambda done: None
) -> Repaired:
    """Drop what does not decode, then make what is missing, in small transactions: cut short, it
    is gone on with by doing it again. With `dry_run` only count (an image's own bytes are then
    not decoded)."""
    broken = []
    looked = 0
    for image_id, data in repo.images.thumbnails():
        if not _decodes(data):
            broken.append(image_id)
        looked += 1
        progress(looked)
    missing = repo.images.without_thumbnail(pixels=THUMBNAIL_FROM)
    if dry_run:
        return Repaired(len(missing) + len(broken), len(broken), ())
    for start in range(0, len(broken), _BATCH):
        repo.images.set_thumbnails(dict.fromkeys(broken[start : start + _BATCH]))
    missing = repo.images.without_thumbnail(pixels=THUMBNAIL_FROM)
    made = 0
    failed: list[tuple[int, str]] = []
    for start in range(0, len(missing), _BATCH):
        batch: dict[int, bytes | None] = {}
        for image_id in missing[start : start + _BATCH]:
            try:
                batch[image_id] = describe(repo.images.data(image_id)).thumbnail
            except RefusedInput as error:
                failed.append((image_id, error.message))
            looked += 1
            progress(looked)
        repo.images.set_thumbnails(batch)
        made += sum(thumbnail is not None for thumbnail in batch.values())
    return Repaired(made, len(broken), tuple(failed))


def _decodes(data: bytes) -> bool:
    try:
        picture = open_picture(data)
    except RefusedInput:
        return False
    return max(picture.size) <= THUMBNAIL_SIDE
