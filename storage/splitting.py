"""Which split a picture falls into, when nobody says: a seeded hash of what it shows.

Nothing but the picture and the seed decides, so importing again or importing more moves no picture,
and copies of one picture always fall into the same split.
"""

from __future__ import annotations

from hashlib import blake2b

from storage.errors import UsageError
from storage.records import SPLITS, Split

RATIOS = (0.8, 0.1, 0.1)


def assign_split(
    pixel_hash: bytes, seed: int, ratios: tuple[float, float, float] = RATIOS
) -> Split:
    """The split of a picture. `ratios` are the shares of train, val and test, by weight; each
    share is met on average. Raises UsageError for ratios below 0 or that add up to 0."""
    total = sum(ratios)
    if min(ratios) < 0 or not 0 < total < float("inf"):
        raise UsageError(
            f"the ratios {ratios} are not shares of a whole", hint="Give three like 0.8, 0.1, 0.1."
        )
    key = b"%d" % seed
    digest = blake2b(pixel_hash, digest_size=8, key=key[:64], person=b"split").digest()
    place = int.from_bytes(digest, "big") / 2**64 * total
    train, val, _ = ratios
    if place < train:
        return SPLITS[0]
    return SPLITS[1] if place < train + val or ratios[2] == 0 else SPLITS[2]
