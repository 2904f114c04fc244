"""The library: what is shown for a query, its panel, its order, and where its keys lead."""

from __future__ import annotations

import asyncio
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot

from storage.opening import open_repository
from storage.query import Query, Sort, parse
from storage.repository import Repository
from tests.ml_fixtures import picture
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.edits import label_edit, trash_edit
from tui.frame.section import StatusLine
from tui.grid.widget import ImageGrid
from tui.labels.label_bar import LabelBar
from tui.library import listing
from tui.library.commands import MOST_IDS, commands_of
from tui.library.listing import begins_with, place_of, status_text
from tui.library.nothing import Nothing
from tui.library.query_line import QueryLine
from tui.screens.image import ImageScreen
from tui.screens.library import LibraryScreen
from tui.settings import TuiSettings


def library(app: PixshelfApp) -> LibraryScreen:
    screen = app.screen
    assert isinstance(screen, LibraryScreen)
    return screen


def status(screen: LibraryScreen) -> str:
    return screen.query_one(StatusLine).text


# --- pure


def test_an_order_by_answers_says_what_it_leaves_out() -> None:
    facts = {"position": 0, "shown": 9, "total": 9, "selected": 0, "pending": 0, "stale": False}
    assert status_text(**facts, sort="margin") == "1 of 9 · by margin: only images with an answer"
    assert status_text(**facts, sort="width") == "1 of 9"


def test_the_status_line_tells_place_selection_and_what_is_not_stored() -> None:
    words = status_text(position=11, shown=20, total=1797, selected=3, pending=2, stale=True)
    assert words == "12 of 1,797 · 3 selected · storing 2 edits · changed since: ctrl+r asks anew"
    assert "of …" in status_text(
        position=0, shown=9, total=None, selected=0, pending=0, stale=False
    )


@pytest.mark.parametrize("sort", [Sort(), Sort("width")])
def test_an_image_is_found_in_a_list(sort: Sort) -> None:
    assert place_of(array("q", [2, 5, 9]), 5, sort) == 1
    assert place_of(array("q", [2, 5, 9]), 6, sort) is None


def test_a_list_that_begins_otherwise_is_another_one() -> None:
    assert begins_with(array("q", [1, 2, 3]), array("q", [1, 2]))
    assert not begins_with(array("q", [2, 3]), array("q", [1, 2]))


def test_commands_name_the_images_that_are_meant() -> None:
    found = dict(commands_of(parse("split:test sort:width"), (4, 5), 60, ["7"]))
    assert found["list the images"] == ("ls", "split:test", "sort:width", "--limit", "0")
    assert found["label 2 images"] == ("label", "4,5", "7")
    assert found["put 2 images into a split"] == ("split", "id:4,5", "--to", "test")


def test_commands_name_the_query_where_all_of_it_is_meant() -> None:
    ids = tuple(range(1, 61))
    found = dict(commands_of(parse("split:test sort:width"), ids, 60, ["7"]))
    assert found["move 60 images to the trash"] == ("rm", "split:test")


def test_a_query_that_may_be_another_by_now_stands_for_no_images() -> None:
    ids = tuple(range(1, 61))
    found = dict(commands_of(parse("label:7"), ids, None, ["8"]))
    assert found["label 60 images"] == ("label", ",".join(map(str, ids)), "8")


def test_classifying_every_image_is_told_as_it_is_done() -> None:
    found = dict(commands_of(parse(""), (), 9, []))
    assert found["classify them"] == ("predict", "--query", "id>0", "--save")


def test_more_ids_than_a_command_line_holds_are_not_named() -> None:
    found = dict(commands_of(parse(""), tuple(range(MOST_IDS + 1)), 9999, ["7"]))
    assert not [what for what in found if what.startswith("label")]


# --- what is shown


