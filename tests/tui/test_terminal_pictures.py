"""Real pixels: used where the terminal says so, sent whole, and gone while anything covers them."""

from __future__ import annotations

import re
import sys
from base64 import standard_b64decode
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len

from tests.tui.driving import running, until
from tui.frame.dataset import Dataset
from tui.picture.terminal_pictures import Canvas, Protocol, cell_size, protocol_of
from tui.picture.widget import Picture
from tui.screens.image import ImageScreen
from tui.settings import Pictures

CELL = (10, 20)
NOISE = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)


@pytest.mark.parametrize(
    ("setting", "environment", "protocol"),
    [
        ("auto", {"TERM": "xterm-kitty"}, "kitty"),
        ("auto", {"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ("auto", {"TERM": "foot"}, "sixel"),
        ("auto", {"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "sixel"),
        ("auto", {"TERM": "xterm-256color"}, None),
        ("auto", {"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"}, None),
        ("auto", {"TERM": "xterm-kitty", "TMUX": "1,0"}, None),
        ("auto", {}, None),
        ("blocks", {"TERM": "xterm-kitty"}, None),
        ("sixel", {"TERM": "xterm-256color"}, "sixel"),
        ("kitty", {}, "kitty"),
    ],
)
def test_the_protocol_is_what_the_user_or_the_terminal_says(
    setting: Pictures, environment: dict[str, str], protocol: Protocol | None
) -> None:
    assert protocol_of(setting, environment) == protocol


def test_without_colours_there_are_half_blocks() -> None:
    assert protocol_of("auto", {"TERM": "xterm-kitty"}, no_colour=True) is None


@pytest.mark.parametrize(
    ("given", "cell"),
    [
        ((80, 24, 800, 480), (10, 20)),
        ((80, 24, 0, 0), None),
        ((0, 0, 800, 480), None),
        ((80, 24, 100, 100), None),
        ((1, 1, 65535, 65535), None),
    ],
)
def test_a_cell_has_a_size_where_that_makes_sense(
    given: tuple[int, int, int, int], cell: tuple[int, int] | None
) -> None:
    assert cell_size(*given) == cell


def test_kitty_is_sent_every_pixel_and_a_text_of_the_same_cells() -> None:
    made = Canvas("kitty", CELL).draw(NOISE)
    assert made is not None
    parts = re.findall(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", made.before)
    sent = [data for keys, data in parts if "a=p" not in keys]
    assert all(len(data) <= 4096 for data in sent)
    got = Image.open(BytesIO(standard_b64decode("".join(sent))))
    assert (np.asarray(got) == NOISE).all()
    assert [keys.endswith("m=1") for keys, data in parts[:-1]] == [True] * (len(sent) - 1) + [False]
    assert "c=8,r=3" in parts[-1][0]
    assert [cell_len(line) for line in made.lines] == [8, 8, 8]
    assert len({line[:2] for line in made.lines}) == 3


def test_more_cells_than_kitty_has_numbers_for_are_left_to_half_blocks() -> None:
    assert Canvas("kitty", (1, 2)).draw(np.zeros((4, 400, 3), np.uint8)) is None


def test_sixel_is_sent_behind_a_text_of_the_same_cells() -> None:
    made = Canvas("sixel", CELL).draw(NOISE)
    assert made is not None
    assert made.after.startswith("\x1bP")
    assert made.after.endswith("\x1b\\")
    assert made.lines == (" " * 8,) * 3


def test_the_library_that_draws_never_asks_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"the terminal was used: {name}")

    for name in [name for name in sys.modules if name.startswith("textual_image")]:
        monkeypatch.delitem(sys.modules, name)
    terminal: Any = Terminal()
    monkeypatch.setattr(sys, "__stdout__", terminal)
    from tui.picture.terminal_pictures import _marks

    _marks.cache_clear()
    for protocol in ("kitty", "sixel"):
        assert Canvas(protocol, CELL).draw(NOISE) is not None
    assert sys.__stdout__ is terminal


@pytest.mark.parametrize("protocol", ["kitty", "sixel"])
async def test_real_pixels_come_when_the_keys_rest_and_go_with_the_next(
    dataset: Dataset, protocol: Protocol
) -> None:
    async with running(dataset) as (app, pilot):
        app.open_image([1, 2, 3], 0)
        await until(pilot, lambda: app.screen.query_one(Picture).picture)
        screen = app.screen
        assert isinstance(screen, ImageScreen)
        picture = screen.query_one(Picture)
        picture.use(Canvas(protocol, CELL))
        assert not picture.is_fine
        await until(pilot, lambda: picture.is_fine)
        lines = picture.render_lines(picture.size.region)
        text = "".join(segment.text for line in lines for segment in line)
        assert ("\x1b_G" if protocol == "kitty" else "\x1bP") in text
        assert {line.cell_length for line in lines} == {picture.size.width}
        await pilot.press("n")
        await until(pilot, lambda: picture.is_fine and screen.place == 1)
        await pilot.press("plus")
        assert not picture.is_fine


async def test_behind_a_dialog_the_picture_is_half_blocks(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.open_image([1], 0)
        await until(pilot, lambda: app.screen.query_one(Picture).picture)
        screen = app.screen
        picture = screen.query_one(Picture)
        picture.use(Canvas("kitty", CELL))
        await until(pilot, lambda: picture.is_fine)
        await pilot.press("t")
        await until(pilot, lambda: app.screen is not screen)
        lines = picture.render_lines(picture.size.region)
        assert not any("\x1b" in segment.text for line in lines for segment in line)
        await pilot.press("escape")
        await until(pilot, lambda: picture.is_fine)
