"""Images in a dataset file as they were given to it: metadata, hashes, thumbnail and bytes.

Bytes are read row by row, so that only those in hand are in memory: one photo may weigh a thousand
digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from storage.missing import no_image
from storage.records import NewImage
from storage.sqlite.database import Database
from storage.stored_images import given_image

_PAGE = 500

_FACTS = """
    SELECT image.id, image.sha256, image.pixel_hash, image.dhash, image.width,
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


def read_data(database: Database, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """See Images.iter_data."""
    for start in range(0, len(image_ids), _PAGE):
        wanted = image_ids[start : start + _PAGE]
        expected = iter(wanted)
        for row in database.rows(_IN_ORDER, (json.dumps(list(wanted)),)):
            asked = next(expected)
            if row[0] != asked:
                raise no_image(asked)
            yield row
        for asked in expected:
            raise no_image(asked)


def read_stored(database: Database, image_ids: Sequence[int]) -> Iterator[tuple[int, NewImage]]:
    """See Images.stored."""
    for start in range(0, len(image_ids), _PAGE):
        wanted = image_ids[start : start + _PAGE]
        facts = {row[0]: row for row in database.all(_FACTS, (json.dumps(list(wanted)),))}
        for image_id in wanted:
            if image_id not in facts:
                raise no_image(image_id)
        for image_id, data in read_data(database, wanted):
            yield image_id, given_image(facts[image_id], data)
