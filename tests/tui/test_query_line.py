"""The query line: written with completions, asked, mended where it is wrong, and left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.tui.driving import running, until
from tui.frame.dataset import Dataset
from tui.library.query_line import MOST_REMEMBERED, QueryLine
from tui.screens.library import LibraryScreen


@asynccontextmanager
async def written(
    dataset: Dataset, *keys: str, query: str = ""
) -> AsyncIterator[tuple[LibraryScreen, QueryLine, Pilot[None]]]:
    """The library with its query line opened and keys typed into it."""
    async with running(dataset, query=query) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, LibraryScreen)
        await until(pilot, lambda: screen.total is not None and screen.labels and screen.tags)
        await pilot.press("slash")
        line = screen.query_one(QueryLine)
        await until(pilot, lambda: line.words is not None)
        await pilot.press(*keys)
        yield screen, line, pilot


def below(line: QueryLine) -> str:
    """What stands below the line."""
    return str(line.query_one(".offers", Static).visual)


async def test_a_query_is_asked_by_enter(dataset: Dataset) -> None:
    async with written(dataset, *"split:train", "enter") as (screen, line, pilot):
        await until(pilot, lambda: screen.total == 40)
        assert screen.query_text == line.text == "split:train"
        assert not line.is_edited
        assert screen.grid.has_focus


async def test_escape_leaves_the_query_as_it_was(dataset: Dataset) -> None:
    async with written(dataset, *"split:train", "escape", query="tag:odd") as (screen, line, pilot):
        await pilot.press("escape")
        assert not line.is_edited
        assert screen.query_text == line.text == "tag:odd"
        assert screen.grid.has_focus


async def test_escape_closes_the_completions_first(dataset: Dataset) -> None:
    async with written(dataset, *"sp") as (_, line, pilot):
        assert "split:" in below(line)
        await pilot.press("escape")
        assert line.is_edited
        assert not line.query_one(".offers").display


async def test_tab_takes_the_completion_that_stands_out(dataset: Dataset) -> None:
    async with written(dataset, *"sp", "tab", *"tr", "tab", "enter") as (screen, _, pilot):
        await until(pilot, lambda: screen.total == 40)
        assert screen.query_text == "split:train"


async def test_down_goes_to_the_next_completion_and_up_back(dataset: Dataset) -> None:
    async with written(dataset, *"split:t", "down", "tab") as (_, line, pilot):
        assert line.query_one(Input).value == "split:test "
        await pilot.press(*"label:", "down", "up", "tab")
        assert line.query_one(Input).value.endswith("label:0 ")


async def test_tags_and_models_of_the_dataset_are_offered(dataset: Dataset) -> None:
    async with written(dataset, *"tag:") as (_, line, pilot):
        assert "odd" in below(line)
        await pilot.press("escape", "ctrl+u", *"model:")
        assert "means" in below(line)


async def test_up_and_down_go_through_the_queries_that_were_asked(dataset: Dataset) -> None:
    async with written(dataset, *"split:train", "enter") as (_, line, pilot):
        await pilot.press("slash", "ctrl+u", *"tag:odd", "space", "enter")
        await pilot.press("slash", "up", "up")
        assert line.query_one(Input).value == "split:train"
        await pilot.press("down")
        assert line.query_one(Input).value == "tag:odd"


async def test_what_is_remembered_is_bounded(dataset: Dataset) -> None:
    async with written(dataset) as (_, line, _pilot):
        for number in range(MOST_REMEMBERED + 5):
            line._remember(f"id:{number}")
        assert len(line.remembered) == MOST_REMEMBERED
        assert line.remembered[-1] == f"id:{MOST_REMEMBERED + 4}"


async def test_a_query_that_is_wrong_is_shown_with_a_caret_under_the_word(
    dataset: Dataset,
) -> None:
    async with written(dataset, *"tag:odd labl:3", "enter") as (screen, line, _):
        shown = below(line).splitlines()
        assert shown[0] == " " * 10 + "^^^^^^"
        assert "'labl' is not a field" in shown[1]
        assert "Did you mean 'label'?" in shown[2]
        assert line.is_edited
        assert screen.query_text == ""


async def test_a_word_that_is_still_written_is_not_called_wrong(dataset: Dataset) -> None:
    async with written(dataset, *"labl:3") as (_, line, pilot):
        assert "not a field" not in below(line)
        await pilot.press("space", "t")
        assert "not a field" in below(line)


async def test_a_query_from_elsewhere_that_is_wrong_is_opened_to_be_mended(
    dataset: Dataset,
) -> None:
    async with running(dataset) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, LibraryScreen)
        app.open_library("splitt:test")
        line = screen.query_one(QueryLine)
        await until(pilot, lambda: "'splitt' is not a field" in below(line))
        assert line.query_one(Input).value == "splitt:test"


async def test_a_click_opens_the_line(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.click(QueryLine)
        await until(pilot, lambda: isinstance(app.focused, Input))


async def test_words_with_brackets_and_controls_are_shown_as_they_are(dataset: Dataset) -> None:
    async with written(dataset, *"[bold]x", "enter") as (_, line, _pilot):
        assert "[bold]x" in below(line)
