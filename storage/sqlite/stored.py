"""Images in a dataset file as they were given to it: metadata, hashes, thumbnail and bytes.

What is read ahead is bounded by bytes, not by a count, since one photo may weigh a thousand digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from storage.errors import NotFound
from storage.records import NewImage
from storage.sqlite.database import Database, Row

READ_AHEAD = 16 * 1024 * 1024
_PAGE = 500

_FACTS = """
    SELECT image.id, image.bytes, image.sha256, image.pixel_hash, image.dhash, image.width,
        image.height, image.channels, image.format, image.source, label.name, image.split,
        (SELECT json_group_array(name) FROM (
            SELECT tag.name FROM image_tag JOIN tag ON tag.id = image_tag.tag_id
            WHERE image_tag.image_id = image.id ORDER BY tag.name)),
        thumbnail.data
    FROM image LEFT JOIN label ON label.id = image.label_id
    LEFT JOIN thumbnail ON thumbnail.image_id = image.id
    WHERE image.id IN (SELECT value FROM json_each(?))
"""
_IN_ORDER = """
    SELECT image_id, data FROM json_each(?) AS asked
    CROSS JOIN image_data ON image_data.image_id = asked.value
"""
_BYTES = """
    SELECT image_id, data FROM image_data WHERE image_id IN (SELECT value FROM json_each(?))
"""


def read_data(database: Database, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """See Images.iter_data. Row by row, so that only the bytes in hand are in memory."""
    for start in range(0, len(image_ids), _PAGE):
        wanted = image_ids[start : start + _PAGE]
        expected = iter(wanted)
        for row in database.rows(_IN_ORDER, (json.dumps(list(wanted)),)):
            asked = next(expected)
            if row[0] != asked:
                raise _gone(asked)
            yield row
        for asked in expected:
            raise _gone(asked)


def read_stored(database: Database, image_ids: Sequence[int]) -> Iterator[tuple[int, NewImage]]:
    """See Images.stored."""
    for start in range(0, len(image_ids), _PAGE):
        wanted = image_ids[start : start + _PAGE]
        facts = {row[0]: row for row in database.all(_FACTS, (json.dumps(list(wanted)),))}
        for image_id in wanted:
            if image_id not in facts:
                raise _gone(image_id)
        for piece in _pieces([facts[image_id] for image_id in wanted]):
            ids = json.dumps([row[0] for row in piece])
            data: dict[int, bytes] = dict(database.all(_BYTES, (ids,)))
            for row in piece:
                if row[0] not in data:
                    raise _gone(row[0])
                yield row[0], _image(row, data.pop(row[0]))


def _pieces(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in pieces whose bytes stay within READ_AHEAD, or that are one image."""
    piece: list[Row] = []
    size = 0
    for row in rows:
        if piece and size + row[1] > READ_AHEAD:
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += row[1]
    if piece:
        yield piece


def _image(row: Row, data: bytes) -> NewImage:
    sha256, pixel_hash, dhash, width, height, channels, form, source = row[2:10]
    label, split, tags, thumbnail = row[10:]
    return NewImage(
        data=data,
        sha256=sha256,
        pixel_hash=pixel_hash,
        dhash=dhash,
        width=width,
        height=height,
        channels=channels,
        format=form,
        source=source,
        label=label,
        split=split,
        tags=tuple(json.loads(tags)),
        thumbnail=thumbnail,
    )


def _gone(image_id: int) -> NotFound:
    return NotFound(f"there is no image {image_id}", hint="See 'pixshelf ls'.")
