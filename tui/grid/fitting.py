"""Thumbnails from encoded pictures: decoded and brought to the size of a grid's cells.

A small picture grows by whole numbers, so that its pixels stay square; a large one is averaged
down. Pictures of one size are done together. May be called from any thread.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ml.plain_png import decode_plain, worth_trying
from storage.errors import RefusedInput
from tui.grid.cells import colours_of
from tui.grid.paint import Box
from tui.plain.halfblocks import shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_CHANNELS = {0: 1, 2: 3}


def plain_shape(data: bytes) -> tuple[int, int, int] | None:
    """Height, width and channels of a small PNG of 8-bit grey or colour, by its header; None for
    anything else."""
    if len(data) < 33 or not data.startswith(_PNG):
        return None
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    channels = _CHANNELS.get(kind)
    if channels is None or depth != 8 or not worth_trying(height, width) or not height * width:
        return None
    return height, width, channels


def fit_plain(
    datas: Sequence[tuple[int, bytes]], box: Box
) -> tuple[dict[int, NDArray[np.int32]], list[tuple[int, bytes]]]:
    """The thumbnails, by image, of those that are small plain PNGs, and the others, left alone."""
    groups: dict[tuple[int, int, int], list[tuple[int, bytes]]] = {}
    left: list[tuple[int, bytes]] = []
    for image, data in datas:
        shape = plain_shape(data)
        if shape is None:
            left.append((image, data))
        else:
            groups.setdefault(shape, []).append((image, data))
    fitted: dict[int, NDArray[np.int32]] = {}
    for shape, group in groups.items():
        pixels = np.empty((len(group), *shape), np.uint8)
        refused = set(decode_plain([data for _, data in group], pixels))
        done = [at for at in range(len(group)) if at not in refused]
        left += [group[at] for at in refused]
        if done:
            colours = fit(pixels[done] if refused else pixels, box)
            fitted.update(
                (group[at][0], each.copy()) for at, each in zip(done, colours, strict=True)
            )
    return fitted, left


def fit_any(data: bytes, box: Box) -> NDArray[np.int32] | None:
    """The thumbnail of any picture; None for what cannot be decoded."""
    from PIL import Image

    from storage.picture_modes import channels_of, to_mode
    from storage.pictures import open_picture

    try:
        picture = open_picture(data, at_least=max(box))
        picture = to_mode(picture, 1 if channels_of(picture) <= 2 else 3)
    except RefusedInput:
        return None
    size = fitted_size(picture.width, picture.height, box)
    if size[0] < picture.width or size[1] < picture.height:
        picture = picture.resize(size, Image.Resampling.BOX)
    pixels = np.asarray(picture)
    fitted: NDArray[np.int32] = fit(pixels.reshape(1, picture.height, picture.width, -1), box)[0]
    return fitted


def fitted_size(width: int, height: int, box: Box) -> Box:
    """The size in which a picture is shown in a box: proportions kept, grown by whole numbers,
    no side less than a pixel."""
    scale = min(box.width / width, box.height / height)
    if scale >= 1:
        return Box(width * int(scale), height * int(scale))
    return Box(max(1, round(width * scale)), max(1, round(height * scale)))


def fit(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.int32]:
    """Pictures of one size, uint8 [N, H, W, 1 or 3], as colours of the size that fits the box,
    int32 [N, h, w]."""
    height, width = pixels.shape[1:3]
    goal = fitted_size(width, height, box)
    if goal.width >= width and goal.height >= height:
        colours = colours_of(pixels)
        return colours.repeat(goal.height // height, axis=1).repeat(goal.width // width, axis=2)
    down, across = _parts(height, goal.height), _parts(width, goal.width)
    planes = pixels.transpose(0, 3, 1, 2).astype(np.float32)
    means = np.matmul(np.matmul(down, planes), across.T)
    return colours_of(means.round().clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1))


@lru_cache(256)
def _parts(side: int, want: int) -> NDArray[np.float32]:
    """How much of each of `side` pixels lies in each of `want` equal parts."""
    return shares(np.arange(side + 1), want)


def in_chunks(images: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    """The images in groups, each in ascending order."""
    for start in range(0, len(images), size):
        yield tuple(sorted(images[start : start + size]))
