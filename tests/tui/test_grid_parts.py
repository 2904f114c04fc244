"""What a grid computes without a widget: places, selection, captions, thumbnails, what it holds."""

from __future__ import annotations

import io
from array import array
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from storage.pictures import encode_png
from storage.records import ImagePrediction, ImageRecord
from tui.frame.edits import label_edit
from tui.grid.caches import ByteCache
from tui.grid.captions import caption, marker
from tui.grid.contents import MOST_RECORDS, PICTURE_BYTES, Contents
from tui.grid.fitting import fit, fit_any, fit_plain, fitted_size
from tui.grid.layout import ZOOMS, Layout, fitting_zoom, next_zoom
from tui.grid.many import container_of
from tui.grid.paint import Box
from tui.grid.reader import Read, Wish
from tui.grid.selection import Selection
from tui.plain.text import width

RECORD = ImageRecord(
    id=1,
    sha256=b"",
    label="7",
    split="test",
    tags=(),
    width=8,
    height=8,
    channels=1,
    format="png",
    bytes=100,
    source="a.png",
    added_at=0,
)
WRONG = replace(RECORD, prediction=ImagePrediction(1, "9", 0.834, True))
RIGHT = replace(RECORD, prediction=ImagePrediction(1, "7", 0.834, False))
UNLABELLED = replace(RECORD, label=None, prediction=ImagePrediction(1, "9", 0.834, None))

sizes = st.tuples(st.integers(0, 300), st.integers(0, 100))


# layout


@given(sizes, st.sampled_from(ZOOMS), st.integers(0, 5_000))
def test_an_image_is_found_where_it_stands(size: tuple[int, int], zoom: int, position: int) -> None:
    places = Layout.of(*size, zoom)
    row, column = divmod(position, places.columns)
    x, y = column * places.pitch, row * places.row_height
    assert places.at(x, y, position + 1) == position
    assert places.at(x, y, position) is None
    assert x + 1 + places.wide <= max(2, size[0])


@given(sizes, st.sampled_from(ZOOMS), st.integers(0, 5_000), st.integers(0, 5_000))
def test_a_place_scrolled_to_is_seen(
    size: tuple[int, int], zoom: int, position: int, top: int
) -> None:
    places = Layout.of(*size, zoom)
    moved = places.scrolled_to(position, top)
    assert position in places.shown(moved, 6_000)
    assert places.scrolled_to(position, moved) == moved


@given(sizes, st.sampled_from(ZOOMS))
def test_a_row_fits_into_the_grid(size: tuple[int, int], zoom: int) -> None:
    places = Layout.of(*size, zoom)
    assert 1 <= places.row_height <= max(1, size[1])
    assert places.page_rows >= 1


def test_zooms_end_at_the_first_and_the_last() -> None:
    assert next_zoom(ZOOMS[0], -1) == ZOOMS[0]
    assert next_zoom(ZOOMS[-1], 1) == ZOOMS[-1]
    assert next_zoom(next_zoom(16, 1), -1) == 16


@pytest.mark.parametrize(
    ("pixels", "size", "zoom"),
    [
        (28, (79, 18), 16),
        (28, (200, 60), 16),
        (64, (120, 30), 16),
        (65, (79, 18), 24),
        (500, (79, 18), 24),
        (500, (90, 35), 28),
        (500, (120, 30), 32),
        (500, (120, 13), 24),
        (500, (40, 18), 16),
    ],
)
def test_the_first_zoom_suits_the_images_and_the_room(
    pixels: int, size: tuple[int, int], zoom: int
) -> None:
    assert fitting_zoom(pixels, *size) == zoom


# selection


def test_a_million_images_are_selected_and_inverted() -> None:
    selection = Selection(array("q", range(1_000_000)))
    selection.all()
    assert selection.count == 1_000_000
    assert selection.images() == array("q", range(1_000_000))
    selection.toggle(5)
    assert selection.images() == array("q", [*range(5), *range(6, 1_000_000)])
    selection.invert()
    assert selection.images() == (5,)


