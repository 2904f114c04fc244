"""Strips of cells against true segments: whatever is done to a strip, each cell stays the same."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color as RichColor
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._ansi_theme import DEFAULT_TERMINAL_THEME
from textual.color import Color
from textual.filter import ANSIToTruecolor, DimFilter, LineFilter, Monochrome, NoColor
from textual.renderables.background_screen import BackgroundScreen
from textual.strip import Strip

from tui.grid.cells import DEFAULT, Cells, ansi_lines, greyed, halves, shaded
from tui.grid.strips import CellStrip, depth_of, segments_of
from tui.plain.halfblocks import Colour, render

BACKGROUND = Color(20, 23, 28)
TRUECOLOR = Console(color_system="truecolor", force_terminal=True, file=io.StringIO())


class Cell(NamedTuple):
    """A cell as a terminal shows it."""

    letter: str
    front: str | None
    back: str | None


def shown(text: str) -> list[Cell]:
    """The cells that a terminal shows for text with escape codes."""
    found: list[Cell] = []
    front = back = None
    for code, letter in re.findall(r"\x1b\[([0-9;]*)m|(.)", text):
        if letter:
            found.append(Cell(letter, None if letter == " " else front, back))
            continue
        for part in re.findall(r"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+", code) or ["0"]:
            if part == "0":
                front = back = None
            elif part == "39":
                front = None
            elif part == "49":
                back = None
            elif part.startswith("38") or re.fullmatch("3[0-7]|9[0-7]", part):
                front = part
            else:
                back = part
    return found


def noise(lines: int, columns: int, *, seed: int = 0, colours: int = 1 << 24) -> Cells:
    """Cells of random pixels, some alike, some of the terminal's own colour."""
    random = np.random.default_rng(seed)
    pixels = random.integers(-1, colours, (2 * lines, columns)).astype(np.int32)
    pixels[:, columns // 3 : columns // 2] = 0x123456
    return halves(pixels)


def strip_of(cells: Cells) -> CellStrip:
    return CellStrip(cells.line(0), ansi_lines(cells, "truecolor")[0])


def plain(cells: Cells) -> Strip:
    """The same line as a strip of Textual's own. Its styles are new ones: Rich shares equal ones,
    and Textual notes in each how it was first written, which may have been in 16 colours."""
    return Strip(
        Segment(text, style and Style(color=style.color, bgcolor=style.bgcolor))
        for text, style, _ in segments_of(cells.line(0))
    )


def seen(strip: Strip) -> list[Cell]:
    return shown(strip.render(TRUECOLOR))


@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from([2, 300, 1 << 24]))
def test_the_text_shows_what_the_segments_say(seed: int, columns: int, colours: int) -> None:
    cells = noise(1, columns, seed=seed, colours=colours)
    assert seen(strip_of(cells)) == seen(plain(cells))


@given(st.integers(0, 1000), st.integers(-3, 45), st.integers(-3, 45))
def test_a_part_is_the_part_of_the_whole(seed: int, start: int, end: int) -> None:
    cells = noise(1, 40, seed=seed, colours=4)
    part = strip_of(cells).crop(start, end)
    assert seen(part) == seen(strip_of(cells))[max(0, start) : max(0, end)]
    assert part.cell_length == len(seen(part))


@given(st.integers(0, 1000), st.lists(st.integers(1, 50), max_size=5, unique=True).map(sorted))
def test_divided_as_textual_divides(seed: int, cuts: list[int]) -> None:
    cells = noise(1, 40, seed=seed, colours=4)
    ours, theirs = strip_of(cells).divide(cuts), plain(cells).divide(cuts)
    assert [seen(each) for each in ours] == [seen(each) for each in theirs]


def test_a_strip_that_is_not_cut_is_the_same_strip() -> None:
    strip = strip_of(noise(1, 40))
    assert strip.divide([40, 41])[0] is strip
    assert strip.crop(0, 40) is strip


