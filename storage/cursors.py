"""Places in an order of images as texts: what a page ends at, and where the next goes on.

They are the same for every backend, and what comes back is not trusted.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from storage.errors import UsageError
from storage.query import Sort


def write_cursor(sort: Sort, key: Any, image_id: int) -> str:
    """A text that names a place in an order, safe in a shell and a URL."""
    raw = json.dumps([str(sort), key, image_id], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str, sort: Sort) -> tuple[int | float, int]:
    """The place that `write_cursor` named. Raises UsageError for anything else."""
    try:
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        order, key, image_id = json.loads(raw)
    except (ValueError, binascii.Error, TypeError, RecursionError) as error:
        raise UsageError(
            f"'{cursor[:40]}' is not a place to continue from",
            hint="Use what the page before gave as the place that it ends at.",
        ) from error
    # true and false are whole numbers in Python, and none in PostgreSQL.
    plain = type(key) in (int, float) and type(image_id) is int
    if order != str(sort) or not plain or not -(2**63) <= image_id < 2**63:
        raise UsageError(
            f"the place to continue from belongs to another order than 'sort:{sort}'",
            hint="Use the same query as for the page before.",
        )
    return (key if isinstance(key, float) else max(min(key, 2**63 - 1), -(2**63))), image_id