@given(st.lists(st.integers(0, 29), min_size=1, max_size=8), st.sets(st.integers(0, 29)))
def test_a_range_is_what_lies_between_beside_what_was_there(
    moves: list[int], before: set[int]
) -> None:
    selection = Selection(range(30))
    selection.set(before)
    selection.begin_range(10)
    for move in moves:
        selection.extend_to(move)
    first, last = sorted((10, moves[-1]))
    assert selection.images() == tuple(sorted(before | set(range(first, last + 1))))


def test_a_list_that_grows_within_a_range_keeps_it() -> None:
    selection = Selection(array("q", range(5)))
    selection.begin_range(3)
    selection.extend(array("q", range(10)))
    selection.extend_to(8)
    assert selection.images() == (3, 4, 5, 6, 7, 8)


def test_images_that_are_not_in_the_list_are_not_selected() -> None:
    selection = Selection((4, 5, 6))
    selection.set((6, 7, 4))
    assert selection.images() == (4, 6)
    assert (0 in selection, 1 in selection, 99 in selection) == (True, False, False)


def test_what_is_selected_of_the_images_to_come_is_known_beforehand() -> None:
    selection = Selection(array("q", (1, 2)), whole=False)
    selection.set((2, 4))
    assert selection.awaits
    selection.invert()
    selection.extend(array("q", range(1, 6)))
    assert selection.images() == (1, 3, 5)
    assert not selection.awaits


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)), st.booleans())
def test_a_selection_goes_over_to_another_list(
    chosen: set[int], others: set[int], whole: bool
) -> None:
    selection = Selection(array("q", range(8)))
    selection.set(chosen)
    other = selection.onto(array("q", sorted(others)), whole=whole, same=False)
    assert set(other.images()) == chosen & others - {8, 9}
    other.extend(array("q", [*sorted(others), *sorted(set(range(10)) - others)]))
    assert set(other.images()) == (chosen - {8, 9} if not whole else chosen & others - {8, 9})


def test_half_of_all_is_not_taken_to_another_query() -> None:
    selection = Selection(array("q", (1, 2)), whole=False)
    selection.all()
    assert selection.onto(array("q", (1, 2, 3)), whole=True, same=False).images() == ()
    assert selection.onto(array("q", (1, 2, 3)), whole=True, same=True).images() == (1, 2, 3)


# caches


def test_a_cache_forgets_the_longest_unused_first() -> None:
    cache: ByteCache[int, str] = ByteCache(100)
    cache.put(1, "one", 40)
    cache.put(2, "two", 40)
    cache.get(1)
    cache.put(3, "three", 40)
    assert list(cache) == [1, 3]
    assert cache.used == 80


def test_a_cache_counts_what_is_put_again_and_dropped() -> None:
    cache: ByteCache[int, str] = ByteCache(100)
    cache.put(1, "one", 40)
    cache.put(1, "uno", 60)
    cache.drop(1)
    cache.drop(1)
    cache.put(2, "larger than all", 101)
    assert (cache.used, len(cache), cache.get(1)) == (0, 0, None)


@pytest.mark.parametrize(("count", "step"), [(5, 3), (50_000, 3), (50_000, 1_000)])
def test_an_image_is_found_among_few_and_among_many(count: int, step: int) -> None:
    among = container_of(tuple(range(step * count, 0, -step)))
    assert step in among
    assert step * count in among
    assert step + 1 not in among
    assert 0 not in among
    assert step * count + step not in among
    assert "3" not in among


# captions