@pytest.mark.parametrize(
    "each",
    [
        Monochrome(),
        NoColor(),
        DimFilter(),
        ANSIToTruecolor(DEFAULT_TERMINAL_THEME),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_filter_does_what_it_does_to_segments(each: LineFilter) -> None:
    cells = noise(1, 40)
    ours = strip_of(cells).apply_filter(each, BACKGROUND)
    assert seen(ours) == seen(plain(cells).apply_filter(each, BACKGROUND))


def test_a_screen_behind_a_dialog_is_tinted_as_segments_are() -> None:
    cells = noise(1, 40)
    tint = Color(0, 0, 0, 0.5)
    ours = Strip(BackgroundScreen.process_segments(strip_of(cells), tint))
    assert seen(ours) == seen(Strip(BackgroundScreen.process_segments(plain(cells), tint)))
    assert seen(ours) != seen(strip_of(cells))


def test_a_style_is_laid_under_as_under_segments() -> None:
    cells = noise(1, 40)
    style = Style(bold=True, color=RichColor.from_rgb(1, 2, 3))
    ours = strip_of(cells).apply_style(style)
    assert list(ours) == list(plain(cells).apply_style(style))


def test_joined_with_a_caption_of_wide_letters() -> None:
    caption = Strip([Segment(" 猫", Style(bold=True)), Segment("▸犬 ")])
    joined = Strip.join([strip_of(noise(1, 40)), caption, strip_of(noise(1, 10, seed=1))])
    assert joined.cell_length == 40 + 7 + 10
    cells = seen(joined)
    assert "".join(cell.letter for cell in cells[40:-10]) == " 猫▸犬 "
    assert cells[:40] == seen(strip_of(noise(1, 40)))
    assert Strip(list(joined)).crop(40, 47).text == " 猫▸犬 "


def test_made_longer_and_shorter_as_segments_are() -> None:
    cells = noise(1, 40)
    for length in (0, 17, 40, 50):
        ours = strip_of(cells).adjust_cell_length(length)
        assert seen(ours) == seen(plain(cells).adjust_cell_length(length))
    ours = strip_of(cells).crop_extend(35, 45, Style())
    assert seen(ours) == seen(plain(cells).crop_extend(35, 45, Style()))


def test_the_segments_of_a_strip_are_not_kept() -> None:
    strip = strip_of(noise(1, 40))
    assert list(strip) == list(strip)
    assert not any(name == "_segments" for name in strip.__slots__)
    with pytest.raises(AttributeError):
        Strip.__dict__["_segments"].__get__(strip)


def test_a_strip_tells_its_letters_and_its_length() -> None:
    strip = strip_of(noise(1, 40))
    assert strip.text == plain(noise(1, 40)).text
    assert (strip.cell_length, strip.cell_count) == (40, 40)
    assert strip
    assert not strip.crop(3, 3)
    assert strip.link_ids == set()


def test_a_part_is_written_for_the_colours_of_the_terminal() -> None:
    console = Console(color_system="256", force_terminal=True, file=io.StringIO())
    part = strip_of(halves(np.full((2, 10), 0xFF0000, np.int32))).crop(0, 3)
    assert part.render(console) == "\x1b[48;5;196m   \x1b[0m"
    assert depth_of(console) == "256"


@pytest.mark.parametrize("colour", ["truecolor", "256", "16"])
def test_a_page_is_written_as_a_single_picture_is(colour: Colour) -> None:
    ramp = np.array([0, 95, 135, 175, 215, 255], np.uint8)
    picture = np.stack(np.meshgrid(ramp, ramp, ramp[::2]), axis=-1).reshape(12, 9, 3)
    codes = picture.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    ours = ansi_lines(halves(codes), colour)
    theirs = render(picture, 9, colour=colour)
    if colour == "16":  # the table of the nearest has steps of 8: not every tie falls alike
        assert [len(shown(line)) for line in ours] == [len(shown(line)) for line in theirs]
    else:
        assert [shown(line) for line in ours] == [shown(line) for line in theirs]


@pytest.mark.parametrize("colour", ["truecolor", "256", "16"])
def test_every_grey_is_taken_for_the_nearest_there_is(colour: Colour) -> None:
    grey = np.arange(256, dtype=np.uint8).repeat(2).reshape(256, 2).T.copy()
    ours = ansi_lines(halves(grey.astype(np.int32) * 0x010101), colour)[0]
    theirs = render(grey, 256, colour=colour)[0]
    assert shown(ours) == shown(theirs)


def test_every_letter_of_the_first_plane_is_written_whole() -> None:
    letters = np.array([ord(each) for each in "a\x7fé߿ࠀ▸✓▀￼"], np.uint16)
    none = np.full(len(letters), DEFAULT, np.int32)
    line = ansi_lines(Cells(none[None], none[None], letters[None]), "truecolor")[0]
    assert line.removesuffix("\x1b[0m") == "".join(map(chr, letters))


def test_a_colour_is_written_where_it_changes_and_only_there() -> None:
    pixels = np.array([[0xFF0000] * 3 + [0xFF] * 2, [0xFF0000] * 3 + [0] * 2], np.int32)
    line = ansi_lines(halves(pixels), "truecolor")[0]
    assert line == "\x1b[48;2;255;0;0m   \x1b[38;2;0;0;255;48;2;0;0;0m▀▀\x1b[0m"


def test_the_terminals_own_background_shows_through_either_half() -> None:
    pixels = np.array([[DEFAULT, 0xFF, DEFAULT], [0xFF, DEFAULT, DEFAULT]], np.int32)
    line = ansi_lines(halves(pixels), "truecolor")[0]
    assert [cell.letter for cell in shown(line)] == ["▄", "▀", " "]
    assert [cell.back for cell in shown(line)] == [None, None, None]


def test_without_colours_a_picture_is_denser_where_it_is_brighter() -> None:
    pixels = np.array([[0, 0x808080, 0xFFFFFF, 0xFFFFFF]] * 2, np.int32)
    pixels[1, 3] = 0
    cells = shaded(halves(pixels))
    assert ansi_lines(cells, "none") == [" +@="]


def test_greyed_as_textual_greys() -> None:
    cells = noise(1, 40)
    assert seen(strip_of(greyed(cells))) == seen(
        plain(cells).apply_filter(Monochrome(), BACKGROUND)
    )
