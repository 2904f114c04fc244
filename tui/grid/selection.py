"""Which images of a list are selected: one byte each, so that a million is no burden.

Positions count the images of the list from 0. Nothing here knows a widget.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress


class Selection:
    """The selected ones among `ids`. A range that is being drawn out stands on top of what was
    selected before, so that drawing it in again gives that back."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = ids
        self._marks = bytearray(len(ids))
        self._before: bytearray | None = None
        self._anchor = 0
        self.count = 0

    def __contains__(self, position: int) -> bool:
        return position < len(self._marks) and self._marks[position] == 1

    @property
    def ranging(self) -> bool:
        """Whether a range is being drawn out."""
        return self._before is not None

    def images(self) -> tuple[int, ...]:
        """The selected images in the order of the list."""
        if not self.count:
            return ()
        return tuple(compress(self._ids, self._marks))

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
        """Select these images, those of them that are in the list, and no others."""
        self.end_range()
        wanted = frozenset(images)
        self._marks = bytearray(image in wanted for image in self._ids) if wanted else self._none()
        self._recount()

    def all(self) -> None:
        """Select every image."""
        self.end_range()
        self._marks = bytearray(b"\x01") * len(self._ids)
        self._recount()

    def clear(self) -> None:
        """Select none."""
        self.end_range()
        self._marks = self._none()
        self._recount()

    def invert(self) -> None:
        """Select what is not selected, and nothing else."""
        self.end_range()
        self._marks = self._marks.translate(b"\x01\x00" + bytes(range(2, 256)))
        self._recount()

    def extend(self, ids: array[int]) -> None:
        """The list is longer now and begins with the same images."""
        more = len(ids) - len(self._marks)
        self._ids = ids
        self._marks.extend(bytes(more))
        if self._before is not None:
            self._before.extend(bytes(more))

    def _none(self) -> bytearray:
        return bytearray(len(self._ids))

    def _recount(self) -> None:
        self.count = self._marks.count(1)