@pytest.mark.parametrize(
    ("record", "room", "text"),
    [
        (RECORD, 12, "7 te"),
        (RECORD, 30, "7 test"),
        (RIGHT, 12, "7 83% te"),
        (RIGHT, 6, "7 83%"),
        (RIGHT, 4, "7"),
        (WRONG, 12, "7≠9 83% te"),
        (WRONG, 7, "7≠9 83%"),
        (WRONG, 4, "7≠9"),
        (UNLABELLED, 12, "→9 83% te"),
        (replace(RECORD, label=None), 12, "- te"),
        (replace(RECORD, tags=("odd",)), 12, "7 • te"),
        (replace(RECORD, split=None), 12, "7"),
        (replace(RECORD, label="golden retriever"), 8, "golden …"),
        (replace(RECORD, label="a\x1b[31mb\nc"), 12, "ab\ufffdc te"),
        (replace(RECORD, label="猫猫猫猫猫"), 7, "猫猫猫…"),
    ],
)
def test_the_best_that_fits_is_said(record: ImageRecord, room: int, text: str) -> None:
    assert "".join(piece.text for piece in caption(record, room)) == text


@given(
    st.text(max_size=30),
    st.text(min_size=1, max_size=30),
    st.floats(0, 1),
    st.sampled_from([True, False, None]),
    st.integers(5, 40),
)
def test_a_caption_is_never_wider_than_its_room(
    label: str, said: str, sure: float, wrong: bool | None, room: int
) -> None:
    answer = ImagePrediction(1, said, sure, wrong)
    record = replace(RECORD, label=label or None, tags=("x",), prediction=answer)
    assert sum(width(piece.text) for piece in caption(record, room)) <= room


@pytest.mark.parametrize(
    ("record", "letter"),
    [
        (None, " "),
        (RECORD, "7"),
        (RIGHT, "7"),
        (WRONG, "\N{MULTIPLICATION SIGN}"),
        (UNLABELLED, "·"),
        (replace(RECORD, label="猫"), "?"),
        (replace(RECORD, label="\U0001d538"), "?"),
    ],
)
def test_one_letter_says_what_an_image_is(record: ImageRecord | None, letter: str) -> None:
    assert marker(record)[0] == letter


