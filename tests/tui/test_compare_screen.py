"""The compare screen: who is better, what flipped, the ways to the images, and every key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from ml.comparing import Comparison, compare
from ml.differences import Difference
from ml.pixels import InputSpec
from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tests.ml_fixtures import digits_model, digits_weights, linear_litert
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.evaluation.comparisons import (
    FLIPS,
    cut_text,
    difference_lines,
    figures_text,
    flip_line,
    flips_of,
    titles,
    value_text,
)
from tui.evaluation.view_bar import ViewBar
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice
from tui.grid.widget import ImageGrid
from tui.library.query_words import ids_query
from tui.screens.compare import CompareScreen
from tui.screens.evaluate import EvaluateScreen
from tui.widgets.rows import RowList


@pytest.fixture
def two(dataset: Dataset) -> Dataset:
    """The dataset with a second model, which says 1 too often."""
    weights, bias = digits_weights()
    skewed = bias.copy()
    skewed[1] += 9
    litert = linear_litert(weights, skewed, InputSpec(8, 8, 1))
    with open_repository(dataset.url) as repo:
        repo.models.add(replace(digits_model("skewed"), litert=litert))
    return dataset


@asynccontextmanager
async def comparing(
    dataset: Dataset, a: str = "means", b: str = "skewed", on: str = "test", **options: Any
) -> AsyncIterator[tuple[PixshelfApp, Pilot[None], CompareScreen]]:
    """The app on a comparison, pushed over the evaluate screen."""
    async with running(dataset, **options) as (app, pilot):
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, EvaluateScreen))
        screen = CompareScreen(a, b, on)
        await app.push_screen(screen)
        await pilot.pause()
        yield app, pilot, screen


def expected(dataset: Dataset, **options: Any) -> Comparison:
    with open_repository(dataset.url) as repo:
        return compare(repo, "means", "skewed", "test", **options)


def text(screen: CompareScreen, name: str) -> str:
    return str(screen.query_one(name, Static).render())


# Words


def test_the_figures_say_who_is_better(two: Dataset) -> None:
    comparison = expected(two)
    words = figures_text(comparison).plain
    assert words.splitlines()[0].startswith("A  means ")
    assert f"only A {comparison.only_a}" in words
    assert comparison.verdict in words


def test_models_of_one_name_are_called_by_their_numbers(two: Dataset) -> None:
    comparison = expected(two)
    same = replace(comparison, b=replace(comparison.b, name="means"))
    assert titles(same) == ("model 1", "model 2")


def test_a_list_that_is_cut_says_so(two: Dataset) -> None:
    whole, cut = expected(two), expected(two, flips=2)
    assert cut_text(whole, "a") == ""
    assert cut_text(cut, "a") == f"the first 2 of {cut.only_a} images"
    assert len(flips_of(whole, "a")) == whole.only_a <= FLIPS


def test_a_line_fits_its_room_whatever_the_labels() -> None:
    line = flip_line(("12", "[b]" * 20, "x\x1b[2J", "日本語" * 9), 40)
    assert "\x1b" not in line
    assert line.startswith("      12  [b]")
    assert len(line) <= 40


def test_settings_are_shown_side_by_side() -> None:
    lines = difference_lines([Difference("chosen.epochs", 3, None)], 60)
    assert [line.plain.split() for line in lines] == [
        ["differs", "A", "B"],
        ["chosen.epochs", "3", "-"],
    ]
    assert value_text(["a", 1]) == '["a", 1]'
    assert value_text("a\x1b[31mb") == "ab"


def test_a_query_names_at_most_500_images() -> None:
    query = parse(ids_query(range(1, 2_000)))
    assert len(query.terms[0].values) == 500


# The screen


async def test_a_comparison_predicts_what_is_missing_and_is_shown(two: Dataset) -> None:
    async with comparing(two) as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        assert text(screen, "#chosen") == "means (A) and skewed (B) on split test, 60 images"
        assert "only A" in text(screen, "#figures")
        wanted = expected(two)
        names = screen.query_one(ViewBar).names
        assert names[0] == f"Only A right ({wanted.only_a})"
        assert list(screen.query_one(ImageGrid).ids) == [
            flip.image for flip in wanted.flips if flip.right == "a"
        ]
    with open_repository(two.url) as repo:
        assert repo.images.count(parse("is:predicted model:skewed")) == 60


async def test_other_screens_are_told_when_something_was_predicted(two: Dataset) -> None:
    async with running(two) as (app, pilot):
        told: list[str] = []
        app.changes.subscribe(app.screen, lambda change: told.append(change.what))
        for count in (1, 1):
            screen = CompareScreen("means", "skewed")
            await app.push_screen(screen)
            await until(pilot, lambda screen=screen: screen.comparison is not None)
            await until(pilot, lambda count=count: told.count("predictions") == count)
            app.pop_screen()


async def test_what_it_predicts_itself_is_not_compared_once_more(
    two: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[str] = []

    def counted(repo: Repository, a: str, b: str, on: str, **options: Any) -> Comparison:
        times.append(on)
        return compare(repo, a, b, on, **options)

    monkeypatch.setattr("ml.comparing.compare", counted)
    async with comparing(two) as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None and screen._stop is None)
        await pilot.pause()
        await screen.workers.wait_for_complete()
    assert times == ["test"]


async def test_one_model_twice_is_told_in_place(two: Dataset) -> None:
    async with comparing(two, "means", "means") as (_, pilot, screen):
        await until(pilot, lambda: "are the same model" in text(screen, "#figures"))
        await pilot.press("enter", "w", "1", "2", "3", "tab")
        assert screen.comparison is None


@pytest.mark.parametrize(
    ("keys", "at"), [("1", 0), ("2", 1), ("3", 2), ("tab", 1), ("tab tab tab", 0), ("shift+tab", 2)]
)
async def test_a_key_opens_a_list(two: Dataset, keys: str, at: int) -> None:
    async with comparing(two) as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        await pilot.press(*keys.split())
        await until(pilot, lambda: screen.query_one(ViewBar).at == at)
        assert screen.query_one("#differences").display == (at == 2)
        assert screen.query_one("#flips").display == (at != 2)


async def test_a_click_opens_a_list(two: Dataset) -> None:
    async with comparing(two) as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        await pilot.click(ViewBar, offset=(len(screen.query_one(ViewBar).names[0]) + 6, 0))
        await until(pilot, lambda: screen.query_one(ViewBar).at == 1)


async def test_the_list_that_holds_something_is_opened_first(two: Dataset) -> None:
    async with comparing(two, "skewed", "means") as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        assert screen.comparison is not None
        assert screen.comparison.only_a == 0
        assert screen.query_one(ViewBar).at == 1


async def test_the_list_and_the_pictures_go_together(two: Dataset) -> None:
    async with comparing(two) as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        grid, rows = screen.query_one(ImageGrid), screen.query_one(RowList)
        assert screen.focused is rows
        await pilot.press("down")
        await until(pilot, lambda: grid.cursor == rows.cursor == 1)
        grid.move_to(0)
        await until(pilot, lambda: rows.cursor == 0)


async def test_enter_opens_the_image(two: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    async with comparing(two) as (app, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        opened: list[tuple[list[int], int]] = []
        monkeypatch.setattr(app, "open_image", lambda ids, at: opened.append((list(ids), at)))
        await pilot.press("j", "enter")
        await until(pilot, lambda: opened)
        assert opened == [(list(screen.query_one(ImageGrid).ids), 1)]


async def test_w_opens_the_list_in_the_library(
    two: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with comparing(two) as (app, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        asked: list[str] = []
        monkeypatch.setattr(app, "open_library", asked.append)
        await pilot.press("w")
        await until(pilot, lambda: asked)
        with open_repository(two.url) as repo:
            assert repo.images.ids(parse(asked[0])) == list(screen.query_one(ImageGrid).ids)


async def test_an_empty_list_opens_nothing(two: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    async with comparing(two) as (app, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        asked: list[str] = []
        monkeypatch.setattr(app, "open_library", asked.append)
        await pilot.press("2", "w", "enter")
        await pilot.pause()
        assert asked == []
        assert app.screen is screen


async def test_x_swaps_the_models(two: Dataset) -> None:
    async with comparing(two) as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        await pilot.press("x")
        await until(pilot, lambda: "skewed (A) and means (B)" in text(screen, "#chosen"))


async def test_s_chooses_other_images(two: Dataset) -> None:
    async with comparing(two) as (app, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        app.screen.query_one(Input).value = "label:3,8"
        await pilot.pause()
        await pilot.press("enter")
        await until(
            pilot, lambda: screen.comparison is not None and screen.comparison.on == "label:3,8"
        )


async def test_escape_goes_back(two: Dataset) -> None:
    async with comparing(two) as (app, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, EvaluateScreen))


async def test_undo_on_the_screen_is_shown_at_once(two: Dataset) -> None:
    with open_repository(two.url) as repo:
        repo.images.set_label([1], None, actor="test")
    async with comparing(two) as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None and screen.comparison.n == 59)
        await pilot.press("u")
        await until(pilot, lambda: screen.comparison is not None and screen.comparison.n == 60)


async def test_the_commands_are_those_of_the_comparison(two: Dataset) -> None:
    async with comparing(two) as (_, pilot, screen):
        await until(pilot, lambda: screen.comparison is not None)
        found = dict(screen.commands())
        assert found["compare"].endswith("models compare means skewed --split test")
        assert " ls id:" in found["list the images that flipped"]
