"""What a picture's mode means: conversions to 8-bit grey and colour, and the exact form that two
files of one picture share. Large pictures are worked on in bands, so that copies stay small.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from PIL import Image

from storage.errors import RefusedInput

_BAND_PIXELS = 1_000_000
_GREY = frozenset({"1", "L", "I", "F", "LA", "La"})
_WIDE = frozenset({"I", "F"})
_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


def to_mode(picture: Image.Image, channels: Literal[1, 3]) -> Image.Image:
    """The picture as 8-bit grey ('L', for 1 channel) or 8-bit colour ('RGB', for 3).

    - 1-bit becomes 0 and 255; palettes become their colours; CMYK, YCbCr, LAB and HSV become RGB.
    - Alpha, and a transparent colour, is laid over white.
    - 16-bit grey is divided by 257, so 0-65535 becomes 0-255 and nothing is clipped. 32-bit
      integers within 0-65535 are taken as 16-bit; others are stretched from their least to their
      greatest value. Floats within 0-1 are multiplied by 255, within 0-255 kept, others stretched.
    - Colour becomes grey by ITU-R 601-2 luma.

    A picture already so is returned itself. Raises RefusedInput for a mode without a conversion.
    """
    wanted = "L" if channels == 1 else "RGB"
    if picture.mode == wanted and "transparency" not in picture.info:
        return picture
    try:
        return flat(picture).convert(wanted)
    except ValueError as error:
        raise RefusedInput(f"the colour mode {picture.mode} cannot be shown as {wanted}") from error


def flat(picture: Image.Image, span: tuple[float, float] | None = None) -> Image.Image:
    """Without alpha, palette or wide values: 'L' or '1' for a grey picture, else 'RGB' or a mode
    that Pillow converts to it. `span` is that of the whole picture, for one of its bands."""
    if picture.mode in _WIDE or picture.mode.startswith("I;16"):
        return _narrowed(picture, span or span_of(picture) or (0.0, 1.0))
    if _sees_through(picture):
        clear = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
        white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        white.alpha_composite(clear)
        return white.convert("L" if picture.mode in _GREY else "RGB")
    return picture if picture.mode in _GREY else picture.convert("RGB")


def _sees_through(picture: Image.Image) -> bool:
    return "transparency" in picture.info or picture.mode in _ALPHA


def span_of(picture: Image.Image) -> tuple[float, float] | None:
    """The values of a wide picture that are to become 0 and 255; None for a picture of bytes."""
    if picture.mode.startswith("I;16"):
        return 0.0, 65535.0
    if picture.mode not in _WIDE:
        return None
    import numpy as np

    low, high = float("inf"), float("-inf")
    for _, band in bands(picture, 1):
        values = np.asarray(band)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        return 0.0, 1.0
    if picture.mode == "I":
        return (0.0, 65535.0) if low >= 0 and high <= 65535 else (low, high)
    if low >= 0 and high <= 255:
        return 0.0, 1.0 if high <= 1 else 255.0
    return low, high


def _narrowed(picture: Image.Image, span: tuple[float, float]) -> Image.Image:
    import numpy as np

    low, high = span
    narrow = Image.new("L", picture.size)
    for top, band in bands(picture, 1):
        values = np.nan_to_num(np.asarray(band, np.float64), nan=low, posinf=high, neginf=low)
        scaled = np.rint((values - low) * (255.0 / ((high - low) or 1.0)))
        narrow.paste(Image.fromarray(scaled.astype(np.uint8)), (0, top))
    return narrow


def bands(picture: Image.Image, multiple: int) -> Iterator[tuple[int, Image.Image]]:
    """The picture in bands of about a million pixels, each with its top row: bounds the copies
    made of a large one. Every band but the last has a multiple of `multiple` rows."""
    width, height = picture.size
    rows = max(1, _BAND_PIXELS // (width * multiple)) * multiple
    if rows >= height:
        yield 0, picture
        return
    for top in range(0, height, rows):
        yield top, picture.crop((0, top, width, min(height, top + rows)))


def exact(picture: Image.Image) -> Image.Image:
    """The same picture in a mode that means the same whatever the file: no palette, 1-bit as 8,
    a transparent colour as alpha. Nothing is lost."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return picture.convert("I")
    if "transparency" in picture.info and mode in ("1", "L", "P", "RGB"):
        return picture.convert("LA" if mode == "L" else "RGBA")
    if mode == "1":
        return picture.convert("L")
    if mode in ("P", "PA"):
        return picture.convert("RGB" if mode == "P" else "RGBA")
    return picture


def channels_of(picture: Image.Image) -> int:
    """1 for grey, 2 for grey and alpha, 3 for colour, 4 for colour and alpha or CMYK."""
    mode = picture.mode
    if mode in _GREY or mode.startswith("I;16"):
        return 2 if _sees_through(picture) and mode in ("L", "LA", "La") else 1
    return 4 if mode in ("CMYK", "RGBX") or _sees_through(picture) else 3
