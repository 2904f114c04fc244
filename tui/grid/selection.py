"""Which images of a list are selected: one byte each, so that a million is no burden.

Positions count the images of the list from 0. A list may be the first part of one that is still
being read; what is selected in the rest is known beforehand. Nothing here knows a widget.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]

_NONE = array("q")
_MOST_IN_TUPLE = 10_000


class Selection:
    """The selected ones among `ids`. A range that is being drawn out stands on top of what was
    selected before, so that drawing it in again gives that back.

    Where the list is not `whole`, all of the images to come are selected or none, apart from
    exceptions."""

    def __init__(self, ids: Sequence[int], *, whole: bool = True) -> None:
        self._ids = ids
        self._whole = whole
        self._marks = bytearray(len(ids))
        self._before: bytearray | None = None
        self._anchor = 0
        self._rest = False
        self._exceptions = _NONE
        self.count = 0

    def __contains__(self, position: int) -> bool:
        return position < len(self._marks) and self._marks[position] == 1

    @property
    def ranging(self) -> bool:
        """Whether a range is being drawn out."""
        return self._before is not None

    @property
    def takes_rest(self) -> bool:
        """Whether the images to come are selected, all or nearly all of them."""
        return self._rest

    @property
    def awaits(self) -> bool:
        """Whether images may be selected that are not in the list yet."""
        return self._rest or len(self._exceptions) > 0

    def images(self) -> Sequence[int]:
        """The selected images in the order of the list, as far as that is there: a tuple, or for
        very many an array('q'), which takes a fifth of the room and is not to be changed."""
        if not self.count:
            return ()
        if self.count <= _MOST_IN_TUPLE:
            return tuple(compress(self._ids, self._marks))
        if self.count == len(self._ids):
            return self._ids
        many = array("q")
        many.frombytes(self._chosen().data.cast("B"))
        return many

    def _chosen(self) -> Ids:
        import numpy as np

        chosen: Ids = np.asarray(self._ids, np.int64)[np.frombuffer(self._marks, np.bool_)]
        return chosen

    def toggle(self, position: int) -> None:
        """Select an image, or no longer."""
        self.end_range()
        self._marks[position] ^= 1
        self._recount()

    def begin_range(self, position: int) -> None:
        """Begin a range at an image, and select that."""
        self._before = bytearray(self._marks)
        self._anchor = position
        self.extend_to(position)

    def extend_to(self, position: int) -> None:
        """Draw the range that was begun out, or in, to an image."""
        if self._before is None:
            self.begin_range(position)
            return
        first, last = sorted((self._anchor, position))
        marks = bytearray(self._before)
        marks[first : last + 1] = b"\x01" * (last + 1 - first)
        self._marks = marks
        self._recount()

    def end_range(self) -> None:
        """Keep what is selected and begin no further from the anchor."""
        self._before = None

    def set(self, images: Iterable[int]) -> None:
        """Select these images, those of them that are in the list or come to it, and no others."""
        self.end_range()
        wanted = array("q", images)
        self._marks = _marks_of(self._ids, wanted)
        self._rest = False
        self._exceptions = _NONE if self._whole else _others(wanted, self._ids)
        self._recount()

    def all(self) -> None:
        """Select every image."""
        self.end_range()
        self._marks = bytearray(b"\x01") * len(self._ids)
        self._rest, self._exceptions = not self._whole, _NONE
        self._recount()

    def clear(self) -> None:
        """Select none."""
        self.end_range()
        self._marks = bytearray(len(self._ids))
        self._rest, self._exceptions = False, _NONE
        self._recount()

    def invert(self) -> None:
        """Select what is not selected, and nothing else."""
        self.end_range()
        self._marks = self._marks.translate(b"\x01\x00" + bytes(range(2, 256)))
        self._rest = not self._rest and not self._whole
        self._recount()

    def extend(self, ids: array[int]) -> None:
        """The list is whole now and begins with the same images."""
        known = len(self._marks)
        more = self._marks_to_come(ids[known:])
        self._ids = ids
        self._marks.extend(more)
        if self._before is not None:
            self._before.extend(more)
        self._settle()

    def onto(self, ids: array[int], *, whole: bool, same: bool) -> Selection:
        """What is selected here, in another list: those that are in it, or come to it. Where it is
        the `same` query, what was to be selected of its images to come is; of another one nothing
        is selected where that was not known to the end."""
        other = Selection(ids, whole=whole)
        if (not self.count and not self.awaits) or (self._rest and not same):
            return other
        import numpy as np

        chosen = self._chosen()
        if self._rest:
            known = np.frombuffer(_marks_of(ids, self._ids), np.bool_)
            mine, others = _marks_of(ids, chosen), self._marks_to_come(ids)
            marks = np.where(known, np.frombuffer(mine, np.uint8), np.frombuffer(others, np.uint8))
            other._marks = bytearray(marks)
            if not whole:
                other._rest, other._exceptions = True, self._exceptions
        else:
            chosen = np.concatenate([chosen, np.asarray(self._exceptions, np.int64)])
            other._marks = _marks_of(ids, chosen)
            if not whole:
                other._exceptions = _others(chosen, ids)
        other._recount()
        return other

    def _marks_to_come(self, ids: array[int]) -> bytearray:
        """The marks of images that were not listed."""
        marks = _marks_of(ids, self._exceptions)
        return marks.translate(b"\x01\x00" + bytes(range(2, 256))) if self._rest else marks

    def _settle(self) -> None:
        self._whole = True
        self._rest, self._exceptions = False, _NONE
        self._recount()

    def _recount(self) -> None:
        self.count = self._marks.count(1)


def _marks_of(ids: Sequence[int], wanted: Sequence[int] | Ids) -> bytearray:
    """One byte for each id: 1 where it is wanted."""
    if not len(wanted):
        return bytearray(len(ids))
    import numpy as np

    found = np.isin(np.asarray(ids, np.int64), np.asarray(wanted, np.int64))
    return bytearray(found.view(np.uint8))


def _others(images: Sequence[int] | Ids, ids: Sequence[int]) -> array[int]:
    """Those of the images that are not among the ids."""
    import numpy as np

    given = np.asarray(images, np.int64)
    left = array("q")
    left.frombytes(given[~np.isin(given, np.asarray(ids, np.int64))].tobytes())
    return left
