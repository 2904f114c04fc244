"""The confusion matrix: its words and widths, and going through it by keys and mouse."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.theme import Theme

from tests.colours import contrast
from tests.tui.driving import until
from tui.evaluation.matrix import FOOT, Matrix, layout, short_count, short_percent
from tui.evaluation.matrix_widget import ConfusionMatrix
from tui.frame.themes import THEMES

LABELS = ("cat", "dog", "emu")
COUNTS = ((8, 2, 0), (1, 30, 3), (0, 0, 0))


def small() -> Matrix:
    return Matrix.of(LABELS, COUNTS)


def large(many: int) -> Matrix:
    """Labels that are all right but for one image each."""
    counts = [[0] * many for _ in range(many)]
    for at in range(many):
        counts[at][at] = 90
        counts[at][(at + 1) % many] = 1
    return Matrix.of([f"label {at}" for at in range(many)], counts)


class Shown(App[None]):
    """A matrix alone."""

    def __init__(self, matrix: Matrix) -> None:
        super().__init__()
        self.matrix = matrix
        self.opened: list[tuple[int, int]] = []

    def compose(self) -> ComposeResult:
        yield ConfusionMatrix()

    @property
    def widget(self) -> ConfusionMatrix:
        return self.query_one(ConfusionMatrix)

    def on_mount(self) -> None:
        self.widget.show(self.matrix)
        self.widget.focus()

    def on_confusion_matrix_opened(self, message: ConfusionMatrix.Opened) -> None:
        self.opened.append((message.row, message.column))

    def lines(self) -> list[str]:
        return [self.widget.render_line(y).text for y in range(self.widget.size.height)]


# Words and numbers


def test_sums_and_confused_pairs_come_from_the_counts() -> None:
    matrix = small()
    assert matrix.rows == (10, 34, 0)
    assert matrix.columns == (9, 32, 3)
    assert matrix.confused == ((1, 2), (0, 1), (1, 0))


def test_a_cell_says_what_it_means() -> None:
    assert small().sentence(1, 2) == (
        "3 images of dog predicted as emu: 8.8 % of all dog, 100.0 % of the answers emu"
    )
    assert small().sentence(0, 2) == "no image of cat predicted as emu"
    assert small().sentence(2, 0) == "no image here has the label emu"


def test_a_hostile_label_is_made_printable_in_the_sentence() -> None:
    matrix = Matrix.of(("[red]a\x1b[31m", "b"), ((1, 1), (0, 1)))
    assert "\x1b" not in matrix.sentence(0, 1)
    assert "[red]a" in matrix.sentence(0, 1)


def test_cells_show_counts_or_shares_of_row_or_column() -> None:
    matrix = small()
    assert [matrix.text(0, at, "counts") for at in range(3)] == ["8", "2", "·"]
    assert [matrix.text(0, at, "rows") for at in range(3)] == ["80.0", "20.0", "·"]
    assert matrix.text(1, 1, "columns", 3) == "94"


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (1.0, 1, "100"),
        (0.9999, 1, "99.9"),
        (0.999, 0, "99"),
        (0.031, 1, "3.1"),
        (0.0001, 1, "<0.1"),
        (0.001, 0, "<1"),
        (0.0, 1, "0.0"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, decimals: int, text: str) -> None:
    assert short_percent(share, decimals) == text


def test_labels_without_images_or_answers_have_no_recall_or_precision() -> None:
    assert small().recall(2) is None
    assert Matrix.of(("a", "b"), ((1, 0), (1, 0))).precision(1) is None


def test_the_pairs_are_gone_through_in_a_circle() -> None:
    matrix = small()
    assert matrix.next_pair(0, 0, 1) == (1, 2)
    assert matrix.next_pair(1, 2, 1) == (0, 1)
    assert matrix.next_pair(1, 2, -1) == (1, 0)
    assert matrix.next_pair(0, 0, -1) == (1, 0)
    assert Matrix.of(("a",), ((1,),)).next_pair(0, 0, 1) is None


@pytest.mark.parametrize(
    ("count", "cells", "text"),
    [
        (999, 3, "999"),
        (9_999, 4, "9999"),
        (12_345, 4, "12k"),
        (999_999, 4, "999k"),
        (5_600_000, 4, "5M"),
    ],
)
def test_a_count_that_is_too_long_is_told_in_thousands(count: int, cells: int, text: str) -> None:
    assert short_count(count, cells) == text


@pytest.mark.parametrize("count", [9, 980, 9_999, 123_456])
@pytest.mark.parametrize("mode", ["counts", "rows", "columns"])
def test_ten_digits_are_seen_whole_at_80_columns(count: int, mode: str) -> None:
    counts = [[count if row == column else 1 for column in range(10)] for row in range(10)]
    matrix = Matrix.of([str(at) for at in range(10)], counts)
    assert layout(matrix, mode, 80).across(10) <= 80


def test_many_labels_are_wider_than_the_room() -> None:
    assert layout(large(100), "counts", 80).across(100) > 80


# The widget


async def test_the_whole_matrix_with_its_sums_is_shown() -> None:
    app = Shown(small())
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        lines = [line.split() for line in app.lines()]
        assert lines[0] == ["true\\pred", "cat", "dog", "emu", "images", "recall"]
        assert lines[1] == ["cat", "8", "2", "·", "10", "80.0"]
        assert lines[2] == ["dog", ">", "1", "30", "[", "3]", "34", "88.2"]
        assert lines[3] == ["emu", "·", "·", "·", "0", "-"]
        assert lines[4] == [FOOT[0], "9", "32", "3"]
        assert lines[5] == [FOOT[1], "88.9", "93.8", "0.0"]
        assert all(len(line) == 80 for line in app.lines())


async def test_the_cursor_begins_at_the_most_confused_pair() -> None:
    app = Shown(small())
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.widget.cursor == (1, 2)


@pytest.mark.parametrize(
    ("keys", "cell"),
    [
        ("left", (1, 1)),
        ("h h", (1, 0)),
        ("h h h", (1, 0)),
        ("h right", (1, 2)),
        ("h l", (1, 2)),
        ("up", (0, 2)),
        ("k k", (0, 2)),
        ("down", (2, 2)),
        ("j j", (2, 2)),
        ("home", (1, 0)),
        ("home end", (1, 2)),
        ("ctrl+home", (0, 0)),
        ("ctrl+home ctrl+end", (2, 2)),
        ("pageup", (0, 2)),
        ("pagedown", (2, 2)),
        ("d", (1, 1)),
        ("n", (0, 1)),
        ("p", (1, 0)),
    ],
)
async def test_a_key_moves_the_cursor(keys: str, cell: tuple[int, int]) -> None:
    app = Shown(small())
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press(*keys.split())
        assert app.widget.cursor == cell


async def test_enter_opens_the_cell() -> None:
    app = Shown(small())
    async with app.run_test() as pilot:
        await pilot.press("up", "enter")
        await pilot.pause()
        assert app.opened == [(0, 2)]


async def test_a_click_moves_and_a_double_click_opens() -> None:
    app = Shown(small())
    async with app.run_test() as pilot:
        await pilot.pause()
        head = layout(app.matrix, "counts", 80).head
        await pilot.click(ConfusionMatrix, offset=(head + 1, 1))
        assert app.widget.cursor == (0, 0)
        assert app.opened == []
        await pilot.click(ConfusionMatrix, offset=(head + 1, 2), times=2)
        await pilot.pause()
        assert app.opened == [(1, 0)]


async def test_t_goes_from_counts_to_shares_of_rows_and_columns() -> None:
    app = Shown(small())
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("t")
        assert app.lines()[1].split()[:3] == ["cat", "80.0", "20.0"]
        await pilot.press("t")
        assert app.lines()[1].split()[:3] == ["cat", "88.9", "6.2"]
        await pilot.press("t")
        assert app.lines()[1].split()[:3] == ["cat", "8", "2"]


async def scrolled(pilot: Pilot[None], app: Shown) -> list[str]:
    await pilot.pause()
    await until(pilot, app.lines)
    return app.lines()


@pytest.mark.parametrize("many", [100, 1_000])
async def test_heads_stay_while_many_labels_scroll_both_ways(many: int) -> None:
    app = Shown(large(many))
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("ctrl+end")
        lines = await scrolled(pilot, app)
        assert lines[0].startswith("true\\pred")
        assert lines[0].rstrip().endswith("recall")
        last = next(line for line in lines if line.startswith(f"label {many - 1}"))
        assert "[" in last
        assert last.rstrip().endswith("98.9")
        assert any(line.startswith(FOOT[1]) for line in lines)
        await pilot.press("ctrl+home")
        lines = await scrolled(pilot, app)
        assert lines[1].startswith("label 0 ")
        assert "[" in lines[1]


async def test_every_cell_under_the_cursor_is_seen() -> None:
    app = Shown(large(40))
    async with app.run_test(size=(60, 12)) as pilot:
        for key in ("down", "right", "up", "left"):
            for _ in range(25):
                await pilot.press(key)
                assert any("[" in line for line in app.lines())


async def test_the_cursor_stays_when_the_same_labels_are_shown_anew() -> None:
    app = Shown(small())
    async with app.run_test() as pilot:
        await pilot.press("ctrl+home")
        app.widget.show(Matrix.of(LABELS, ((9, 1, 0), (1, 30, 3), (0, 0, 0))))
        assert app.widget.cursor == (0, 0)
        app.widget.show(large(5))
        assert app.widget.cursor == (0, 1)


async def test_wide_and_hostile_labels_keep_the_columns() -> None:
    matrix = Matrix.of(("日本語の猫", "[b]x\x1b[2J"), ((3, 1), (0, 2)))
    app = Shown(matrix)
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        strips = [app.widget.render_line(y) for y in range(8)]
        assert {strip.cell_length for strip in strips} == {60}
        assert all("\x1b" not in strip.text for strip in strips)


async def test_nothing_confused_is_said() -> None:
    app = Shown(Matrix.of(("a", "b"), ((1, 0), (0, 1))))
    async with app.run_test() as pilot:
        await pilot.press("n")
        await until(pilot, lambda: len(app._notifications) == 1)
        assert app.widget.cursor == (0, 0)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
async def test_heads_are_read_on_dark_and_light_screens(theme: Theme) -> None:
    app = Shown(small())
    async with app.run_test(size=(80, 12)) as pilot:
        app.register_theme(theme)
        app.theme = theme.name
        await pilot.pause()
        for y in (0, 2, 4, 5):
            for segment in app.widget.render_line(y):
                style = segment.style
                if segment.text.strip() not in ("", "·") and style is not None:
                    assert style.color is not None
                    assert style.bgcolor is not None
                    ink, paper = style.color.triplet, style.bgcolor.triplet
                    assert ink is not None
                    assert paper is not None
                    assert contrast(ink.hex, paper.hex) >= 4.5
