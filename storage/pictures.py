"""Pictures from bytes: the one place where Pillow meets data from outside.

Bytes are hostile until decoded. Only the formats named here are tried, the size is judged from the
header before a pixel is decoded, a file cut short is refused, and whatever Pillow raises comes out
as RefusedInput with a short reason. Everything here may be called from any thread.
"""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from operator import gt
from typing import TYPE_CHECKING

from PIL import Image, ImageFile

from storage.errors import RefusedInput
from storage.picture_modes import bands, channels_of, exact, flat, span_of, to_mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""The formats that are read, by Pillow's names. No other decoder is ever tried."""

MAX_PIXELS = 50_000_000
MAX_BYTES = 100 * 1024 * 1024
THUMBNAIL_FROM = 1_000_000
"""Pictures of so many pixels get a thumbnail; smaller ones are decoded as quickly as they are
shown, and it would add a fifth to a file of them."""
THUMBNAIL_SIDE = 128
THUMBNAIL_QUALITY = 60

_PICTURES = "PNG, JPEG, GIF, BMP, WebP, TIFF or PPM"
_TINY_PIXELS = 4_096
_LARGE_PIXELS = 4_000_000
_STARTS = (
    ("PNG", (b"\x89PNG\r\n\x1a\n",)),
    ("JPEG", (b"\xff\xd8\xff",)),
    ("GIF", (b"GIF87a", b"GIF89a")),
    ("BMP", (b"BM",)),
    ("TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
)
_ORIENTATION = 0x0112
_EXIF_KEYS = frozenset({"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"})
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PNG_END = b"IEND\xaeB`\x82"
_BITS = bytes.maketrans(b"\0\1", b"01")

one_large: AbstractContextManager[object] = threading.Lock()
"""Held while a large picture is measured, so that memory has one bound whatever the threads. A
process that works beside others puts a lock that they share in its place."""

# A file that ends early must never pass as a picture with a grey half.
ImageFile.LOAD_TRUNCATED_IMAGES = False
# Filters belong to the process, so they are set once here and never per call, which no thread
# could do safely. Remarks on odd EXIF would otherwise be printed over a full screen.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
Image.preinit()


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured from a picture's bytes.

    `width` and `height` are those of the upright picture. `channels` counts those of the stored
    file (1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha or CMYK). `format` is Pillow's name
    in lower case. `pixel_hash` is 16 bytes over mode, size and pixels: equal for the same picture
    in another file. `dhash` is a signed 64-bit difference hash: near for pictures that look alike.
    `thumbnail` is a JPEG of at most 128 px, for pictures of a million pixels and more.
    """

    width: int
    height: int
    channels: int
    format: str
    pixel_hash: bytes
    dhash: int
    thumbnail: bytes | None


def open_picture(data: bytes, *, at_least: int | None = None) -> Image.Image:
    """The first frame, decoded whole and turned upright as its EXIF orientation says. An EXIF
    block that cannot be read counts as none.

    With `at_least` a JPEG may come at a half, a quarter or an eighth of its size, as long as both
    its sides keep so many pixels: its decoder then averages while it decodes, which is quicker.

    Raises RefusedInput for anything that is not a whole picture of at most 50 million pixels and
    100 MiB in one of the FORMATS.
    """
    picture, name = _header(data)
    if at_least is not None and name == "JPEG":
        picture.draft(None, (at_least, at_least))
    return _decoded(picture, name, data)


def open_first(data: bytes) -> tuple[Image.Image, bool]:
    """As `open_picture`, and whether another frame or page follows the first. How many there are
    is not counted: in some formats that means to decode them all."""
    picture, name = _header(data)
    try:
        more = bool(getattr(picture, "is_animated", False))
    except Exception:
        # What follows a whole first frame is damaged. The picture is none the worse for it.
        picture, name = _header(data)
        more = False
    return _decoded(picture, name, data), more


def claimed_pixels(data: bytes) -> int:
    """Width times height, from the header alone. Raises RefusedInput as `open_picture` does."""
    width, height = _header(data)[0].size
    return width * height


def describe(data: bytes) -> Facts:
    """Everything that an import wants to know of a picture, from one decode. Raises RefusedInput
    as `open_picture` does."""
    picture, name = _header(data)
    width, height = picture.size
    large = width * height > _LARGE_PIXELS
    with one_large if large else nullcontext():
        return facts_of(_decoded(picture, name, data), name.lower())


def facts_of(picture: Image.Image, name: str) -> Facts:
    """The same for a picture that is decoded and upright already; `name` is its format."""
    try:
        return _measured(picture, name)
    except RefusedInput:
        raise
    except Exception as error:
        raise _refusal(name, error) from error


def encode_png(array: NDArray[np.uint8]) -> bytes:
    """A PNG of an array of uint8 shaped (height, width), or (height, width, channels) with 1, 3
    or 4 channels. Raises RefusedInput for any other shape or dtype."""
    return _png(picture_from(array))


def picture_from(array: NDArray[np.uint8]) -> Image.Image:
    """The array as a picture; see `encode_png` for what it may be. Raises RefusedInput."""
    flat = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    fits = flat.ndim == 2 or (flat.ndim == 3 and flat.shape[2] in (3, 4))
    if array.dtype != "uint8" or not fits or 0 in array.shape:
        raise RefusedInput(
            f"an array of {array.dtype} shaped {array.shape} is not a picture",
            hint="Give uint8, shaped (height, width) or (height, width, 1, 3 or 4).",
        )
    _check_size(flat.shape[1], flat.shape[0])
    return Image.fromarray(flat)


def encode_pixels(height: int, width: int, channels: int, pixels: bytes) -> bytes:
    """A PNG of raw uint8 values, row by row, channels last. Raises RefusedInput as `encode_png`."""
    return _png(picture_of(height, width, channels, pixels))


def picture_of(height: int, width: int, channels: int, pixels: bytes) -> Image.Image:
    """The values as a picture. Raises RefusedInput unless there are 1, 3 or 4 channels and just
    so many values."""
    _check_size(width, height)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}.get(channels)
    if mode is None or len(pixels) != height * width * channels:
        raise RefusedInput(
            f"{len(pixels):,} values are no picture of {width} x {height} x {channels}"
        )
    return Image.frombytes(mode, (width, height), pixels)


def _png(picture: Image.Image) -> bytes:
    width, height = picture.size
    if picture.mode == "L" and width * height <= _TINY_PIXELS:
        return _tiny_png(picture.tobytes(), width, height)
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _tiny_png(pixels: bytes, width: int, height: int) -> bytes:
    # Pillow tries five filters for every row. Digits and the like do best with none, and writing
    # the four parts of the file here takes a sixth of the time.
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body + b"\0\0\0\0" + _PNG_END


def _header(data: bytes) -> tuple[ImageFile.ImageFile, str]:
    if not data:
        raise RefusedInput("the file is empty")
    if len(data) > MAX_BYTES:
        raise RefusedInput(
            f"the file has {len(data):,} bytes; the limit is {MAX_BYTES:,}",
            hint="Save the picture smaller.",
        )
    name = format_of(data)
    if name is None:
        raise RefusedInput("not a picture", hint=f"A picture is a {_PICTURES} file.")
    if name == "WEBP":
        # Pillow's reader takes memory for the whole canvas before it tells the size.
        _check_size(*_webp_size(data))
    try:
        picture = Image.open(BytesIO(data), formats=(name,))
    except Exception as error:
        raise _refusal(name, error) from error
    _check_size(*picture.size)
    return picture, name


def format_of(data: bytes) -> str | None:
    """Which of the FORMATS the first bytes announce, if any."""
    for name, starts in _STARTS:
        if data.startswith(starts):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace():
        return "PPM"
    return None


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(data) >= 30:
        sides = int.from_bytes(data[26:28], "little"), int.from_bytes(data[28:30], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    raise RefusedInput("the WEBP is damaged or cut short")


def _check_size(width: int, height: int) -> None:
    pixels = width * height
    if pixels > MAX_PIXELS:
        raise RefusedInput(
            f"it claims {width} x {height} = {pixels:,} pixels; the limit is {MAX_PIXELS:,}",
            hint="Save the picture smaller.",
        )
    if width < 1 or height < 1:
        raise RefusedInput(f"it claims {width} x {height} pixels")


def _decoded(picture: ImageFile.ImageFile, name: str, data: bytes) -> Image.Image:
    if not _ends(name, data):
        raise RefusedInput(f"the {name} is cut short: its end is missing")
    try:
        picture.load()
        _check_size(*picture.size)
        return _upright(picture)
    except RefusedInput:
        raise
    except Exception as error:
        raise _refusal(name, error) from error


def _ends(name: str, data: bytes) -> bool:
    # Pillow is content when all pixels are there; a file that lacks its end mark was still cut.
    return name != "PNG" or data.endswith(_PNG_END) or _PNG_END in data


def _upright(picture: Image.Image) -> Image.Image:
    # Pillow turns a TIFF itself, when it loads it.
    if picture.format == "TIFF" or _EXIF_KEYS.isdisjoint(picture.info):
        return picture
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:
        return picture
    if turn is None:
        return picture
    turned = picture.transpose(turn)
    turned.format = picture.format
    return turned


def _refusal(name: str, error: Exception) -> RefusedInput:
    if isinstance(error, MemoryError):
        return RefusedInput(f"the {name} needs more memory than there is")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return RefusedInput(f"the {name} claims more than {MAX_PIXELS:,} pixels")
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    if "cannot identify image file" in reason:
        reason = "its header makes no sense"
    return RefusedInput(f"the {name} is damaged or cut short: {reason}")


def _measured(picture: Image.Image, name: str) -> Facts:
    width, height = picture.size
    small, thumbnail = picture, None
    if max(width, height) > THUMBNAIL_SIDE:
        small = _shrunk(picture)
    if width * height >= THUMBNAIL_FROM:
        thumbnail = _jpeg(small)
    return Facts(
        width=width,
        height=height,
        channels=channels_of(picture),
        format=name,
        pixel_hash=_pixel_hash(picture),
        dhash=_dhash(to_mode(small, 1)),
        thumbnail=thumbnail,
    )


def _pixel_hash(picture: Image.Image) -> bytes:
    digest = sha256()
    for top, band in bands(picture, 1):
        same = exact(band)
        if top == 0:
            digest.update(b"%s %d %d\n" % (same.mode.encode(), *picture.size))
        digest.update(same.tobytes())
    return digest.digest()[:16]


def _shrunk(picture: Image.Image) -> Image.Image:
    """At most 128 px on the longer side, as 'L' or 'RGB': a mean first, which is quick, then a
    filter for the last step."""
    width, height = picture.size
    factor = max(width, height) // THUMBNAIL_SIDE
    mode = "L" if channels_of(picture) < 3 else "RGB"
    span = span_of(picture)
    reduced = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top, band in bands(picture, factor):
        reduced.paste(flat(band, span).convert(mode).reduce(factor), (0, top // factor))
    scale = THUMBNAIL_SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return reduced.resize(size, Image.Resampling.BILINEAR)


def _jpeg(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY, optimize=True)
    return buffer.getvalue()


def _dhash(grey: Image.Image) -> int:
    cells = grey.resize((9, 8), Image.Resampling.BOX).tobytes()
    bits = bytearray(map(gt, cells, cells[1:] + b"\0"))
    del bits[8::9]
    value = int(bits.translate(_BITS), 2)
    return value - (1 << 64) if value >> 63 else value


__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "Facts",
    "claimed_pixels",
    "describe",
    "encode_pixels",
    "encode_png",
    "facts_of",
    "format_of",
    "open_first",
    "open_picture",
    "picture_from",
    "picture_of",
    "to_mode",
]
