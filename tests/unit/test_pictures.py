"""Pictures from bytes: what is read, what is refused, and what is measured."""

from __future__ import annotations

import struct
import threading
import zlib
from io import BytesIO
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from storage.errors import RefusedInput
from storage.pictures import MAX_BYTES, Facts, describe, encode_png, open_picture, to_mode

# Pytest sets filters of its own in place of those that the module sets.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning"),
]


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int = 31, height: int = 17, mode: str = "RGB", seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def claimed_png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000, 9)
    end = chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + end


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_each_format_is_read_and_named(kind: str) -> None:
    facts = describe(encoded(noise(), kind))
    assert (facts.width, facts.height, facts.channels) == (31, 17, 3)
    assert facts.format == kind.lower()


@pytest.mark.parametrize("kind", ["ICO", "PCX", "TGA"])
def test_a_format_outside_the_list_is_refused(kind: str) -> None:
    with pytest.raises(RefusedInput, match="not a picture"):
        describe(encoded(noise(), kind))


def test_an_empty_file_is_refused_as_empty() -> None:
    with pytest.raises(RefusedInput, match="empty"):
        describe(b"")


def test_text_is_refused_as_not_a_picture() -> None:
    with pytest.raises(RefusedInput, match="not a picture"):
        describe(b"P is for picture, or so they say")


def test_a_png_that_claims_81_million_pixels_is_refused_by_its_header() -> None:
    with pytest.raises(RefusedInput, match="81,000,000 pixels; the limit is 50,000,000"):
        describe(claimed_png(9000, 9000))


def test_a_webp_that_claims_too_many_pixels_is_refused_before_pillow_sees_it() -> None:
    extended = b"VP8X" + struct.pack("<I", 10) + b"\0" * 4 + b"\xff\xff\x00" + b"\xff\xff\x00"
    data = b"RIFF" + struct.pack("<I", len(extended) + 4) + b"WEBP" + extended
    with pytest.raises(RefusedInput, match="65536 x 65536"):
        describe(data)


