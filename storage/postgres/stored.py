"""Images in PostgreSQL as they were given to it: metadata, hashes, thumbnail and bytes.

The lengths are asked for first and the bytes in runs of at most 16 MiB, or of one image: one photo
may weigh a thousand digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from storage.missing import no_image
from storage.postgres.arrays import as_array
from storage.postgres.database import Database, Row
from storage.records import NewImage
from storage.stored_images import given_image

READ_AHEAD = 16 * 2**20
"""Bytes of images that are in memory at once, unless one alone is more."""

TAGS = """
    coalesce((SELECT json_agg(tag.name ORDER BY tag.name) FROM image_tag
        JOIN tag ON tag.id = image_tag.tag_id WHERE image_tag.image_id = image.id)::text, '[]')
"""
"""The names of an image's tags as JSON."""

_PAGE = 2_000

# The length of what is stored out of line is known without reading it.
_DATA_LENGTHS = (
    "SELECT image_id, octet_length(data) FROM image_data WHERE image_id = ANY(%s::bigint[])"
)
_DATA = "SELECT image_id, data FROM image_data WHERE image_id = ANY(%s::bigint[])"

_LENGTHS = """
    SELECT image_data.image_id,
        octet_length(image_data.data) + coalesce(octet_length(thumbnail.data), 0)
    FROM image_data LEFT JOIN thumbnail ON thumbnail.image_id = image_data.image_id
    WHERE image_data.image_id = ANY(%s::bigint[])
"""
_STORED = f"""
    SELECT image.id, image.sha256, image.pixel_hash, image.dhash, image.width,
        image.height, image.channels, image.format, image.source, label.name, image.split,
        {TAGS}, thumbnail.data, image_data.data
    FROM image JOIN image_data ON image_data.image_id = image.id
    LEFT JOIN label ON label.id = image.label_id
    LEFT JOIN thumbnail ON thumbnail.image_id = image.id
    WHERE image.id = ANY(%s::bigint[])
"""
_THUMBNAIL_LENGTHS = """
    SELECT image_id, octet_length(data) FROM thumbnail
    WHERE image_id > %s ORDER BY image_id LIMIT %s
"""
_THUMBNAILS = (
    "SELECT image_id, data FROM thumbnail WHERE image_id = ANY(%s::bigint[]) ORDER BY image_id"
)


def read_data(database: Database, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """See Images.iter_data."""
    for row in _in_order(database, _DATA_LENGTHS, _DATA, image_ids):
        yield row[0], row[1]


def read_stored(database: Database, image_ids: Sequence[int]) -> Iterator[tuple[int, NewImage]]:
    """See Images.stored."""
    for row in _in_order(database, _LENGTHS, _STORED, image_ids):
        yield row[0], given_image(row[:-1], row[-1])


def read_thumbnails(database: Database) -> Iterator[tuple[int, bytes]]:
    """See Images.thumbnails."""
    last = 0
    while True:
        lengths = database.all(_THUMBNAIL_LENGTHS, (last, _PAGE))
        for run in in_runs(lengths):
            yield from cast("list[tuple[int, bytes]]", database.all(_THUMBNAILS, (as_array(run),)))
        if len(lengths) < _PAGE:
            return
        last = lengths[-1][0]


def _in_order(
    database: Database, lengths: str, rows: str, image_ids: Sequence[int]
) -> Iterator[Row]:
    """The rows of the images, in the order given. Raises NotFound at an id that is gone."""
    for start in range(0, len(image_ids), _PAGE):
        wanted = list(image_ids[start : start + _PAGE])
        found: dict[int, int] = dict(database.all(lengths, (as_array(wanted),)))
        for run in in_runs((image_id, found.get(image_id, 0)) for image_id in wanted):
            by_id = {row[0]: row for row in database.all(rows, (as_array(run),))}
            for image_id in run:
                if image_id not in by_id:
                    raise no_image(image_id)
                yield by_id[image_id]


def in_runs(lengths: Iterable[Row]) -> Iterator[list[int]]:
    """The ids of (id, length) in runs that are short enough to be read at once."""
    run: list[int] = []
    room = READ_AHEAD
    for image_id, length in lengths:
        if run and length > room:
            yield run
            run, room = [], READ_AHEAD
        run.append(image_id)
        room -= length
    if run:
        yield run
