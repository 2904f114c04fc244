"""Which part of a picture is drawn, and how large: zoom and pan as pure functions.

A drawn pixel is half a cell, as high as wide. `scale` is drawn pixels for a pixel of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

LEVELS = (
    *(1 / 64, 1 / 48, 1 / 32, 1 / 24, 1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2),
    *(1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0),
)
"""The scales that zooming steps through. Above 1 all are whole, so that pixels stay alike."""

_STEP = 1 / 4
"""The part of what is seen that one pan moves by."""

Size = tuple[int, int]
"""(width, height) in pixels."""


@dataclass(frozen=True, slots=True)
class View:
    """How a picture is looked at: its scale, None for as large as the room lets it be, and the
    point in the middle as shares of its width and height."""

    scale: float | None = None
    x: float = 0.5
    y: float = 0.5


@dataclass(frozen=True, slots=True)
class Window:
    """What is drawn: a box of the picture in its pixels, and the size it is drawn in."""

    box: tuple[float, float, float, float]
    size: Size


def fitting(size: Size, room: Size) -> float:
    """The largest scale at which the whole picture is seen; a whole number from 1 on."""
    scale = min(room[0] / size[0], room[1] / size[1])
    return float(int(scale)) if scale >= 1 else scale


def scale_of(view: View, size: Size, room: Size) -> float:
    """The scale in numbers; never less than what fits."""
    least = fitting(size, room)
    return least if view.scale is None else max(least, view.scale)


def zoomed(view: View, size: Size, room: Size, by: int) -> View:
    """One level nearer (1) or farther (-1), around the same point. The farthest is the whole."""
    now = scale_of(view, size, room)
    least = fitting(size, room)
    if by > 0:
        nearer = [level for level in LEVELS if level > now * 1.001]
        return _within(View(nearer[0], view.x, view.y), size, room) if nearer else view
    farther = [level for level in LEVELS if least * 1.001 < level < now * 0.999]
    return _within(View(farther[-1], view.x, view.y), size, room) if farther else View()


def actual(view: View, size: Size, room: Size, *, dots: int = 1) -> View:
    """One dot on the screen for each pixel of the picture, where that is more than what fits; a
    drawn pixel is `dots` dots wide."""
    scale = 1 / dots
    return (
        _within(View(scale, view.x, view.y), size, room) if fitting(size, room) < scale else View()
    )


def panned(view: View, size: Size, room: Size, across: int, down: int) -> View:
    """Moved by so many steps to the right and down, no farther than the picture's edges."""
    left, top, right, bottom = window(view, size, room).box
    moved = View(
        view.scale,
        view.x + across * _STEP * (right - left) / size[0],
        view.y + down * _STEP * (bottom - top) / size[1],
    )
    return _within(moved, size, room)


def is_zoomed(view: View, size: Size, room: Size) -> bool:
    """Whether a part of the picture is out of sight."""
    left, top, right, bottom = window(view, size, room).box
    return right - left < size[0] or bottom - top < size[1]


def window(view: View, size: Size, room: Size) -> Window:
    """What of a picture of this size is drawn in a room of so many drawn pixels, each at least
    1."""
    scale = scale_of(view, size, room)
    sides = []
    for side, space, at in ((size[0], room[0], view.x), (size[1], room[1], view.y)):
        drawn = max(1, min(space, round(side * scale)))
        seen = min(float(side), drawn / scale)
        start = max(0.0, min(side - seen, at * side - seen / 2))
        if scale >= 1:
            start = round(start * scale) / scale
        sides.append((start, start + seen, drawn))
    (left, right, wide), (top, bottom, high) = sides
    return Window((left, top, right, bottom), (wide, high))


def drawn(
    picture: Image, size: Size, seen: Window, *, goal: Size | None = None
) -> NDArray[np.uint8]:
    """The window's pixels as they are drawn, uint8 [H, W, 3]. Pixels are enlarged as they are
    and averaged where there are too many. `picture` is RGB, of `size` or of a smaller size that
    has the same proportions; `goal` is the drawn size, where that is not the window's."""
    import numpy as np
    from PIL import Image

    across, down = picture.width / size[0], picture.height / size[1]
    left, top, right, bottom = seen.box
    box = (
        max(0.0, left * across),
        max(0.0, top * down),
        min(float(picture.width), right * across),
        min(float(picture.height), bottom * down),
    )
    goal = goal or seen.size
    shrinks = goal[0] < box[2] - box[0] or goal[1] < box[3] - box[1]
    sized = picture.resize(
        goal, Image.Resampling.BOX if shrinks else Image.Resampling.NEAREST, box=box
    )
    return np.asarray(sized, np.uint8)


def _within(view: View, size: Size, room: Size) -> View:
    """The same view with its middle where it is really drawn."""
    left, top, right, bottom = window(view, size, room).box
    return View(view.scale, (left + right) / 2 / size[0], (top + bottom) / 2 / size[1])
