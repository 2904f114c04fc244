"""Zoom and pan as numbers, decoding within bounds, and half-blocks that are what they show."""

from __future__ import annotations

import asyncio
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console
from textual.color import Color
from textual.geometry import Size

from storage.errors import RefusedInput
from tui.picture.source import KEPT_BYTES, MOST_PIXELS, Pictures, decode
from tui.picture.viewport import (
    View,
    actual,
    drawn,
    fitting,
    is_zoomed,
    panned,
    scale_of,
    window,
    zoomed,
)
from tui.picture.widget import in_the_middle

SIDES = st.integers(1, 5000)
ROOMS = st.tuples(st.integers(1, 400), st.integers(2, 240))


def encoded(width: int, height: int, form: str = "PNG", mode: str = "RGB") -> bytes:
    picture = Image.effect_noise((width, height), 50).convert(mode)
    out = BytesIO()
    picture.save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(
    ("size", "room", "scale"),
    [
        ((8, 8), (52, 40), 5),
        ((28, 28), (52, 40), 1),
        ((100, 50), (50, 40), 0.5),
        ((1, 1), (9, 8), 8),
    ],
)
def test_a_picture_fits_by_whole_numbers_or_shrinks(
    size: tuple[int, int], room: tuple[int, int], scale: float
) -> None:
    assert fitting(size, room) == scale


@given(st.tuples(SIDES, SIDES), ROOMS, st.lists(st.sampled_from("+-rlud1f"), max_size=12))
def test_whatever_the_keys_the_window_is_within_picture_and_room(
    size: tuple[int, int], room: tuple[int, int], keys: list[str]
) -> None:
    view = View()
    for key in keys:
        view = {
            "+": lambda v: zoomed(v, size, room, 1),
            "-": lambda v: zoomed(v, size, room, -1),
            "r": lambda v: panned(v, size, room, 1, 0),
            "l": lambda v: panned(v, size, room, -1, 0),
            "u": lambda v: panned(v, size, room, 0, -1),
            "d": lambda v: panned(v, size, room, 0, 1),
            "1": lambda v: actual(v, size, room),
            "f": lambda v: View(),
        }[key](view)
        seen = window(view, size, room)
        left, top, right, bottom = seen.box
        assert -1e-6 <= left < right <= size[0] + 1e-6
        assert -1e-6 <= top < bottom <= size[1] + 1e-6
        assert 1 <= seen.size[0] <= room[0]
        assert 1 <= seen.size[1] <= room[1]


def test_zooming_out_as_often_as_in_comes_back_to_the_whole() -> None:
    view = View()
    for _ in range(4):
        view = zoomed(view, (28, 28), (52, 40), 1)
    assert is_zoomed(view, (28, 28), (52, 40))
    for _ in range(4):
        view = zoomed(view, (28, 28), (52, 40), -1)
    assert view == View()


def test_actual_size_of_a_photo_is_one_to_one() -> None:
    assert scale_of(actual(View(), (640, 480), (80, 40)), (640, 480), (80, 40)) == 1


def test_actual_size_counts_the_dots_of_a_finer_screen() -> None:
    size, room = (3000, 2000), (80, 40)
    assert scale_of(actual(View(), size, room, dots=10), size, room) == 0.1


def test_pixels_are_enlarged_as_they_are() -> None:
    source = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    out = drawn(Image.fromarray(source), (3, 3), window(View(), (3, 3), (6, 6)))
    assert (out == source.repeat(2, 0).repeat(2, 1)).all()


def test_a_smaller_copy_is_drawn_at_the_place_of_the_whole() -> None:
    source = np.zeros((10, 10, 3), np.uint8)
    source[:, 5:] = 255
    seen = window(View(1.0, 1.0, 0.5), (100, 100), (20, 20))
    assert seen.box[0] == 80
    assert (drawn(Image.fromarray(source), (100, 100), seen) == 255).all()


def test_a_picture_stands_in_the_middle_of_its_room_two_pixels_a_cell() -> None:
    pixels = np.array(
        [[[1, 2, 3], [9, 9, 9]], [[4, 5, 6], [9, 9, 9]], [[7, 8, 9], [0, 0, 0]]], "u1"
    )
    ground = Color(10, 11, 12)
    lines = in_the_middle(pixels, Size(4, 3), (1, 1), ground, Console(color_system="truecolor"))
    assert [line.text for line in lines] == ["    ", " ▀  ", " ▀▀ "]
    _, first, *_ = lines[1]
    assert first.style is not None
    assert first.style.color is not None
    assert first.style.color.triplet == (1, 2, 3)
    assert first.style.bgcolor is not None
    assert first.style.bgcolor.triplet == (4, 5, 6)
    below = list(lines[2])[1].style
    assert below is not None
    assert below.bgcolor is not None
    assert below.bgcolor.triplet == (10, 11, 12)


def test_where_there_are_no_colours_at_all_the_picture_is_letters() -> None:
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, 2:] = 255
    console = Console(color_system=None)
    (line,) = in_the_middle(pixels, Size(4, 1), (0, 0), Color(0, 0, 0), console, tone="letters")
    assert line.text == "  @@"
    assert "\x1b" not in line.render(console)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_large_picture_is_decoded_no_larger_than_asked(form: str) -> None:
    loaded = decode(encoded(3000, 2000, form), 512)
    assert loaded.size == (3000, 2000)
    assert 512 <= max(loaded.picture.size) < 1100
    assert not loaded.whole


def test_detail_is_bounded_too() -> None:
    loaded = decode(encoded(5000, 4000, "JPEG", "L"), None)
    assert loaded.whole
    assert loaded.picture.width * loaded.picture.height <= MOST_PIXELS


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_becomes_colour(mode: str) -> None:
    out = BytesIO()
    Image.new("L", (600, 700), 99).convert("L" if mode == "I;16" else mode).save(out, "PNG")
    for side in (512, 64, None):
        loaded = decode(out.getvalue(), side)
        assert (loaded.picture.mode, loaded.size) == ("RGB", (600, 700))


async def test_what_is_no_picture_is_refused() -> None:
    pictures = Pictures()
    with pytest.raises(RefusedInput):
        await pictures.decoded(1, b"no picture", 512)
    pictures.close()


async def test_only_so_many_bytes_of_pictures_are_kept() -> None:
    pictures = Pictures()
    data = encoded(1000, 1000)
    for image in range(20):
        await pictures.decoded(image, data, 1000)
    kept = [image for image in range(20) if pictures.kept(image) is not None]
    assert kept == list(range(20 - KEPT_BYTES // 3_000_000, 20))
    pictures.close()


async def test_a_kept_picture_with_too_little_detail_is_not_given() -> None:
    pictures = Pictures()
    await pictures.decoded(1, encoded(1100, 1000), 512)
    assert pictures.kept(1, 512) is not None
    assert pictures.kept(1, None) is None
    pictures.close()


async def test_whoever_asks_after_the_end_is_cancelled() -> None:
    pictures = Pictures()
    pictures.close()
    with pytest.raises(asyncio.CancelledError):
        await pictures.decoded(1, encoded(4, 4), 512)
