"""From bytes to the array that a model takes: what is kept, what is refused, and in which order."""

from __future__ import annotations

import io
import math
import random
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml import pixels
from ml.pixels import InputSpec, Resize, decode_many, decode_stream, fit, infer_input, to_array
from ml.plain_png import decode_plain
from storage.errors import DatasetError, NotReady, RefusedInput, StorageFull
from storage.pictures import encode_png, open_picture
from storage.records import Example

GREY8 = InputSpec(8, 8, 1)


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def example(width: int, height: int, channels: int = 3) -> Example:
    return Example(1, b"", b"", None, None, width, height, channels)


def file_of(array: NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(array: NDArray[np.uint8], kinds: list[int], *, parts: int = 1) -> bytes:
    """A PNG whose row y is filtered as kinds[y] says, by the formulas of the specification."""
    height, width, channels = array.shape
    rows = b""
    for y, kind in enumerate(kinds):
        rows += bytes([kind])
        for x in range(width):
            for c in range(channels):
                left = int(array[y, x - 1, c]) if x else 0
                up = int(array[y - 1, x, c]) if y else 0
                corner = int(array[y - 1, x - 1, c]) if x and y else 0
                guess = left + up - corner
                gaps = [abs(guess - left), abs(guess - up), abs(guess - corner)]
                paeth = (left, up, corner)[gaps.index(min(gaps))]
                expected = (0, left, up, (left + up) // 2, paeth)[kind]
                rows += bytes([(int(array[y, x, c]) - expected) % 256])
    stream = zlib.compress(rows)
    step = math.ceil(len(stream) / parts)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    body = b"".join(chunk(b"IDAT", stream[at : at + step]) for at in range(0, len(stream), step))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


# InputSpec


def test_a_spec_survives_its_own_json() -> None:
    spec = InputSpec(28, 32, 3, "crop")
    assert InputSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    "values",
    [(0, 8, 1), (8, 1025, 1), (8, 8, 2), (8, 8, 1, "zoom"), (8.0, 8, 1), (True, 8, 1), (8, 8, [])],
)
def test_a_spec_that_makes_no_sense_is_refused(values: tuple[object, ...]) -> None:
    with pytest.raises(RefusedInput, match="the input's"):
        InputSpec(*values)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"height": 8, "width": 8, "channels": 1},
        {"height": 8, "width": 8, "channels": 1, "resize": "letterbox", "more": 1},
        {"height": 8, "width": "8", "channels": 1, "resize": "letterbox"},
        {"height": 8, "width": 8, "channels": 1, "resize": ["letterbox"]},
    ],
)
def test_a_stored_spec_that_makes_no_sense_is_a_damaged_dataset(value: object) -> None:
    with pytest.raises(DatasetError):
        InputSpec.from_json(value)


def test_a_spec_names_itself_width_first() -> None:
    assert str(InputSpec(28, 32, 1)) == "32x28 grey, letterbox"


# infer_input


def test_images_of_one_small_size_keep_it() -> None:
    assert infer_input([example(28, 30, 1)] * 3) == InputSpec(30, 28, 1)


def test_images_of_one_large_size_keep_its_proportions() -> None:
    assert infer_input([example(640, 480)] * 3) == InputSpec(96, 128, 3)


def test_a_thin_strip_keeps_enough_of_its_shorter_side() -> None:
    assert infer_input([example(4000, 40)]) == InputSpec(32, 128, 3)


def test_mixed_images_get_a_square_of_the_median_longer_side() -> None:
    mixed = [example(30, 20), example(20, 36), example(40, 10)]
    assert infer_input(mixed) == InputSpec(40, 40, 3)


def test_mixed_large_images_are_scaled_down() -> None:
    assert infer_input([example(500, 375), example(300, 400)]) == InputSpec(128, 128, 3)


