"""What a grid has at hand: pictures and records within bounds, and edits not stored yet.

An edit is shown at once. A record read before the newest edit of its image was stored is not
taken, so that what was done never seems undone for a moment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING

from tui.grid.caches import ByteCache
from tui.grid.many import container_of
from tui.grid.paint import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.records import ImageRecord
    from tui.frame.edits import Edit
    from tui.grid.reader import Read

    Picture = NDArray[np.int32] | None

PICTURE_BYTES = 20 * 1024 * 1024
MOST_RECORDS = 8_192
_OVERHEAD = 250
"""What an entry takes beside its pixels: the array, the key, the places in the cache."""
_MANY = 10_000


class Contents:
    """Pictures, by image, for one size of thumbnail, and records by image."""

    def __init__(self) -> None:
        self.box = Box(1, 1)
        self.epoch = 0
        self._pictures: ByteCache[int, tuple[Picture]] = ByteCache(PICTURE_BYTES)
        self._records: OrderedDict[int, ImageRecord | None] = OrderedDict()
        self._stale: set[int] = set()
        self._all_stale_before = 0
        self._pictures_from = 0
        self._edits: list[tuple[Edit, Container[int]]] = []
        self._touched: dict[int, int] = {}

    # --- pictures

    def resize(self, box: Box) -> bool:
        """Thumbnails are to fit this box from now on; whether it is another."""
        if box == self.box:
            return False
        self.box = box
        self._pictures.clear()
        return True

    def picture(self, image: int) -> tuple[bool, Picture]:
        """Whether it is there, and the picture; None for one that cannot be shown."""
        found = self._pictures.get(image)
        return (False, None) if found is None else (True, found[0])

    def without_picture(self, images: Iterable[int]) -> tuple[int, ...]:
        """Those of the images whose pictures are not there."""
        return tuple(image for image in images if image not in self._pictures)

    def forget_pictures(self) -> None:
        """Have every picture read anew; what is still read for an earlier wish is not taken."""
        self.epoch += 1
        self._pictures_from = self.epoch
        self._pictures.clear()

    # --- records

    def record(self, image: int) -> ImageRecord | None:
        """What is known of the image."""
        return self._records.get(image)

    def without_record(self, images: Iterable[int]) -> tuple[int, ...]:
        """Those of the images whose records are not there, or may have changed."""
        return tuple(
            image for image in images if image not in self._records or image in self._stale
        )

    def outdate(self, images: Sequence[int] | None) -> None:
        """The records of these images, None for all, may have changed. They are shown as they
        are until they are read anew."""
        self.epoch += 1
        if images is None or len(images) > _MANY:
            self._stale.update(self._records)
            self._all_stale_before = self.epoch
            self._touched.clear()
        else:
            self._stale.update(image for image in images if image in self._records)
            self._touched.update(dict.fromkeys(images, self.epoch))
        if len(self._touched) > 4 * _MANY:
            self._all_stale_before = self.epoch
            self._touched.clear()

    # --- edits

    def begin(self, edit: Edit) -> None:
        """Show the edit, until it is stored or refused."""
        concerned = container_of(edit.images)
        self._edits.append((edit, concerned))
        self.outdate(edit.images)
        few = len(edit.images) < len(self._records)
        for image in edit.images if few else [each for each in self._records if each in concerned]:
            record = self._records.get(image)
            if record is not None:
                self._records[image] = edit.apply(record)
        self._stale.difference_update([each for each in self._stale if each in concerned])

    def end(self, edit: Edit) -> None:
        """The edit is stored, or was refused; what is shown is to be read anew."""
        self._edits = [each for each in self._edits if each[0] is not edit]
        self.outdate(edit.images)

    # --- what was read

    def take(self, read: Read) -> bool:
        """Keep what was read; whether there is a picture or record among it that was wanted."""
        changed = False
        if read.wish.box == self.box and read.wish.epoch >= self._pictures_from:
            for image, picture in read.pictures.items():
                size = 0 if picture is None else picture.nbytes
                self._pictures.put(image, (picture,), size + _OVERHEAD)
                changed = True
        epoch = read.wish.epoch
        for image, record in read.records.items():
            if epoch < max(self._all_stale_before, self._touched.get(image, 0)):
                continue
            self._records[image] = self._edited(record)
            self._records.move_to_end(image)
            self._stale.discard(image)
            changed = True
        while len(self._records) > MOST_RECORDS:
            gone, _ = self._records.popitem(last=False)
            self._stale.discard(gone)
        return changed

    def _edited(self, record: ImageRecord | None) -> ImageRecord | None:
        for edit, concerned in self._edits:
            if record is not None and record.id in concerned:
                record = edit.apply(record)
        return record
