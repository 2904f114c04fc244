"""Where each image of a grid stands: columns, rows, and the room for pixels and for words.

Pure arithmetic over the size of the widget; positions count the images of the query from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

ZOOMS = (2, 4, 6, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 192)
"""The widths of a thumbnail, in cells; it is half as high, since a cell is twice as high as wide.
One that is wider than the grid is as wide as the grid."""
DEFAULT_ZOOM = 16
PHOTOS_FROM = 65
"""Pixels of width from which pictures are photos, which need more cells than digits to be known."""
_PHOTO_ZOOMS = (32, 28, 24, 20)
_IN_A_ROW = 3
CAPTION_FROM = 8
"""From this width a thumbnail has a line of words below it, under it a marker beside it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The places in a grid of `width` by `height` cells. A thumbnail has `wide` by `high` cells of
    pixels, a column for markers at its left, and, if `captioned`, a line below. From one to the
    next are `pitch` columns and `row_height` lines."""

    width: int
    height: int
    columns: int
    wide: int
    high: int
    pitch: int
    captioned: bool

    @classmethod
    def of(cls, width: int, height: int, zoom: int) -> Layout:
        """The layout for a thumbnail of about `zoom` columns in a grid of this size."""
        width, height = max(2, width), max(1, height)
        wide = max(1, min(zoom, width - 1))
        captioned = wide >= CAPTION_FROM and height > 1
        high = max(1, min((wide + 1) // 2, height - captioned))
        columns = max(1, width // (wide + 1))
        return cls(width, height, columns, wide, high, width // columns, captioned)

    @property
    def row_height(self) -> int:
        """Lines from one row of images to the next."""
        return self.high + self.captioned

    @property
    def page_rows(self) -> int:
        """How many rows are seen whole, 1 at least."""
        return max(1, self.height // self.row_height)

    def rows(self, count: int) -> int:
        """How many rows so many images have."""
        return -(-count // self.columns)

    def row_of(self, position: int) -> int:
        """The row of an image."""
        return position // self.columns

    def shown(self, top: int, count: int) -> range:
        """The positions of the images seen, whole or in part, where `top` is the first line."""
        first = max(0, top) // self.row_height
        last = (max(0, top) + self.height - 1) // self.row_height
        return range(min(count, first * self.columns), min(count, (last + 1) * self.columns))

    def at(self, x: int, y: int, count: int) -> int | None:
        """The image at a column and a line from the grid's very top; None where there is none."""
        column = x // self.pitch
        position = (y // self.row_height) * self.columns + column
        return position if x >= 0 and column < self.columns and 0 <= position < count else None

    def scrolled_to(self, position: int, top: int) -> int:
        """The first line with which the image is seen whole, moving as little as can be."""
        start = self.row_of(position) * self.row_height
        if start < top:
            return start
        return max(top, min(start, start + self.row_height - self.height))


def next_zoom(zoom: int, by: int) -> int:
    """The zoom a step larger (1) or smaller (-1); the same at either end."""
    if by > 0:
        return next((each for each in ZOOMS if each > zoom), zoom)
    return next((each for each in reversed(ZOOMS) if each < zoom), zoom)


def fitting_zoom(pixels: int, width: int, height: int) -> int:
    """The zoom to begin with in a grid of this size, for images that are mostly so many pixels
    wide: for photos the largest with which three stand in a row and each is seen whole."""
    if pixels < PHOTOS_FROM:
        return DEFAULT_ZOOM
    for zoom in _PHOTO_ZOOMS:
        layout = Layout.of(width, height, zoom)
        if layout.columns >= _IN_A_ROW and layout.high == zoom // 2:
            return zoom
    return DEFAULT_ZOOM