def test_one_image_in_colour_makes_the_input_colour() -> None:
    assert infer_input([example(8, 8, 1), example(8, 8, 2)]).channels == 1
    assert infer_input([example(8, 8, 1), example(8, 8, 3)]).channels == 3


def test_a_size_asked_for_is_taken() -> None:
    assert infer_input([example(500, 375)], 64) == InputSpec(64, 64, 3)


def test_no_images_give_no_input() -> None:
    with pytest.raises(NotReady, match="no images"):
        infer_input([])


# to_array


def test_an_image_that_fits_is_kept_to_the_pixel() -> None:
    array = noise(8, 8)
    assert (to_array(file_of(array), GREY8)[:, :, 0] == array).all()


def test_colour_becomes_grey_and_grey_becomes_colour_as_asked() -> None:
    assert to_array(file_of(noise(8, 8, 3)), GREY8).shape == (8, 8, 1)
    array = noise(8, 8)
    coloured = to_array(file_of(array), InputSpec(8, 8, 3))
    assert (coloured == array[:, :, None]).all()


def test_letterbox_keeps_the_whole_picture_between_bars_of_its_border() -> None:
    wide = np.full((4, 8), 255, np.uint8)
    wide[1:3, 2:6] = 0
    fitted = to_array(file_of(wide), GREY8)[:, :, 0]
    assert (fitted[:2] == 255).all()
    assert (fitted[-2:] == 255).all()
    assert (fitted[2:6] == wide).all()


def test_letterbox_bars_of_a_dark_picture_are_dark() -> None:
    dark = np.full((4, 8, 3), (10, 0, 40), np.uint8)
    assert (to_array(file_of(dark), InputSpec(8, 8, 3)) == (10, 0, 40)).all()


def test_stretch_fills_the_input_from_edge_to_edge() -> None:
    halves = np.zeros((4, 8), np.uint8)
    halves[:, 4:] = 200
    fitted = to_array(file_of(halves), InputSpec(16, 8, 1, "stretch"))[:, :, 0]
    assert (fitted[:, :3] == 0).all()
    assert (fitted[:, 5:] == 200).all()


def test_crop_keeps_the_middle_at_the_same_scale() -> None:
    array = noise(8, 16)
    fitted = to_array(file_of(array), InputSpec(8, 8, 1, "crop"))[:, :, 0]
    assert (fitted == array[:, 4:12]).all()


def test_enlarging_a_hard_edge_does_not_ring() -> None:
    edge = np.full((8, 8), 50, np.uint8)
    edge[:, 4:] = 200
    fitted = to_array(file_of(edge), InputSpec(40, 40, 1))
    assert fitted.min() == 50
    assert fitted.max() == 200


def test_a_thin_line_survives_scaling_down() -> None:
    array = np.zeros((280, 280), np.uint8)
    array[:, 101] = 255
    fitted = to_array(file_of(array), InputSpec(28, 28, 1))[:, :, 0]
    assert (fitted[:, 9:12].sum(axis=1) > 15).all()


@pytest.mark.parametrize("resize", ["letterbox", "stretch", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 7), (49, 83), (64, 64)])
def test_any_proportions_come_out_in_the_size_asked_for(
    size: tuple[int, int], resize: pixels.Resize
) -> None:
    array = to_array(file_of(noise(*size)), InputSpec(10, 20, 3, resize))
    assert array.shape == (10, 20, 3)
    assert array.dtype == np.uint8


def test_a_truncated_png_is_refused_with_its_reason() -> None:
    with pytest.raises(RefusedInput, match="cut short"):
        to_array(file_of(noise(8, 8))[:-20], GREY8)


