"""Images as the rows of a dataset hold them: what both backends make of these rows."""

from __future__ import annotations

import json

from storage.expecting import Row, expect, stored_json
from storage.records import ImagePrediction, ImageRecord, NewImage


def image_record(row: Row) -> ImageRecord:
    """An image, of a row of its columns in the order of ImageRecord up to `added_at`, with the tags
    as JSON; then a model, its answer, its confidence and whether it is wrong; and whether the image
    is in the trash. Raises DatasetError where they hold what no version of pixshelf writes."""
    expect(row, "ibTT?iiititiITRI", f"image {row[0]}")
    image_id, sha256, label, split, tags = row[:5]
    width, height, channels, format_, size, source, added_at = row[5:12]
    model, predicted, confidence, wrong = row[12:16]
    prediction = None
    if model is not None:
        prediction = ImagePrediction(
            model, predicted, confidence, None if wrong is None else bool(wrong)
        )
    return ImageRecord(
        id=image_id,
        sha256=sha256,
        label=label,
        split=split,
        tags=tuple(stored_json(tags, list, f"image {image_id}")),
        width=width,
        height=height,
        channels=channels,
        format=format_,
        bytes=size,
        source=source,
        added_at=added_at,
        prediction=prediction,
        deleted=bool(row[16]),
    )


def given_image(row: Row, data: bytes) -> NewImage:
    """An image as it was given, of its bytes and a row of its id, three hashes, width, height,
    channels, format, source, label and split, the tags as JSON, and the thumbnail."""
    sha256, pixel_hash, dhash, width, height, channels, form, source = row[1:9]
    label, split, tags, thumbnail = row[9:]
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
