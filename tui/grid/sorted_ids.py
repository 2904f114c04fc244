"""Whether an image is among many: for a million, in milliseconds and eight bytes for each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Container, Sequence

_FEW = 2_000


def container_of(images: Sequence[int]) -> Container[int]:
    """What answers `image in ...` for these images fast."""
    return frozenset(images) if len(images) <= _FEW else SortedIds(images)


class SortedIds(Container[int]):
    """Images, found by halving."""

    def __init__(self, images: Sequence[int]) -> None:
        import numpy as np

        self._ids = array("q")
        self._ids.frombytes(np.sort(np.asarray(images, np.int64)).tobytes())

    def __contains__(self, image: object) -> bool:
        if not isinstance(image, int):
            return False
        at = bisect_left(self._ids, image)
        return at < len(self._ids) and self._ids[at] == image