@pytest.mark.parametrize("resize", ["letterbox", "stretch", "crop"])
def test_a_large_jpeg_is_decoded_nearly_as_if_it_were_decoded_whole(resize: Resize) -> None:
    # Structure of some 30 px, as photos have, and a little noise.
    soft = Image.fromarray(noise(20, 26, 3)).resize((832, 640), Image.Resampling.BICUBIC)
    grain = noise(640, 832, 3, seed=1).astype(int) % 16
    array = np.clip(np.asarray(soft) + grain, 0, 255).astype(np.uint8)
    data, spec = file_of(array, "JPEG", quality=90), InputSpec(64, 64, 3, resize)
    whole = np.asarray(fit(open_picture(data), spec)).astype(int)
    gaps = np.abs(to_array(data, spec) - whole)
    assert 0 < gaps.mean() < 1
    assert gaps.max() <= 8


# Plain PNGs


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("channels", [1, 3])
def test_each_filter_of_png_is_undone(kind: int, channels: int) -> None:
    images = [noise(6, 5, channels, seed=seed) for seed in range(3)]
    out = np.zeros((3, 6, 5, channels), np.uint8)
    assert decode_plain([png_of(image, [kind] * 6) for image in images], out) == []
    assert (out == images).all()


def test_filters_that_differ_from_row_to_row_and_image_to_image_are_undone() -> None:
    dice = random.Random(0)
    images = [noise(9, 7, 3, seed=seed) for seed in range(20)]
    files = [png_of(image, [dice.randrange(5) for _ in range(9)], parts=2) for image in images]
    out = np.zeros((20, 9, 7, 3), np.uint8)
    assert decode_plain(files, out) == []
    assert (out == images).all()


def test_what_pillow_writes_is_decoded_alike() -> None:
    ramp = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8) * 8
    images = [ramp, ramp.T.copy(), noise(16, 16), np.zeros((16, 16), np.uint8)]
    out = np.zeros((4, 16, 16, 1), np.uint8)
    assert decode_plain([encode_png(image) for image in images], out) == []
    assert (out[..., 0] == images).all()


def test_chunks_that_say_nothing_of_the_pixels_are_passed_over() -> None:
    array = noise(8, 8)
    plain = file_of(array)
    sized = plain[:33] + chunk(b"pHYs", bytes(9)) + chunk(b"gAMA", bytes(4)) + plain[33:]
    out = np.zeros((1, 8, 8, 1), np.uint8)
    assert decode_plain([sized], out) == []
    assert (out[0, :, :, 0] == array).all()


def test_chunks_that_may_change_the_picture_are_left_to_pillow() -> None:
    plain = file_of(noise(8, 8))
    out = np.zeros((1, 8, 8, 1), np.uint8)
    for name, data in ((b"tRNS", bytes(2)), (b"eXIf", b"II*\0"), (b"tEXt", b"a\0b")):
        assert decode_plain([plain[:33] + chunk(name, data) + plain[33:]], out) == [0]


def test_only_plain_pngs_of_the_exact_size_are_decoded_here() -> None:
    array = noise(8, 8)
    plain = file_of(array)
    palette = io.BytesIO()
    Image.fromarray(array).convert("P").save(palette, "PNG")
    damaged = bytearray(plain)
    damaged[45] ^= 1
    bomb = chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9))
    others = [
        b"",
        b"not a picture",
        plain[:20],
        plain[:-1],
        plain + b"more",
        bytes(damaged),
        file_of(noise(8, 9)),
        file_of(noise(8, 8, 3)),
        file_of(array, "BMP"),
        palette.getvalue(),
        png_of(array[:, :, None], [0] * 8).replace(b"IEND", b"tEXt"),
        _with_filter(array, 7),
        plain[:33] + bomb + chunk(b"IEND", b""),
        plain[:33] + chunk(b"IEND", b""),
    ]
    out = np.full((len(others) + 2, 8, 8, 1), 77, np.uint8)
    left = decode_plain([plain, *others, plain], out)
    assert left == list(range(1, len(others) + 1))
    assert (out[0, :, :, 0] == array).all()
    assert (out[-1, :, :, 0] == array).all()
    assert (out[1:-1] == 77).all()


