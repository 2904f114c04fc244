"""Small plain PNGs of one known size, decoded many at a time without Pillow.

Thousands of tiny grey or colour PNGs are the common dataset, and there Python's cost for each
file outweighs the decoding. This knows only the plainest form (8 bits, no interlacing,
no transparency) and leaves everything else, damaged files too, to Pillow: it never guesses.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_CHUNKS = frozenset({b"IDAT", b"pHYs", b"gAMA", b"sRGB", b"cHRM", b"tIME", b"bKGD", b"sBIT"})
"""The pixels, and what has no say in them here or in Pillow. Text may turn a picture, by EXIF."""

_COLOUR_TYPES = {1: 0, 3: 2}
_LARGEST = 64 * 64
"""Up to this many pixels an image is faster here than in Pillow; see tests/benchmarks."""


def worth_trying(height: int, width: int) -> bool:
    """Whether images of this size are small enough to gain from `decode_plain`."""
    return height * width <= _LARGEST


def decode_plain(datas: Sequence[bytes], out: NDArray[np.uint8]) -> list[int]:
    """Decode those of `datas` that are plain PNGs of `out`'s size into their rows of `out`.

    `out` is uint8 [N, H, W, C] with C 1 or 3 and N at least len(datas). Gives the indexes of the
    files that were left alone, in order, whose rows hold what they held.
    """
    height, width, channels = out.shape[1:]
    start = _beginning(height, width, channels)
    length = height * (1 + width * channels)
    done: list[int] = []
    left: list[int] = []
    streams: list[bytes] = []
    for index, data in enumerate(datas):
        stream = _inflated(data, start, length)
        if stream is None:
            left.append(index)
        else:
            done.append(index)
            streams.append(stream)
    if not streams:
        return left
    raw = np.frombuffer(bytearray().join(streams), np.uint8).reshape(len(done), height, -1)
    known = (raw[:, :, 0] <= 4).all(axis=1)
    if not known.all():
        left = sorted([*left, *(done[at] for at in np.flatnonzero(~known))])
        done = [done[at] for at in np.flatnonzero(known)]
        raw = raw[known]
    pixels = raw[:, :, 1:].reshape(len(done), height, width, channels)
    _undo_filters(raw[:, :, 0], pixels)
    out[done] = pixels
    return left


def _beginning(height: int, width: int, channels: int) -> bytes:
    """The first 33 bytes of every plain PNG of this size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    return _SIGNATURE + b"\x00\x00\x00\x0d" + header + struct.pack(">I", zlib.crc32(header))


def _inflated(data: bytes, start: bytes, length: int) -> bytes | None:
    """The filtered rows of a plain PNG, exactly `length` bytes; None if it is anything else."""
    end = len(data) - len(_END)
    at = len(start)
    if not data.startswith(start) or end < at or data[end:] != _END:
        return None
    parts = []
    while at < end:
        name = data[at + 4 : at + 8]
        if name not in _CHUNKS:
            return None
        stop = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if stop + 4 > end:
            return None
        if zlib.crc32(data[at + 4 : stop]) != int.from_bytes(data[stop : stop + 4], "big"):
            return None
        if name == b"IDAT":
            parts.append(data[at + 8 : stop])
        at = stop + 4
    inflate = zlib.decompressobj()
    try:
        # One byte more than is wanted shows a stream that is too long, and bounds a bomb.
        stream = inflate.decompress(b"".join(parts), length + 1)
    except zlib.error:
        return None
    return stream if len(stream) == length and inflate.eof else None


def _undo_filters(filters: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> None:
    """Turn filtered rows into pixels, in place (PNG specification, section 9), row by row for all
    images at once. `filters` is [N, H], `pixels` [N, H, W, C]."""
    above = np.zeros_like(pixels[:, 0])
    for y in range(pixels.shape[1]):
        row, kinds = pixels[:, y], filters[:, y]
        for kind in np.flatnonzero(np.bincount(kinds, minlength=5)):
            if kind == 0:
                continue
            at = np.flatnonzero(kinds == kind)
            if kind == 1:
                row[at] = np.cumsum(row[at], axis=1, dtype=np.uint8)
            elif kind == 2:
                row[at] += above[at]
            else:
                row[at] = _undo_along(row[at], above[at], paeth=bool(kind == 4))
        above = row


def _undo_along(
    row: NDArray[np.uint8], above: NDArray[np.uint8], *, paeth: bool
) -> NDArray[np.uint8]:
    """Undo Average or Paeth, which need the pixel to the left: a step for each column, all images
    at once. Both are [N, W, C]."""
    residue = np.ascontiguousarray(row.transpose(1, 2, 0)).astype(np.int16)
    up = np.ascontiguousarray(above.transpose(1, 2, 0)).astype(np.int16)
    left = np.zeros_like(up[0])
    corner = np.zeros_like(up[0])
    for x in range(len(residue)):
        guess = _paeth(left, up[x], corner) if paeth else (left + up[x]) >> 1
        left = residue[x]
        left += guess
        left &= 0xFF
        corner = up[x]
    return residue.transpose(2, 0, 1).astype(np.uint8)


def _paeth(
    left: NDArray[np.int16], up: NDArray[np.int16], corner: NDArray[np.int16]
) -> NDArray[np.int16]:
    by_up, by_left = up - corner, left - corner
    to_left, to_up, to_corner = np.abs(by_up), np.abs(by_left), np.abs(by_up + by_left)
    near_up = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, near_up)
