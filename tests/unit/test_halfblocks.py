"""Pictures as lines of text, read back cell by cell by a small terminal of the tests' own."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tui.plain.halfblocks import Colour, cell_width, colour_depth, render, side_by_side

Cell = tuple[str, str | None, str | None]

BLACK, WHITE, RED, GREEN, BLUE = (
    (0, 0, 0),
    (255, 255, 255),
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
)


def cells(line: str) -> list[Cell]:
    """Each letter with its foreground and background codes, as a terminal would show them."""
    found: list[Cell] = []
    foreground = background = None
    for code, letter in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
        if letter:
            found.append((letter, foreground, background))
            continue
        for part in re.findall(r"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+", code):
            if part == "0":
                foreground = background = None
            elif part == "49":
                background = None
            elif part.startswith(("38", "3", "9")):
                foreground = part
            else:
                background = part
    return found


def pixels(lines: list[str]) -> list[list[tuple[int, ...] | None]]:
    """The picture that truecolor lines show."""
    rows: list[list[tuple[int, ...] | None]] = []
    for line in lines:
        upper: list[tuple[int, ...] | None] = []
        lower: list[tuple[int, ...] | None] = []
        for letter, foreground, background in cells(line):
            below = _rgb(background)
            upper.append(_rgb(foreground) if letter == "▀" else below)
            lower.append(below)
        rows += [upper, lower]
    return rows


def _rgb(code: str | None) -> tuple[int, ...] | None:
    return None if code is None else tuple(int(part) for part in code.split(";")[2:])


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# render


def test_a_cell_holds_the_upper_pixel_in_front_of_the_lower() -> None:
    picture = np.array([[RED], [BLUE]], np.uint8)
    assert render(picture, 1, colour="truecolor") == ["\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m"]


def test_every_pixel_of_a_picture_that_fits_is_shown() -> None:
    picture = noise(10, 9, 3)
    shown = pixels(render(picture, 9, 5, colour="truecolor"))
    assert shown == [[tuple(each) for each in row] for row in picture.tolist()]


def test_grey_is_shown_as_grey() -> None:
    picture = noise(4, 4)
    shown = pixels(render(picture, 4, colour="truecolor"))
    assert shown == [[(value,) * 3 for value in row] for row in picture.tolist()]


def test_the_half_cell_below_an_odd_picture_keeps_the_terminals_own_colour() -> None:
    lines = render(np.full((3, 2, 3), RED, np.uint8), 2, colour="truecolor")
    assert pixels(lines)[3] == [None, None]
    assert pixels(lines)[2] == [RED, RED]


def test_a_run_of_one_colour_is_written_once() -> None:
    lines = render(np.full((2, 50, 3), RED, np.uint8), 50, colour="truecolor")
    assert lines == ["\x1b[48;2;255;0;0m" + " " * 50 + "\x1b[0m"]


@pytest.mark.parametrize("colour", ["truecolor", "256", "16"])
def test_every_line_ends_in_a_reset(colour: Colour) -> None:
    for line in render(noise(9, 7, 3), 7, colour=colour):
        assert line.endswith("\x1b[0m")
        assert cell_width(line) == 7


def test_a_tiny_picture_grows_by_whole_numbers() -> None:
    picture = noise(8, 8)
    shown = np.array(pixels(render(picture, 30, colour="truecolor")))[..., 0]
    assert (shown == picture.repeat(3, axis=0).repeat(3, axis=1)).all()


@pytest.mark.parametrize(
    ("size", "columns", "rows", "expected"),
    [
        ((8, 8), 16, None, (16, 8)),
        ((8, 8), 80, 4, (8, 4)),
        ((100, 200), 40, None, (40, 10)),
        ((200, 100), 40, 10, (10, 10)),
        ((3000, 30), 40, 10, (1, 10)),
        ((30, 3000), 40, 10, (40, 1)),
        ((1, 1), 5, 1, (2, 1)),
        ((28, 28), 28, 14, (28, 14)),
        ((28, 28), 29, 14, (28, 14)),
    ],
)
def test_proportions_are_kept_within_the_room_there_is(
    size: tuple[int, int], columns: int, rows: int | None, expected: tuple[int, int]
) -> None:
    lines = render(noise(*size), columns, rows, colour="256")
    assert (cell_width(lines[0]), len(lines)) == expected


@pytest.mark.parametrize("size", [16, 22, 64, 1000])
def test_scaling_down_keeps_the_mean(size: int) -> None:
    picture = np.zeros((size, size), np.uint8)
    picture[:, : size // 2] = 200
    shown = np.array(pixels(render(picture, 10, colour="truecolor")))[..., 0].astype(int)
    assert abs(shown.mean() - picture.mean()) < 2


def test_a_fine_pattern_becomes_its_average_and_no_moire() -> None:
    picture = np.zeros((800, 800), np.uint8)
    picture[::2] = 200
    shown = np.array(pixels(render(picture, 20, colour="truecolor")))[..., 0].astype(int)
    assert (abs(shown - 100) <= 1).all()


@pytest.mark.parametrize(
    ("rgb", "code"),
    [(BLACK, 16), (WHITE, 231), (RED, 196), ((95, 135, 175), 67), ((128, 128, 128), 244)],
)
def test_the_nearest_of_256_colours_is_taken(rgb: tuple[int, int, int], code: int) -> None:
    lines = render(np.full((2, 1, 3), rgb, np.uint8), 1, colour="256")
    assert lines == [f"\x1b[48;5;{code}m \x1b[0m"]


@pytest.mark.parametrize(
    ("rgb", "code"),
    [(BLACK, 40), (WHITE, 107), (RED, 101), ((200, 10, 10), 41), ((0, 0, 230), 44)],
)
def test_the_nearest_of_16_colours_is_taken(rgb: tuple[int, int, int], code: int) -> None:
    lines = render(np.full((2, 1, 3), rgb, np.uint8), 1, colour="16")
    assert lines == [f"\x1b[{code}m \x1b[0m"]


def test_bright_foregrounds_have_their_own_codes() -> None:
    picture = np.array([[WHITE], [BLACK]], np.uint8)
    assert render(picture, 1, colour="16") == ["\x1b[97;40m▀\x1b[0m"]


def test_without_colour_brighter_is_denser_and_all_is_ascii() -> None:
    picture = np.linspace(0, 255, 10).astype(np.uint8)[None].repeat(2, axis=0)
    assert render(picture, 10, colour="none") == [" .:-=+*#%@"]


def test_without_colour_a_picture_in_colour_is_shown_by_its_brightness() -> None:
    picture = np.array([[BLUE, GREEN]] * 2, np.uint8)
    assert render(picture, 2, colour="none") == [".+"]


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((2, 2), np.float32),
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((0, 2), np.uint8),
        np.zeros(4, np.uint8),
    ],
    ids=["float", "alpha", "empty", "flat"],
)
def test_an_array_that_is_no_picture_is_an_error(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="picture: expected uint8"):
        render(picture, 4, colour="none")


def test_no_room_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        render(noise(2, 2), 0, colour="none")


# side_by_side


def test_blocks_stand_beside_each_other_above_their_captions() -> None:
    lines = side_by_side([(["ab", "cd"], "one"), (["ef", "gh"], "two")], 80)
    assert lines == ["ab   ef", "cd   gh", "one  two"]


def test_blocks_that_do_not_fit_go_on_below() -> None:
    blocks = [([f"{at}{at}{at}"], "") for at in range(5)]
    assert side_by_side(blocks, 9) == ["000  111", "", "222  333", "", "444"]


def test_colour_codes_take_no_room() -> None:
    block = render(np.full((2, 2, 3), RED, np.uint8), 2, colour="truecolor")
    (line, caption) = side_by_side([(block, "a"), (block, "b")], 80)
    assert cell_width(line) == 6
    assert caption == "a   b"


def test_blocks_of_unlike_heights_are_filled_up() -> None:
    assert side_by_side([(["a"], "x"), (["b", "c"], "y")], 80) == ["a  b", "x  c", "   y"]


def test_a_caption_of_several_lines_keeps_them() -> None:
    assert side_by_side([(["##"], "7\n98 %")], 80) == ["##", "7", "98 %"]


def test_a_caption_that_is_too_wide_is_cut_with_a_sign() -> None:
    assert side_by_side([(["##"], "a very long caption")], 8) == ["##", "a very …"]


def test_a_wide_letter_counts_twice() -> None:
    assert cell_width("鹿a") == 3
    assert side_by_side([(["##"], "鹿"), (["##"], "b")], 80) == ["##  ##", "鹿  b"]


def test_a_caption_cannot_steer_the_terminal() -> None:
    (_, caption) = side_by_side([(["#"], "\x1b[2Jgone")], 80)
    assert caption == "\ufffd[2Jgone"


def test_no_blocks_give_no_lines() -> None:
    assert side_by_side([], 80) == []


# colour_depth


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "screen", "COLORTERM": "24bit"}, "truecolor"),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"TERM": "xterm-direct"}, "truecolor"),
        ({"WT_SESSION": "1"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "linux", "NO_COLOR": ""}, "16"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
        ({}, "none"),
    ],
)
def test_the_depth_follows_the_usual_variables(
    environment: dict[str, str], expected: Colour
) -> None:
    assert colour_depth(environment, is_terminal=True) == expected


def test_nothing_but_a_terminal_gets_colours() -> None:
    assert colour_depth({"COLORTERM": "truecolor"}, is_terminal=False) == "none"
