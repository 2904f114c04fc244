"""What can be wrong with the rows of a dataset, found with SQL that every backend understands."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from storage.errors import PixshelfError
from storage.expecting import Row
from storage.records import Problem
from storage.repository import Models

Ask = Callable[[str], list[Row]]
"""Every row of a statement."""

_MARKED_OTHERWISE = """
    SELECT p.image_id, p.model_id FROM prediction AS p JOIN image ON image.id = p.image_id
    WHERE coalesce(p.wrong, -1) <> CASE WHEN image.label_id IS NULL THEN -1
        WHEN p.label_id <> image.label_id THEN 1 ELSE 0 END
    ORDER BY p.id
"""


def check_rows(ask: Ask) -> Iterator[Problem]:
    """Images without bytes, and predictions that do not hang together."""
    for (image,) in ask(
        "SELECT id FROM image WHERE NOT EXISTS "
        "(SELECT 1 FROM image_data WHERE image_id = image.id) ORDER BY id"
    ):
        yield Problem("the bytes are missing", image)
    for image, model in ask(
        "SELECT image_id, model_id FROM prediction WHERE NOT EXISTS "
        "(SELECT 1 FROM prediction_probabilities WHERE prediction_id = prediction.id) ORDER BY id"
    ):
        yield Problem(f"the probabilities of model {model} are missing", image)
    for image, model in ask(_MARKED_OTHERWISE):
        yield Problem(
            f"model {model}'s prediction is marked wrong or right against its label", image
        )


def check_lengths(ask: Ask) -> Iterator[Problem]:
    """Images of another length than is noted, and models without weights; no bytes are read."""
    for image, size, noted in ask(
        "SELECT image.id, length(data), bytes FROM image "
        "JOIN image_data ON image_id = image.id WHERE length(data) <> bytes ORDER BY image.id"
    ):
        yield _other_length(image, size, noted)
    for (model,) in ask(
        "SELECT id FROM model WHERE NOT EXISTS "
        "(SELECT 1 FROM model_data WHERE model_id = model.id) ORDER BY id"
    ):
        yield Problem(f"the weights of model {model} are missing")


def check_image(image: int, sha256: bytes, noted: int, data: bytes) -> Iterator[Problem]:
    """An image's bytes against what is noted of them."""
    if hashlib.sha256(data).digest() != sha256:
        yield Problem("the bytes are not those that were stored (sha256)", image)
    elif len(data) != noted:
        yield _other_length(image, len(data), noted)


def check_models(models: Models) -> Iterator[Problem]:
    """Every model's bytes against their sha256."""
    for model in models.all():
        for read in (models.weights, models.litert):
            try:
                read(model.id)
            except PixshelfError as error:
                yield Problem(error.message)


def _other_length(image: int, size: int, noted: int) -> Problem:
    return Problem(f"has {size} bytes where {noted} are noted", image)