def test_more_bytes_than_the_cap_are_refused_unread() -> None:
    with pytest.raises(RefusedInput, match="the limit is 104,857,600"):
        describe(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_truncation_is_refused(kind: str) -> None:
    data = encoded(noise(), kind)
    for length in range(len(data)):
        with pytest.raises(RefusedInput):
            describe(data[:length])


@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_every_truncation_is_refused_or_has_every_pixel(kind: str) -> None:
    data = encoded(noise(), kind)
    whole = describe(data)
    for length in range(len(data)):
        try:
            cut = describe(data[:length])
        except RefusedInput:
            continue
        assert cut == whole


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_flipped_bytes_give_facts_or_a_refusal_and_nothing_else(kind: str) -> None:
    dice = np.random.default_rng(7)
    data = encoded(noise(), kind)
    for _ in range(150):
        damaged = bytearray(data)
        for place in dice.integers(len(data), size=dice.integers(1, 9)):
            damaged[place] = dice.integers(256)
        try:
            said = str(describe(bytes(damaged)).width)
        except RefusedInput as error:
            said = error.message
        assert len(said) < 300
        assert "\n" not in said


def test_a_photo_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(noise(40, 20), "JPEG", exif=exif)
    assert open_picture(data).size == (20, 40)
    assert (describe(data).width, describe(data).height) == (20, 40)


def test_a_tiff_on_its_side_is_turned_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert describe(encoded(noise(40, 20), "TIFF", exif=exif)).width == 20


def test_a_large_jpeg_may_come_smaller_but_never_below_what_is_asked() -> None:
    data = encoded(noise(801, 402), "JPEG")
    sizes = [open_picture(data, at_least=side).size for side in (403, 202, 201, 100, 99, 50)]
    assert sizes == [(801, 402), (801, 402), (401, 201), (201, 101), (201, 101), (101, 51)]


def test_a_smaller_jpeg_is_turned_upright_too() -> None:
    side = Image.new("RGB", (320, 160))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(side, "JPEG", exif=exif)
    assert open_picture(data, at_least=80).size == (80, 160)


def test_only_jpegs_come_smaller() -> None:
    assert open_picture(encoded(noise(64, 64)), at_least=8).size == (64, 64)


def test_a_jpeg_that_is_cut_short_is_refused_at_any_size() -> None:
    data = encoded(noise(640, 640), "JPEG")
    for at_least in (None, 80):
        with pytest.raises(RefusedInput, match="cut short"):
            open_picture(data[: len(data) * 9 // 10], at_least=at_least)


def test_exif_that_makes_no_sense_leaves_the_picture_as_it_lies() -> None:
    data = encoded(noise(40, 20), "JPEG", exif=b"Exif\0\0nonsense")
    assert open_picture(data).size == (40, 20)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("L", (9, 9), shade) for shade in (10, 200)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert to_mode(open_picture(data), 1).getpixel((0, 0)) == 10


def test_one_bit_becomes_black_and_white() -> None:
    picture = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    assert to_mode(picture, 1).tobytes() == b"\x00\xff"


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    picture = Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16))
    assert list(to_mode(open_picture(encoded(picture)), 1).tobytes()) == [0, 1, 128, 255]


def test_wide_integers_are_stretched_to_what_can_be_shown() -> None:
    picture = Image.fromarray(np.array([[-1000, 0, 1000]], np.int32))
    assert list(to_mode(picture, 1).tobytes()) == [0, 128, 255]


@pytest.mark.parametrize(
    ("values", "shown"),
    [([0.0, 0.5, 1.0], [0, 128, 255]), ([0, 7.0, 255.0], [0, 7, 255]), ([-1, 0, 1], [0, 128, 255])],
)
def test_floats_are_shown_over_their_range(values: list[float], shown: list[int]) -> None:
    picture = Image.fromarray(np.array([values], np.float32))
    assert list(to_mode(picture, 1).tobytes()) == shown


def test_floats_without_a_value_are_black() -> None:
    picture = Image.fromarray(np.array([[np.nan, 1.0]], np.float32))
    assert list(to_mode(picture, 1).tobytes()) == [0, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_alpha_is_laid_over_white(mode: str) -> None:
    clear = Image.new("RGBA", (1, 1), (0, 0, 0, 0)).convert(mode)
    assert to_mode(clear, 3).getpixel((0, 0)) == (255, 255, 255)
    assert to_mode(clear, 1).getpixel((0, 0)) == 255


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_a_transparent_colour_is_white(mode: str) -> None:
    black = Image.new("RGB", (4, 4)).convert(mode)
    data = encoded(black, transparency=(0, 0, 0) if mode == "RGB" else 0)
    assert to_mode(open_picture(data), 3).getpixel((0, 0)) == (255, 255, 255)


def test_cmyk_becomes_colour() -> None:
    data = encoded(Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "TIFF")
    assert describe(data).channels == 4
    assert to_mode(open_picture(data), 3).getpixel((0, 0)) == (255, 0, 0)


def test_a_palette_becomes_its_colours() -> None:
    picture = Image.new("RGB", (3, 3), (10, 200, 30)).quantize(4)
    assert to_mode(picture, 3).getpixel((1, 1)) == (10, 200, 30)


def test_lab_becomes_colour() -> None:
    data = encoded(Image.new("LAB", (3, 3), (255, 128, 128)), "TIFF")
    assert describe(data).channels == 3
    assert to_mode(open_picture(data), 1).tobytes()[0] > 250


@pytest.mark.parametrize(
    "mode",
    [
        "1",
        "L",
        "P",
        "RGB",
        "RGBA",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
        "I",
        "F",
        "LA",
        "PA",
        "RGBX",
        "RGBa",
        "La",
        "I;16",
        "I;16L",
        "I;16B",
    ],
)
@pytest.mark.parametrize(("channels", "wanted"), [(1, "L"), (3, "RGB")])
def test_every_mode_of_pillow_can_be_shown(mode: str, channels: Literal[1, 3], wanted: str) -> None:
    assert to_mode(Image.new(mode, (3, 2)), channels).mode == wanted


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 2), ("RGB", 3), ("P", 3), ("RGBA", 4)]
)
def test_channels_are_those_of_the_file(mode: str, channels: int) -> None:
    picture = noise().convert("RGBA" if mode == "LA" else mode).convert(mode)
    assert describe(encoded(picture)).channels == channels