async def test_all_images_are_shown_at_first(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        assert list(screen.grid.ids) == list(range(1, 121))
        assert status(screen) == "1 of 120"
        assert screen.grid.has_focus


async def test_the_label_under_the_cursor_is_told_however_late_it_is_read(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    take = ImageGrid._tell

    def late(grid: ImageGrid, read: Any) -> None:
        let_go.wait()
        take(grid, read)

    monkeypatch.setattr(ImageGrid, "_tell", late)
    async with running(dataset) as (app, pilot):
        bar = library(app).query_one(LabelBar)
        await until(pilot, lambda: library(app).total == 120)
        await asyncio.sleep(0.2)
        assert bar.current is None
        let_go.set()
        with dataset.open() as repo:
            expected = repo.images.get(1).label
        await until(pilot, lambda: bar.current == expected)


async def test_the_first_images_are_shown_before_the_whole_list_is_there(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FIRST", 30)
    shown: list[int] = []
    show = ImageGrid.show

    def noted(grid: ImageGrid, ids: array[int], **more: Any) -> None:
        shown.append(len(ids))
        show(grid, ids, **more)

    monkeypatch.setattr(ImageGrid, "show", noted)
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: len(screen.grid.ids) == 120)
        assert shown == [30]
        assert screen.total == 120


async def test_the_cursor_stays_while_the_rest_of_the_list_comes(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FIRST", 30)
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: len(screen.grid.ids) >= 30)
        screen.grid.move_to(7)
        await until(pilot, lambda: len(screen.grid.ids) == 120)
        assert screen.grid.cursor == 7


class Held:
    """Holds the whole list back until `go`, as a dataset of a million images does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        real = listing.all_ids

        def late(repo: Repository, query: Query) -> array[int]:
            assert self.go.wait(20)
            return real(repo, query)

        monkeypatch.setattr(listing, "FIRST", 30)
        monkeypatch.setattr("tui.screens.library.all_ids", late)


@pytest.mark.parametrize("key", ["ctrl+a", "end"])
async def test_nothing_is_done_to_the_first_images_in_the_place_of_all(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    held = Held(monkeypatch)
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: len(screen.grid.ids) == 30 and screen.labels)
        await pilot.press(key, "7")
        assert app.newest_edit is None
        assert not [what for what, _ in screen.commands() if what.startswith("label")]
        held.go.set()
        await until(pilot, lambda: len(screen.grid.ids) == 120)
        await pilot.press("7")
        await until(pilot, lambda: app.newest_edit is not None)
        assert app.newest_edit is not None
        expected = tuple(range(1, 121)) if key == "ctrl+a" else (120,)
        assert app.newest_edit.images == expected


async def test_the_status_line_says_that_more_will_be_selected(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: len(screen.grid.ids) == 30)
        await pilot.press("ctrl+a")
        await until(pilot, lambda: "30 selected, more to come" in status(screen))
        held.go.set()
        await until(pilot, lambda: "120 selected" in status(screen))


async def test_an_id_further_on_is_gone_to_once_it_is_listed(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: len(screen.grid.ids) == 30)
        screen.go_to(77)
        held.go.set()
        await until(pilot, lambda: screen.grid.current() == 77)


async def test_a_new_query_keeps_the_selection_beyond_its_first_page(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FIRST", 30)
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: len(screen.grid.ids) == 120)
        screen.grid.select((5, 90))
        screen.ask("id>3")
        await until(pilot, lambda: screen.total == 117 and len(screen.grid.ids) == 117)
        assert screen.grid.selected() == (5, 90)


async def test_a_query_whose_images_were_edited_is_no_name_for_them(dataset: Dataset) -> None:
    async with running(dataset, query="is:unlabelled") as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 20)
        await pilot.press("ctrl+a")
        assert any("label is:unlabelled" in line for _, line in screen.commands())
        await pilot.press("7", "ctrl+a")
        await until(pilot, lambda: "changed since" in status(screen))
        assert not any("label is:unlabelled" in line for _, line in screen.commands())
        assert any("label 101,102," in line for _, line in screen.commands())


async def test_a_query_given_at_the_start_is_asked_first(dataset: Dataset) -> None:
    async with running(dataset, query="split:train") as (app, pilot):
        await until(pilot, lambda: library(app).total == 40)


async def test_another_screen_opens_the_library_with_a_query(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("f8")
        app.open_library("tag:odd")
        await until(pilot, lambda: library(app).total == 3)
        assert library(app).query_text == "tag:odd"


async def test_a_query_without_images_says_how_to_widen_it(dataset: Dataset) -> None:
    async with running(dataset, query="label:nothing") as (app, pilot):
        screen = library(app)
        nothing = screen.query_one(Nothing)
        await until(pilot, lambda: nothing.display)
        assert "Nothing matches" in nothing.heading
        await pilot.press("x")
        await until(pilot, lambda: screen.total == 120)
        assert not nothing.display
        assert screen.grid.has_focus


async def test_a_query_that_cannot_be_answered_says_why(dataset: Dataset) -> None:
    async with running(dataset, query="is:dark") as (app, pilot):
        nothing = library(app).query_one(Nothing)
        await until(pilot, lambda: "none has been measured" in nothing.heading)
        assert "F6" in str(nothing.render())


async def test_a_model_that_there_is_not_is_told_in_place(dataset: Dataset) -> None:
    async with running(dataset, query="is:wrong model:nobody") as (app, pilot):
        nothing = library(app).query_one(Nothing)
        await until(pilot, lambda: "nobody" in nothing.heading)
        assert len(app.screen_stack) == 1


async def test_the_grid_shows_the_model_of_the_query(dataset: Dataset) -> None:
    async with running(dataset, query="is:predicted model:means") as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 60)
        assert screen.grid.model == "means"


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[Dataset]:
    """A dataset of pictures as wide as photos."""
    path = tmp_path / "photos.db"
    with open_repository(path, create=True) as repo:
        pixels = np.random.default_rng(0).integers(0, 256, (8, 60, 90, 3), np.uint8)
        begun = repo.images.begin_import("photos", {})
        repo.images.add([picture(each) for each in pixels], import_id=begun)
    opened = Dataset(str(path))
    yield opened
    opened.close()


@pytest.mark.parametrize(("size", "zoom"), [((80, 24), 24), ((150, 50), 32)])
async def test_photos_are_shown_larger_than_digits(
    photos: Dataset, size: tuple[int, int], zoom: int
) -> None:
    async with running(photos, size=size) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 8)
        assert screen.grid.zoom == zoom
        assert screen.grid.places.columns >= 3


async def test_a_size_that_was_chosen_stays(photos: Dataset) -> None:
    async with running(photos) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 8)
        await pilot.press("minus")
        await pilot.resize_terminal(160, 50)
        screen.ask("id>2")
        await until(pilot, lambda: screen.total == 6)
        assert screen.grid.zoom == 20


# --- changes


async def test_images_stay_where_they_are_until_the_query_is_asked_again(
    dataset: Dataset,
) -> None:
    async with running(dataset, query="is:unlabelled") as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 20)
        await pilot.press("7")
        await until(pilot, lambda: "changed since" in status(screen))
        assert len(screen.grid.ids) == 20
        await pilot.press("ctrl+r")
        await until(pilot, lambda: screen.total == 19)
        assert "changed since" not in status(screen)


async def test_a_refresh_leaves_the_cursor_on_its_image(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        screen.go_to(50)
        app.edit(trash_edit((10,), away=True))
        await until(pilot, lambda: "changed since" in status(screen))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: screen.total == 119)
        assert screen.grid.current() == 50


async def test_an_import_behind_another_screen_is_seen_on_coming_back(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        await pilot.press("f8")
        with open_repository(dataset.url) as repo:
            repo.images.delete([1, 2], actor="test")
        app.changes.publish(Change("import"))
        await pilot.pause()
        assert screen.total == 120
        await pilot.press("f2")
        await until(pilot, lambda: screen.total == 118)


async def test_edits_that_are_not_stored_yet_are_counted(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        app.edit(label_edit((1,), "zebra"))
        await until(pilot, lambda: not dataset.pending_edits)
        await until(pilot, lambda: status(screen) == "1 of 120")


# --- finding


async def test_the_order_is_chosen_by_one_key(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        await pilot.press("o", "I")
        await until(pilot, lambda: screen.grid.ids[0] == 120)
        assert screen.query_text == "sort:-id"
        await pilot.press("o", "c")
        await until(pilot, lambda: screen.total == 60)
        with open_repository(dataset.url) as repo:
            assert list(screen.grid.ids) == repo.images.ids(parse("sort:confidence"))


async def test_all_images_keeps_the_cursor_on_its_image(dataset: Dataset) -> None:
    async with running(dataset, query="split:train") as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 40)
        image = screen.grid.current()
        await pilot.press("x")
        await until(pilot, lambda: screen.total == 120)
        assert screen.grid.current() == image
        assert screen.query_text == ""


async def test_an_id_is_gone_to(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        await pilot.press("colon", *"77", "enter")
        await until(pilot, lambda: screen.grid.current() == 77)
        await pilot.press("number_sign", *"x", "enter")
        assert len(app.screen_stack) == 2
        await pilot.press("escape", "colon", *"999", "enter")
        await until(pilot, lambda: app._notifications)
        assert screen.grid.current() == 77


async def test_enter_opens_the_image_by_itself(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await until(pilot, lambda: library(app).total == 120)
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, ImageScreen))
        opened = app.screen
        assert isinstance(opened, ImageScreen)
        assert opened.image == 2


async def test_selecting_is_told_in_the_status_line(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        await pilot.press("space", "space")
        await until(pilot, lambda: status(screen) == "3 of 120 · 2 selected")
        assert screen.targets() == (1, 2)


# --- the panel


async def test_the_panel_is_shown_where_there_is_room(dataset: Dataset) -> None:
    async with running(dataset, size=(120, 40)) as (app, pilot):
        assert library(app).panel.display
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not library(app).panel.display)


async def test_the_panel_is_shown_and_hidden_by_a_key(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        panel = library(app).panel
        await pilot.press("b")
        assert panel.display
        await pilot.resize_terminal(90, 30)
        assert panel.display
        await pilot.press("b")
        assert not panel.display


async def test_tab_goes_to_the_panel_and_back(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        await pilot.press("tab")
        assert screen.panel.has_focus
        assert screen.panel.display
        await pilot.press("tab")
        assert screen.grid.has_focus
        assert not screen.panel.display


async def go_to_facet(
    app: PixshelfApp, pilot: Pilot[None], field: str, value: str
) -> LibraryScreen:
    """Put the panel's cursor on a value, once it is counted."""
    screen = library(app)
    panel = screen.panel
    await until(pilot, lambda: any(f.value == value for f in panel.facets))
    panel.focus()
    panel.move_to(
        next(at for at, f in enumerate(panel.facets) if (f.field, f.value) == (field, value))
    )
    return screen


async def test_a_value_filters_and_filters_no_longer(dataset: Dataset) -> None:
    async with running(dataset, size=(120, 40)) as (app, pilot):
        screen = await go_to_facet(app, pilot, "split", "train")
        await pilot.press("enter")
        await until(pilot, lambda: screen.total == 40)
        assert screen.query_text == "split:train"
        assert screen.panel.has_focus
        await pilot.press("space")
        await until(pilot, lambda: screen.total == 120)


async def test_two_values_of_a_field_are_asked_for_together(dataset: Dataset) -> None:
    async with running(dataset, size=(120, 40), query="split:train") as (app, pilot):
        screen = await go_to_facet(app, pilot, "split", "test")
        await pilot.press("enter")
        await until(pilot, lambda: screen.total == 100)
        assert screen.query_text == "split:train,test"


async def test_minus_leaves_a_value_out(dataset: Dataset) -> None:
    async with running(dataset, size=(120, 40)) as (app, pilot):
        screen = await go_to_facet(app, pilot, "tag", "odd")
        await pilot.press("minus")
        await until(pilot, lambda: screen.total == 117)
        assert screen.query_text == "-tag:odd"


async def test_a_double_click_on_a_value_filters(dataset: Dataset) -> None:
    async with running(dataset, size=(120, 40)) as (app, pilot):
        screen = await go_to_facet(app, pilot, "split", "train")
        await pilot.click(screen.panel, offset=(4, screen.panel.cursor), times=2)
        await until(pilot, lambda: screen.total == 40)


async def test_a_group_is_folded_and_unfolded(dataset: Dataset) -> None:
    async with running(dataset, size=(120, 40)) as (app, pilot):
        screen = await go_to_facet(app, pilot, "split", "train")
        await pilot.press("left")
        assert not any(f.field == "split" for f in screen.panel.facets)
        await pilot.press("enter")
        assert any(f.field == "split" for f in screen.panel.facets)


async def test_a_query_is_saved_asked_from_the_panel_and_removed(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    async with running(dataset, size=(120, 40), query="tag:odd", config_path=path) as (app, pilot):
        await until(pilot, lambda: library(app).total == 3)
        await pilot.press("ctrl+s", *"mine", "enter")
        await until(pilot, lambda: app.settings.queries == {"mine": "tag:odd"})
        await until(pilot, lambda: "tag:odd" in path.read_text("utf-8"))
        await pilot.press("x")
        screen = await go_to_facet(app, pilot, "saved", "tag:odd")
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_text == "tag:odd")
        await pilot.press("delete")
        await until(pilot, lambda: not app.settings.queries)


async def test_every_image_is_no_query_to_save(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await until(pilot, lambda: library(app).total == 120)
        await pilot.press("ctrl+s")
        assert len(app.screen_stack) == 1


async def test_a_saved_query_that_is_wrong_is_opened_to_be_mended(dataset: Dataset) -> None:
    settings = TuiSettings(queries={"old": "labl:7"})
    async with running(dataset, size=(120, 40), settings=settings) as (app, pilot):
        screen = await go_to_facet(app, pilot, "saved", "labl:7")
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_one(QueryLine).is_edited)


# --- an empty dataset


async def test_an_empty_dataset_greets_and_loads_digits(tmp_path: Path) -> None:
    dataset = Dataset(str(tmp_path / "empty.db"))
    dataset.create()
    try:
        async with running(dataset) as (app, pilot):
            screen = library(app)
            nothing = screen.query_one(Nothing)
            await until(pilot, lambda: "no images in this dataset yet" in nothing.heading)
            assert "F9" in str(nothing.render())
            await pilot.press("D")
            await until(pilot, lambda: screen.total == 1797)
            assert not nothing.display
            assert screen.check_action("digits", ()) is False
    finally:
        dataset.close()


async def test_digits_are_not_loaded_into_a_dataset_with_images(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await until(pilot, lambda: library(app).total == 120)
        await pilot.press("D")
        await pilot.pause()
        assert library(app).total == 120


# --- as commands


async def test_what_is_shown_is_told_as_command_lines(dataset: Dataset) -> None:
    async with running(dataset, query="split:test") as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 60)
        found = dict(screen.commands())
        assert found["list the images"] == (f"pixshelf --db {dataset.url} ls split:test --limit 0")
        assert "label --clear 1" in found["clear the label of image 1"]


async def test_predictions_concern_only_a_query_that_asks_for_them(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120)
        app.changes.publish(Change("predictions"))
        await pilot.pause()
        assert "changed since" not in status(screen)
        screen.ask("is:predicted")
        await until(pilot, lambda: screen.total == 60)
        app.changes.publish(Change("predictions"))
        await until(pilot, lambda: "changed since" in status(screen))