def _with_filter(array: NDArray[np.uint8], kind: int) -> bytes:
    rows = b"".join(bytes([kind]) + row.tobytes() for row in array)
    header = file_of(array)[:33]
    return header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# decode_many


def test_arrays_come_in_the_order_of_the_items() -> None:
    arrays = [noise(8, 8, seed=seed) for seed in range(50)]
    kinds = ["PNG", "BMP", "TIFF"]
    items = [(9 - at, file_of(array, kinds[at % 3])) for at, array in enumerate(arrays)]
    out = decode_many(iter(items), 50, GREY8, threads=3)
    assert (out[..., 0] == arrays).all()


def test_large_files_are_decoded_by_threads_in_order() -> None:
    arrays = [noise(100, 100, seed=seed) for seed in range(40)]
    items = [(at, file_of(array, "BMP")) for at, array in enumerate(arrays)]
    out = decode_many(items, 40, InputSpec(100, 100, 1), threads=4)
    assert (out[..., 0] == arrays).all()


def test_progress_is_told_up_to_the_last_image() -> None:
    told: list[tuple[int, int]] = []
    items = [(at, file_of(noise(8, 8))) for at in range(10)]
    decode_many(items, 10, GREY8, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)


@pytest.mark.parametrize("threads", [1, 4])
def test_an_image_that_cannot_be_decoded_is_named(threads: int) -> None:
    bad = file_of(noise(100, 100), "BMP")[:5000]
    good = file_of(noise(100, 100), "BMP")
    items = [(1, good), (17, bad), (18, good)]
    with pytest.raises(RefusedInput, match="image 17"):
        decode_many(items, 3, InputSpec(100, 100, 1), threads=threads)


@pytest.mark.parametrize("count", [2, 4])
def test_another_number_of_images_than_announced_is_refused(count: int) -> None:
    items = [(at, file_of(noise(8, 8))) for at in range(3)]
    with pytest.raises(NotReady, match=f"{count} images were expected"):
        decode_many(items, count, GREY8)


def test_no_images_give_an_empty_array() -> None:
    assert decode_many([], 0, GREY8).shape == (0, 8, 8, 1)


def test_an_array_past_the_cap_lies_in_a_file_and_holds_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pixels, "IN_MEMORY", 100)
    arrays = [noise(8, 8, seed=seed) for seed in range(5)]
    out = decode_many([(at, file_of(array)) for at, array in enumerate(arrays)], 5, GREY8)
    assert isinstance(out, np.memmap)
    assert (out[..., 0] == arrays).all()


def test_a_full_disk_is_said_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pixels, "IN_MEMORY", 100)
    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    with pytest.raises(StorageFull, match="No space left"):
        decode_many([], 5, GREY8)


def test_a_stream_reads_no_more_than_two_chunks_ahead() -> None:
    read: list[int] = []

    def items() -> Iterator[tuple[int, bytes]]:
        for at in range(100):
            read.append(at)
            yield at, file_of(noise(8, 8))

    stream = decode_stream(items(), GREY8, chunk=10)
    ids, _ = next(stream)
    assert ids == list(range(10))
    assert len(read) <= 20
    stream.close()


def test_files_that_are_large_come_in_smaller_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_CHUNK_BYTES", 10_000)
    items = [(at, file_of(noise(64, 64), "BMP")) for at in range(10)]
    sizes = [len(ids) for ids, _ in decode_stream(items, GREY8)]
    assert sum(sizes) == 10
    assert max(sizes) == 2


def test_the_border_tells_the_colour_channel_by_channel() -> None:
    picture = np.zeros((6, 6, 3), np.uint8)
    picture[0], picture[-1], picture[:, 0], picture[:, -1] = ((10, 20, 30),) * 4
    assert pixels.border_median(picture).tolist() == [10, 20, 30]
    assert pixels.border_median(picture[:, :, 1]).tolist() == 20