def test_one_picture_in_two_files_has_one_pixel_hash() -> None:
    picture = noise()
    hashes = {
        describe(encoded(picture)).pixel_hash,
        describe(encoded(picture, compress_level=0)).pixel_hash,
        describe(encoded(picture, "BMP")).pixel_hash,
    }
    assert len(hashes) == 1
    assert len(hashes.pop()) == 16


def test_palettes_are_part_of_the_pixel_hash() -> None:
    first = Image.new("P", (4, 4))
    first.putpalette([1, 2, 3] * 256)
    second = Image.new("P", (4, 4))
    second.putpalette([3, 2, 1] * 256)
    assert describe(encoded(first)).pixel_hash != describe(encoded(second)).pixel_hash


def test_the_same_bytes_of_another_shape_have_another_pixel_hash() -> None:
    flat = describe(encoded(Image.new("L", (8, 2)))).pixel_hash
    assert flat != describe(encoded(Image.new("L", (2, 8)))).pixel_hash


def test_the_difference_hash_is_signed_and_moves_little_with_brightness() -> None:
    picture = Image.linear_gradient("L").rotate(90).resize((64, 64))
    hashes = [describe(encoded(picture.point(lambda v, k=k: int(v * k)))).dhash for k in (1, 0.8)]
    assert all(-(2**63) <= value < 2**63 for value in hashes)
    assert (hashes[0] ^ hashes[1]).bit_count() <= 4


def test_a_picture_that_falls_from_left_to_right_sets_every_bit() -> None:
    row = np.linspace(255, 0, 90, dtype=np.uint8)
    assert describe(encoded(Image.fromarray(np.tile(row, (80, 1))))).dhash == -1


@pytest.mark.parametrize(
    ("size", "small"),
    [((1000, 1000), (128, 128)), ((1600, 1200), (128, 96)), ((50, 20_000), (1, 128))],
)
def test_a_picture_of_a_million_pixels_gets_a_thumbnail(
    size: tuple[int, int], small: tuple[int, int]
) -> None:
    thumbnail = describe(encoded(noise(*size))).thumbnail
    assert thumbnail is not None
    assert open_picture(thumbnail).size == small


def test_a_small_picture_gets_no_thumbnail() -> None:
    assert describe(encoded(noise(999, 1000))).thumbnail is None


def test_a_large_picture_is_measured_in_bands_as_one() -> None:
    tall = Image.linear_gradient("L").resize((1500, 2900))
    facts = describe(encoded(tall, "BMP"))
    assert facts.thumbnail is not None
    small = open_picture(facts.thumbnail)
    assert small.size == (66, 128)
    expected = tall.resize(small.size, Image.Resampling.BOX)
    difference = np.asarray(small, np.int16) - np.asarray(expected, np.int16)
    assert np.abs(difference).max() <= 8


@pytest.mark.parametrize("mode", ["RGBA", "P", "I;16", "F", "LA"])
def test_a_thumbnail_is_made_of_every_mode(mode: str) -> None:
    kind = "TIFF" if mode == "F" else "PNG"
    picture = noise(1200, 900, "L").convert("I" if mode == "I;16" else mode)
    thumbnail = describe(encoded(picture.convert(mode), kind)).thumbnail
    assert thumbnail is not None
    assert open_picture(thumbnail).mode == ("RGB" if mode in ("RGBA", "P") else "L")


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 3), (5, 4, 4)])
def test_an_array_comes_back_from_its_png(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    back = np.asarray(open_picture(encode_png(array)))
    assert np.array_equal(back.reshape(shape), array)


@pytest.mark.parametrize("shape", [(5,), (5, 4, 2), (5, 0), (1, 5, 4, 3)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(RefusedInput, match="is not a picture"):
        encode_png(np.zeros(shape, np.uint8))


def test_threads_measure_alike() -> None:
    files = [encoded(noise(200, 150, seed=seed), "JPEG") for seed in range(12)]
    expected = [describe(data) for data in files]
    found: list[list[Facts]] = []
    threads = [
        threading.Thread(target=lambda: found.append([describe(data) for data in files]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
