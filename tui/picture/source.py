"""Pictures on their way to the screen: read, decoded no larger than needed, and kept for a while.

Decoding goes on in one thread of its own; what is not wanted any more before it began is dropped.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

KEPT_BYTES = 48 << 20
"""Decoded pictures are kept up to this, the oldest dropped first."""
USUAL_SIDE = 512
"""The longer side that is enough for a screen of half-blocks, and a fair zoom."""
FINE_SIDE = 1024
"""The same where the terminal draws real pixels."""
MOST_PIXELS = 12_000_000
"""No picture is kept, or shown, in more detail than this."""
_LARGE_PIXELS = 4_000_000
_REDUCED = frozenset({"L", "RGB", "RGBX"})
"""Modes whose pixels can be averaged before they become RGB."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A decoded picture, RGB. `size` is (width, height) of the stored one, which `picture` may be
    smaller than; `whole` says that it is as detailed as it is ever shown."""

    picture: Image
    size: tuple[int, int]
    whole: bool


def decode(data: bytes, side: int | None) -> Loaded:
    """The picture with its longer side at least `side` pixels long, as far as it has them, and
    less than about twice that; None for as detailed as it is ever shown. Raises RefusedInput as
    `open_picture` does."""
    from storage.picture_modes import to_mode
    from storage.pictures import claimed_pixels, one_large, open_picture

    claimed = claimed_pixels(data)
    # A large picture is decoded whole before it can be made smaller: one at a time.
    with one_large if claimed > _LARGE_PIXELS else nullcontext():
        picture = open_picture(data, at_least=side)
        width, height = picture.size
        # Its decoder may have halved it already, once or more.
        halved = max(1, round(sqrt(claimed / (width * height))))
        factor = max(1, ceil(sqrt(width * height / MOST_PIXELS)))
        if side is not None:
            factor = max(factor, max(width, height) // side)
        if picture.mode in _REDUCED:
            rgb = to_mode(picture.reduce(factor) if factor > 1 else picture, 3)
        else:
            rgb = to_mode(picture, 3)
            rgb = rgb.reduce(factor) if factor > 1 else rgb
    is_whole = side is None or (halved == 1 and factor == 1)
    return Loaded(rgb, (width * halved, height * halved), is_whole)


class Pictures:
    """Decodes pictures in a thread, and keeps the latest few by image. To be used from the event
    loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pixshelf-decoding")
        self._kept: OrderedDict[int, Loaded] = OrderedDict()
        self._is_closed = False

    def kept(self, image: int, side: int | None = 0) -> Loaded | None:
        """The image's picture where it is at hand with so much detail."""
        found = self._kept.get(image)
        if found is None:
            return None
        if not found.whole and (side is None or max(found.picture.size) < side):
            return None
        self._kept.move_to_end(image)
        return found

    async def decoded(self, image: int, data: bytes, side: int | None) -> Loaded:
        """The image's picture from its bytes; see `decode`. Raises RefusedInput; after `close` the
        caller is cancelled, since nobody waits for the picture any more."""
        if self._is_closed:
            raise asyncio.CancelledError
        loaded = await asyncio.wrap_future(self._thread.submit(decode, data, side))
        self._kept[image] = loaded
        self._kept.move_to_end(image)
        while len(self._kept) > 1 and sum(map(_bytes_of, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return loaded

    def close(self) -> None:
        """End the thread, once what it does is done; does not wait for that."""
        self._is_closed = True
        self._kept.clear()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _bytes_of(loaded: Loaded) -> int:
    return 3 * loaded.picture.width * loaded.picture.height