# thumbnails


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((8, 8), (16, 16), (16, 16)),
        ((8, 8), (15, 15), (8, 8)),
        ((28, 28), (16, 16), (16, 16)),
        ((500, 250), (16, 16), (16, 8)),
        ((5000, 1), (16, 16), (16, 1)),
        ((1, 1), (16, 20), (16, 16)),
    ],
)
def test_proportions_are_kept(
    size: tuple[int, int], box: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fitted_size(*size, Box(*box)) == expected


def test_a_tiny_picture_grows_by_whole_numbers() -> None:
    pixels = noise(2, 4, 4, 3)
    codes = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    assert (fit(pixels, Box(8, 8)) == codes.repeat(2, axis=1).repeat(2, axis=2)).all()


def test_a_large_picture_is_averaged() -> None:
    pixels = np.zeros((1, 4, 4, 1), np.uint8)
    pixels[0, :2, :2, 0] = (100, 200), (0, 100)
    assert fit(pixels, Box(2, 2)).tolist() == [[[0x646464, 0], [0, 0]]]


def test_small_pngs_of_any_sizes_are_done_together_and_the_rest_is_left() -> None:
    files = [
        (3, encode_png(noise(28, 28))),
        (1, encode_png(noise(8, 8, 3))),
        (4, encode_png(noise(100, 100))),
        (2, encode_png(noise(28, 28))[:-20] + b"damaged" * 3),
        (5, b""),
        (6, b"GIF89a"),
    ]
    fitted, left = fit_plain(files, Box(16, 16))
    assert {image: each.shape for image, each in fitted.items()} == {3: (16, 16), 1: (16, 16)}
    assert sorted(image for image, _ in left) == [2, 4, 5, 6]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_mode_are_shown(mode: str) -> None:
    picture = Image.new("RGB", (40, 20), (200, 100, 50)).convert(
        "L" if mode in ("I;16", "LA", "1") else "RGB"
    )
    buffer = io.BytesIO()
    picture.convert(mode).save(buffer, "TIFF")
    fitted = fit_any(buffer.getvalue(), Box(16, 16))
    assert fitted is not None
    assert fitted.shape == (8, 16)


def test_a_photo_is_decoded_at_no_less_than_its_room() -> None:
    buffer = io.BytesIO()
    Image.fromarray(noise(300, 500, 3)).save(buffer, "JPEG")
    fitted = fit_any(buffer.getvalue(), Box(112, 112))
    assert fitted is not None
    assert fitted.shape == (67, 112)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"])
def test_what_cannot_be_decoded_is_none(data: bytes) -> None:
    assert fit_any(data, Box(16, 16)) is None


# what is at hand


def known(contents: Contents, *records: ImageRecord) -> None:
    wish = Wish(contents.box, epoch=contents.epoch)
    contents.take(Read(wish, records={each.id: each for each in records}))


def test_an_edit_is_shown_until_what_was_stored_is_read() -> None:
    contents = Contents()
    known(contents, RECORD)
    edit = label_edit((1,), "8")
    contents.begin(edit)
    assert (shown := contents.record(1)) is not None
    assert shown.label == "8"
    contents.end(edit)
    assert contents.without_record((1,)) == (1,)
    known(contents, replace(RECORD, label="8"))
    assert contents.without_record((1,)) == ()


def test_what_was_read_before_an_edit_does_not_undo_it() -> None:
    contents = Contents()
    known(contents, RECORD)
    early = Wish(contents.box, epoch=contents.epoch)
    edit = label_edit((1,), "8")
    contents.begin(edit)
    contents.end(edit)
    contents.take(Read(early, records={1: RECORD}))
    assert (shown := contents.record(1)) is not None
    assert shown.label == "8"


def test_edits_not_stored_yet_stand_on_what_is_read() -> None:
    contents = Contents()
    first, second = label_edit((1,), "8"), label_edit((1,), "9")
    contents.begin(first)
    contents.begin(second)
    contents.end(first)
    known(contents, replace(RECORD, label="8"))
    assert (shown := contents.record(1)) is not None
    assert shown.label == "9"


def test_an_edit_of_very_many_images_outdates_everything() -> None:
    contents = Contents()
    known(contents, RECORD)
    edit = label_edit(tuple(range(1, 50_000)), "8")
    contents.begin(edit)
    contents.end(edit)
    assert contents.without_record((1,)) == (1,)
    assert (shown := contents.record(1)) is not None
    assert shown.label == "8"


def test_pictures_of_another_size_are_not_taken() -> None:
    contents = Contents()
    contents.resize(Box(16, 16))
    picture = np.zeros((8, 8), np.int32)
    contents.take(Read(Wish(Box(8, 8)), pictures={1: picture}))
    assert contents.picture(1) == (False, None)
    contents.take(Read(Wish(Box(16, 16)), pictures={1: None, 2: picture}))
    assert contents.picture(1) == (True, None)
    assert contents.without_picture((1, 2, 3)) == (3,)


def test_pictures_read_before_a_refresh_are_not_taken_after_it() -> None:
    contents = Contents()
    contents.resize(Box(8, 8))
    early = Wish(contents.box, epoch=contents.epoch)
    contents.forget_pictures()
    contents.take(Read(early, pictures={1: np.zeros((8, 8), np.int32)}))
    assert contents.without_picture((1,)) == (1,)


def test_pictures_and_records_stay_within_their_bounds() -> None:
    contents = Contents()
    contents.resize(Box(64, 64))
    picture = np.zeros((64, 64), np.int32)
    for start in range(0, 20_000, 500):
        images = range(start, start + 500)
        wish = Wish(contents.box, epoch=contents.epoch)
        records: dict[int, ImageRecord | None] = {at: replace(RECORD, id=at) for at in images}
        contents.take(Read(wish, dict.fromkeys(images, picture), records))
    assert len(contents._records) == MOST_RECORDS
    assert contents._pictures.used <= PICTURE_BYTES
    assert contents.record(19_999) is not None
    assert contents.record(0) is None
