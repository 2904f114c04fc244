"""The grid of images by its keys and the mouse: what moves, what is selected, what is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from storage.opening import open_repository
from tests.ml_fixtures import picture
from tests.tui.driving import running, until
from tui.actions import actions_of
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.section import Section
from tui.grid.widget import ImageGrid


class Shown(Section):
    """A screen with nothing but a grid, which notes what the grid tells."""

    NAME = "library"
    BINDINGS: ClassVar = [("escape", "left")]

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Message] = []
        self.was_left = False

    def body(self) -> ComposeResult:
        yield ImageGrid()

    @on(ImageGrid.CursorMoved)
    @on(ImageGrid.SelectionChanged)
    @on(ImageGrid.Opened)
    def note(self, message: Message) -> None:
        self.told.append(message)

    def action_left(self) -> None:
        self.was_left = True


@asynccontextmanager
async def showing(
    dataset: Dataset, *, count: int = 120, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[PixshelfApp, Pilot[None], ImageGrid, Shown]]:
    """A grid of the first images of the dataset: 4 to a row, of 9 lines, at 80x24."""
    async with running(dataset, size=size) as (app, pilot):
        screen = Shown()
        await app.push_screen(screen)
        grid = screen.query_one(ImageGrid)
        grid.show(range(1, count + 1))
        grid.focus()
        await pilot.pause()
        screen.told.clear()
        yield app, pilot, grid, screen


def moves(screen: Shown) -> list[tuple[int, int | None]]:
    return [
        (each.position, each.image)
        for each in screen.told
        if isinstance(each, ImageGrid.CursorMoved)
    ]


def test_every_action_has_its_method() -> None:
    for info in actions_of("grid"):
        assert callable(getattr(ImageGrid, f"action_{info.method}")), info.id


def test_digits_are_left_to_labels() -> None:
    keys = {key for info in actions_of("grid") for key in info.keys}
    assert not any(key.isdigit() for key in keys)
    assert {key for key in keys if len(key) == 1} == {"h", "j", "k", "l", "v", "G"}


@pytest.mark.parametrize(
    ("start", "keys", "end"),
    [
        (5, ["right"], 6),
        (5, ["l"], 6),
        (5, ["left"], 4),
        (5, ["h"], 4),
        (5, ["down"], 9),
        (5, ["j"], 9),
        (5, ["up"], 1),
        (5, ["k"], 1),
        (1, ["up"], 1),
        (0, ["left"], 0),
        (119, ["right"], 119),
        (117, ["down"], 117),
        (5, ["pagedown"], 13),
        (5, ["ctrl+f"], 13),
        (13, ["pageup"], 5),
        (13, ["ctrl+b"], 5),
        (5, ["end"], 119),
        (5, ["ctrl+end"], 119),
        (5, ["G"], 119),
        (5, ["home"], 0),
        (5, ["ctrl+home"], 0),
    ],
)
async def test_a_key_moves_the_cursor(
    dataset: Dataset, start: int, keys: list[str], end: int
) -> None:
    async with showing(dataset) as (_, pilot, grid, screen):
        grid.move_to(start)
        await pilot.pause()
        screen.told.clear()
        await pilot.press(*keys)
        assert grid.cursor == end
        assert moves(screen) == ([] if start == end else [(end, end + 1)])


async def test_down_into_a_short_last_row_goes_to_its_end(dataset: Dataset) -> None:
    async with showing(dataset, count=10) as (_, pilot, grid, _):
        grid.move_to(7)
        await pilot.press("down")
        assert grid.cursor == 9


async def test_the_cursor_is_always_in_view(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        for key in ("end", "up", "pageup", "home", "pagedown", "down", "down"):
            await pilot.press(key)
            await pilot.pause()
            line = grid.places.row_of(grid.cursor) * grid.places.row_height
            assert line - grid.scroll_offset.y >= 0
            assert line - grid.scroll_offset.y + grid.places.row_height <= grid.size.height


async def test_space_selects_and_goes_on(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, screen):
        await pilot.press("space", "space", "right", "space")
        assert grid.selected() == (1, 2, 4)
        assert grid.cursor == 4
        counts = [
            each.count for each in screen.told if isinstance(each, ImageGrid.SelectionChanged)
        ]
        assert counts == [1, 2, 3]


async def test_space_again_selects_no_longer(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        await pilot.press("space", "left", "space")
        assert grid.selected() == ()


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        (["shift+right"], range(6, 8)),
        (["shift+right", "shift+right", "shift+left"], range(6, 8)),
        (["shift+left"], range(5, 7)),
        (["shift+down"], range(6, 11)),
        (["shift+up"], range(2, 7)),
        (["shift+pagedown"], range(6, 15)),
        (["shift+pageup"], range(2, 7)),
        (["shift+home"], range(1, 7)),
        (["shift+end"], range(6, 121)),
        (["v", "right", "right"], range(6, 9)),
        (["v", "right", "v", "right"], range(6, 8)),
        (["ctrl+a"], range(1, 121)),
        (["ctrl+a", "asterisk"], range(0)),
        (["asterisk"], range(1, 121)),
    ],
)
async def test_a_key_selects(dataset: Dataset, keys: list[str], selected: range) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.move_to(5)
        await pilot.press(*keys)
        assert grid.selected() == tuple(selected)


async def test_a_range_drawn_in_again_gives_back_what_was_selected(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.select((2, 3))
        await pilot.press("shift+end", "shift+home")
        assert grid.selected() == (1, 2, 3)


async def test_two_ranges_stand_beside_each_other(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        await pilot.press("shift+right", "right", "right", "shift+right")
        assert grid.selected() == (1, 2, 4, 5)


async def test_escape_clears_the_selection_and_then_is_the_screens(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, screen):
        await pilot.press("space", "escape")
        assert grid.selected() == ()
        assert not screen.was_left
        await pilot.press("escape")
        assert screen.was_left


async def test_escape_ends_a_range(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        await pilot.press("v", "right", "escape", "right")
        assert grid.selected() == ()
        assert not grid.ranging


async def test_enter_opens_the_image(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, _, screen):
        await pilot.press("right", "enter")
        opened = [each for each in screen.told if isinstance(each, ImageGrid.Opened)]
        assert [(each.image, each.position) for each in opened] == [(2, 1)]


async def test_plus_and_minus_zoom_and_keep_the_cursor_in_view(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        await pilot.press("end")
        before = grid.places.wide
        await pilot.press("plus")
        assert grid.places.wide > before
        await pilot.press("minus", "minus")
        assert grid.places.wide < before
        for key in ["minus"] * 10 + ["equals_sign"] * 30 + ["underscore"]:
            await pilot.press(key)
            await pilot.pause()
            shown = grid.places.shown(grid.scroll_offset.y, len(grid.ids))
            assert grid.cursor in shown


async def test_the_largest_zoom_shows_one_image(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.zoom = 192
        await pilot.pause()
        assert grid.places.columns == 1
        assert grid.places.page_rows == 1


async def test_targets_are_the_selection_or_else_the_image(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        assert grid.targets() == (1,)
        await pilot.press("shift+right")
        assert grid.targets() == (1, 2)


async def test_keys_do_nothing_without_images(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, screen):
        grid.show(())
        await pilot.pause()
        screen.told.clear()
        for info in actions_of("grid"):
            if info.id != "grid.clear":
                await pilot.press(*info.keys)
        assert (grid.current(), grid.targets(), grid.selected(), grid.cursor) == (None, (), (), 0)
        assert moves(screen) == []


async def test_a_list_that_grows_keeps_cursor_and_selection(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.show(range(1, 21), whole=False)
        await pilot.press("space", "space", "right")
        grid.extend(range(1, 121))
        await pilot.pause()
        assert (grid.cursor, grid.selected()) == (3, (1, 2))
        await pilot.press("end")
        assert grid.current() == 120


async def test_all_is_all_once_the_list_is_whole(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, screen):
        grid.show(range(1, 21), whole=False)
        await pilot.press("ctrl+a")
        assert grid.awaits
        grid.extend(range(1, 121))
        await pilot.pause()
        assert grid.selected() == tuple(range(1, 121))
        assert not grid.awaits
        assert isinstance(screen.told[-1], ImageGrid.SelectionChanged)
        assert screen.told[-1].count == 120


async def test_all_is_all_also_where_the_whole_list_begins_otherwise(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.show(range(2, 21), whole=False)
        await pilot.press("ctrl+a", "home", "space")
        grid.show(range(1, 121), same=True)
        assert grid.selected() == (1, *range(3, 121))


async def test_end_is_the_end_once_the_list_is_whole(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        for show_whole in (grid.extend, lambda ids: grid.show(ids, same=True)):
            grid.show(range(1, 21), whole=False)
            await pilot.press("end")
            assert (grid.current(), grid.awaits) == (20, True)
            show_whole(range(1, 121))
            await pilot.pause()
            assert (grid.current(), grid.awaits) == (120, False)


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        (["shift+end"], range(3, 121)),
        (["v", "end"], range(3, 121)),
        (["shift+end", "shift+home"], range(1, 4)),
    ],
)
async def test_a_range_to_the_end_goes_to_the_end_of_the_whole_list(
    dataset: Dataset, keys: list[str], selected: range
) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.show(range(1, 21), at=2, whole=False)
        await pilot.press(*keys)
        grid.extend(range(1, 121))
        assert grid.selected() == tuple(selected)


async def test_who_goes_elsewhere_meanwhile_is_not_taken_to_the_end(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.show(range(1, 21), whole=False)
        await pilot.press("end", "left")
        grid.extend(range(1, 121))
        assert grid.current() == 19


async def test_escape_takes_back_what_was_asked_of_all(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.show(range(1, 21), whole=False)
        await pilot.press("ctrl+a", "end", "escape")
        grid.extend(range(1, 121))
        assert (grid.selected(), grid.current()) == ((), 20)


async def test_what_is_selected_is_not_lost_to_the_first_page_of_another_list(
    dataset: Dataset,
) -> None:
    async with showing(dataset) as (_, _pilot, grid, _):
        grid.select((5, 99, 110))
        grid.show(range(1, 21), whole=False)
        assert (grid.selected(), grid.awaits) == ((5,), True)
        grid.extend(range(1, 101))
        assert (grid.selected(), grid.awaits) == ((5, 99), False)


async def test_another_list_keeps_what_is_selected_in_it(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, screen):
        grid.select((2, 3, 50))
        grid.show(range(3, 30), at=4)
        await pilot.pause()
        assert grid.selected() == (3,)
        assert grid.current() == 7
        assert moves(screen)[-1] == (4, 7)


async def test_a_place_beyond_the_list_is_its_end(dataset: Dataset) -> None:
    async with showing(dataset) as (_, _pilot, grid, _):
        grid.show(range(1, 6), at=99)
        assert grid.current() == 5
        grid.move_to(-3)
        assert grid.current() == 1
        grid.advance()
        assert grid.current() == 2


async def test_a_click_moves_the_cursor(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        await pilot.click(ImageGrid, offset=(grid.places.pitch + 3, grid.places.row_height + 2))
        assert grid.cursor == 5


async def test_a_click_beside_the_images_does_nothing(dataset: Dataset) -> None:
    async with showing(dataset, count=2) as (_, pilot, grid, _):
        await pilot.click(ImageGrid, offset=(5, 15))
        assert grid.cursor == 0


async def test_clicks_with_ctrl_and_shift_select(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        pitch = grid.places.pitch
        await pilot.click(ImageGrid, offset=(1, 1), control=True)
        assert grid.selected() == (1,)
        await pilot.click(ImageGrid, offset=(pitch + 1, 1))
        await pilot.click(ImageGrid, offset=(3 * pitch + 1, 1), shift=True)
        assert grid.selected() == (1, 2, 3, 4)


async def test_a_double_click_opens(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, screen):
        await pilot.click(ImageGrid, offset=(grid.places.pitch + 3, 2), times=2)
        assert any(isinstance(each, ImageGrid.Opened) for each in screen.told)


async def test_the_wheel_scrolls_and_reads_what_comes_into_view(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.action_scroll_down()
        grid.scroll_to(y=60, animate=False)
        shown = grid.places.shown(60, 120)
        await until(pilot, lambda: all(grid.record(grid.ids[at]) for at in shown))
        assert grid.cursor == 0


async def test_a_grid_that_nobody_told_suits_itself_to_the_first_images(tmp_path: Path) -> None:
    with open_repository(tmp_path / "photos.db", create=True) as repo:
        pixels = np.random.default_rng(0).integers(0, 256, (4, 60, 90, 3), np.uint8)
        begun = repo.images.begin_import("photos", {})
        repo.images.add([picture(each) for each in pixels], import_id=begun)
    dataset = Dataset(str(tmp_path / "photos.db"))
    async with showing(dataset, count=4) as (_, pilot, grid, _):
        await until(pilot, lambda: grid.zoom == 24)
    dataset.close()
