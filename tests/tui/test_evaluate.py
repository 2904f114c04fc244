"""The evaluate screen: what is shown, every key, and what the dataset then holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from storage.opening import open_repository
from storage.query import parse
from tests.ml_fixtures import digits_model
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.evaluation.label_table import LabelHeads, LabelTable
from tui.evaluation.matrix_widget import ConfusionMatrix
from tui.evaluation.view_bar import ViewBar
from tui.evaluation.views import EvaluationViews
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice, Message, Prompt
from tui.frame.edits import label_edit
from tui.grid.widget import ImageGrid
from tui.screens.evaluate import EvaluateScreen
from tui.widgets.rows import RowList


@asynccontextmanager
async def evaluating(
    dataset: Dataset, **options: Any
) -> AsyncIterator[tuple[PixshelfApp, Pilot[None], EvaluateScreen]]:
    """The app on the evaluate screen, once it has read what is stored."""
    async with running(dataset, **options) as (app, pilot):
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, EvaluateScreen))
        screen = app.screen
        assert isinstance(screen, EvaluateScreen)
        await until(pilot, lambda: screen.on and "Reading" not in notice(screen))
        yield app, pilot, screen


def notice(screen: EvaluateScreen) -> str:
    """The words in the place of the views; '' where there is an evaluation."""
    if screen.shown is not None:
        return ""
    return str(screen.query_one("#notice", Static).render())


def line(screen: EvaluateScreen, name: str) -> str:
    return str(screen.query_one(name, Static).render())


def on_screen(app: PixshelfApp) -> str:
    """Everything that is on the screen, as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


def views(screen: EvaluateScreen) -> EvaluationViews:
    return screen.query_one(EvaluationViews)


def asked_of(app: PixshelfApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that the library is opened with from now on."""
    asked: list[str] = []
    monkeypatch.setattr(app, "open_library", asked.append)
    return asked


# What is shown


async def test_stored_answers_are_shown_at_once(dataset: Dataset) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        assert line(screen, "#chosen").startswith("means on split test, 60 images: accuracy ")
        matrix = screen.query_one(ConfusionMatrix)
        assert matrix.matrix is not None
        assert sum(matrix.matrix.rows) == 60
        assert screen.focused is matrix
        assert "predicted as" in line(screen, "#meaning")


async def test_a_dataset_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    open_repository(path, create=True).close()
    dataset = Dataset(str(path))
    try:
        async with evaluating(dataset) as (_, pilot, screen):
            await until(pilot, lambda: "no model yet" in notice(screen))
            assert "F4" in notice(screen)
            await pilot.press("e", "c", "w", "r", "enter", "1", "o", "escape")
            assert screen.commands() == []
    finally:
        dataset.close()


async def test_nothing_is_written_by_looking(dataset: Dataset) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        screen.on = "train"
        screen.refresh_data()
        await until(pilot, lambda: "not answered for all of train" in notice(screen))
    with open_repository(dataset.url) as repo:
        assert repo.images.count(parse("split:train is:predicted")) == 0


async def test_a_split_whose_labels_the_model_never_learned_is_told_in_place(
    dataset: Dataset,
) -> None:
    with open_repository(dataset.url) as repo:
        repo.images.set_label([1], "giraffe [b]", actor="test")
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: "never learned" in notice(screen))
        assert "giraffe [b]" in notice(screen)


async def test_an_edit_elsewhere_is_read_when_the_screen_comes_back(dataset: Dataset) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        app.go("library")
        app.edit(label_edit((1,), None))
        await app.dataset.settled()
        await pilot.pause()
        assert screen.shown is not None
        assert screen.shown.evaluation.n == 60
        await pilot.press("f5")
        await until(pilot, lambda: screen.shown is not None and screen.shown.evaluation.n == 59)


async def test_undo_on_the_screen_is_shown_at_once(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.images.set_label([1], None, actor="test")
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("u")
        await until(pilot, lambda: screen.shown is not None and screen.shown.evaluation.n == 60)


async def test_wide_screens_have_the_most_confused_pairs_beside_the_matrix(
    dataset: Dataset,
) -> None:
    async with evaluating(dataset, size=(140, 40)) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        pairs = screen.query_one("#pairs", Static)
        await until(pilot, lambda: pairs.display and "> " in str(pairs.render()))
        first = next(text for text in str(pairs.render()).splitlines() if text.startswith("> "))
        await pilot.press("n")
        await until(pilot, lambda: first not in str(pairs.render()))


async def test_wide_screens_show_the_images_of_the_cell(dataset: Dataset) -> None:
    async with evaluating(dataset, size=(140, 40)) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        grid = screen.query_one("#cell", ImageGrid)
        row, column = screen.query_one(ConfusionMatrix).cursor
        with open_repository(dataset.url) as repo:
            wanted = repo.images.ids(parse(f"label:{row} predicted:{column} split:test"))
            right = repo.images.ids(parse(f"label:{row} predicted:{row} split:test"))
        await until(pilot, lambda: list(grid.ids) == wanted)
        await pilot.press("d")
        await until(pilot, lambda: list(grid.ids) == right)


# Choosing


async def test_m_chooses_the_model(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("second"))
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: "second has not answered" in notice(screen))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press(*"means", "enter")
        await until(pilot, lambda: screen.shown is not None)
        assert screen.chosen is not None
        assert screen.chosen.word == "means"


async def test_another_screen_can_choose_the_model(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("second"))
    async with evaluating(dataset) as (_, pilot, screen):
        screen.choose_model("means")
        await until(pilot, lambda: screen.shown is not None)
        screen.choose_model("never")
        await until(pilot, lambda: "no model 'never'" in notice(screen))


async def test_the_model_can_be_chosen_before_the_screen_was_ever_open(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("second"))
    async with running(dataset) as (app, pilot):
        app.go("evaluate")
        screen = app.screen
        assert isinstance(screen, EvaluateScreen)
        screen.choose_model("means")
        await until(pilot, lambda: screen.shown is not None)
        assert screen.shown is not None
        assert screen.shown.evaluation.model == "means"


async def test_s_chooses_the_split(dataset: Dataset) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press(*"train", "enter")
        await until(pilot, lambda: "train" in notice(screen))
        assert screen.on == "train"


async def test_s_takes_a_query_too(dataset: Dataset) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        app.screen.query_one(Input).value = "tag:odd"
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: screen.shown is not None and screen.shown.evaluation.n == 3)


async def test_a_query_that_is_not_understood_changes_nothing(dataset: Dataset) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        app.screen.query_one(Input).value = "nonsense:"
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        assert screen.on == "test"
        assert screen.shown is not None


# Evaluating


@pytest.mark.parametrize("key", ["e", "enter"])
async def test_what_is_missing_is_predicted_and_stored(dataset: Dataset, key: str) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        screen.on = "train"
        screen.refresh_data()
        await until(pilot, lambda: "none of 40 labelled" in notice(screen))
        await pilot.press(key)
        await until(pilot, lambda: screen.shown is not None)
        assert screen.shown is not None
        assert screen.shown.evaluation.n == 40
        assert any("by heart" in note for note in screen.shown.evaluation.notes)
    with open_repository(dataset.url) as repo:
        assert repo.images.count(parse("split:train is:predicted")) == 40


async def test_other_screens_are_told_of_new_predictions(dataset: Dataset) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        told: list[str] = []
        app.changes.subscribe(app.screen, lambda change: told.append(change.what))
        await pilot.press("e")
        await until(pilot, lambda: "predictions" in told)
        await until(pilot, lambda: screen.shown is not None)


async def test_escape_stops_an_evaluation(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: object, progress: Any, **__: object) -> None:
        while True:
            progress(1, 100)

    monkeypatch.setattr("tui.screens.evaluate.run_evaluation", endless)
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("e")
        await until(pilot, lambda: "Escape stops" in notice(screen))
        await pilot.press("escape")
        await until(pilot, lambda: screen.shown is not None)


async def test_an_evaluation_that_fails_is_told_and_the_screen_goes_on(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.models.add(replace(digits_model("broken"), litert=b"no model at all"))
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: "broken has not" in notice(screen))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Message))
        await pilot.press("escape")
        await until(pilot, lambda: "broken has not" in notice(screen))


# Views


@pytest.mark.parametrize(
    ("key", "view"),
    [
        ("1", "#matrix-view"),
        ("2", "#labels"),
        ("3", "#mistakes"),
        ("4", "#reliability"),
        ("5", "#summary"),
        ("tab", "#labels"),
        ("shift+tab", "#summary"),
    ],
)
async def test_a_key_opens_a_view(dataset: Dataset, key: str, view: str) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press(key)
        await until(pilot, lambda: screen.query_one(view).display)
        others = ("#matrix-view", "#labels", "#mistakes", "#reliability", "#summary")
        assert [name for name in others if screen.query_one(name).display] == [view]
        focus = screen.focused
        assert focus is not None
        assert screen.query_one(view) in focus.ancestors_with_self


async def test_a_click_opens_a_view(dataset: Dataset) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.click(ViewBar, offset=(12, 0))
        await until(pilot, lambda: views(screen).at == 1)


async def test_the_labels_can_be_ordered_by_keys_and_by_their_heads(dataset: Dataset) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        table = screen.query_one(LabelTable)
        await pilot.press("2", "o")
        await until(pilot, lambda: table.column == "images")
        images = [row.score.support for row in table.rows]
        assert images == sorted(images, reverse=True)
        await pilot.press("O")
        assert [row.score.support for row in table.rows] == sorted(images)
        await pilot.click(LabelHeads, offset=(2, 0))
        await until(pilot, lambda: [row.label for row in table.rows] == list("0123456789"))


async def test_the_worst_mistakes_are_pictures_of_them(dataset: Dataset) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("3")
        grid = screen.query_one("#mistakes", ImageGrid)
        with open_repository(dataset.url) as repo:
            expected = repo.images.ids(parse("is:wrong split:test sort:-confidence"))
        assert list(grid.ids) == expected
        assert line(screen, "#meaning").startswith(f"image {expected[0]}: ")
        await pilot.press("right")
        await until(pilot, lambda: line(screen, "#meaning").startswith(f"image {expected[1]}: "))


async def test_reliability_and_summary_have_their_words(dataset: Dataset) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        text = str(screen.query_one("#summary Static", Static).render())
        assert "95 % interval" in text
        assert "temperature" in text
        await pilot.press("4")
        await until(pilot, lambda: "calibration error" in on_screen(app))
        assert "mean confidence" in on_screen(app)


# The ways to images


async def test_enter_on_a_cell_opens_its_images(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        asked = asked_of(app, monkeypatch)
        matrix = screen.query_one(ConfusionMatrix)
        row, column = matrix.cursor
        await pilot.press("enter")
        await until(pilot, lambda: asked)
        assert asked == [f"label:{row} predicted:{column} split:test model:means"]
        with open_repository(dataset.url) as repo:
            assert matrix.matrix is not None
            assert repo.images.count(parse(asked[0])) == matrix.matrix.counts[row][column]


async def test_the_library_opens_with_the_cells_query(dataset: Dataset) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "library")
        assert app.first_query.startswith("label:")


async def test_an_empty_cell_opens_nothing(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        asked = asked_of(app, monkeypatch)
        matrix = screen.query_one(ConfusionMatrix)
        assert matrix.matrix is not None
        empty = next(
            (row, column)
            for row, counts in enumerate(matrix.matrix.counts)
            for column, count in enumerate(counts)
            if not count
        )
        matrix.move_to(*empty)
        await pilot.press("enter")
        await pilot.pause()
        assert asked == []


async def test_enter_on_a_label_opens_its_mistakes(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        asked = asked_of(app, monkeypatch)
        await pilot.press("2")
        table = screen.query_one(LabelTable)
        table.order("mistakes", reverse=False)
        await pilot.press("home", "enter")
        await until(pilot, lambda: asked)
        label = table.rows[0].label
        assert asked == [f"label:{label} is:wrong split:test model:means sort:-confidence"]


async def test_a_label_without_mistakes_opens_nothing(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        asked = asked_of(app, monkeypatch)
        await pilot.press("2")
        table = screen.query_one(LabelTable)
        table.order("mistakes", reverse=True)
        assert table.rows[0].mistakes == 0
        screen.query_one(LabelTable).query_one(RowList).move_to(0)
        await pilot.press("enter")
        await pilot.pause()
        assert asked == []


async def test_w_opens_every_mistake(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        asked = asked_of(app, monkeypatch)
        await pilot.press("w")
        await until(pilot, lambda: asked)
        assert asked == ["is:wrong split:test model:means sort:-confidence"]


async def test_enter_on_a_mistake_opens_the_image(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        opened: list[tuple[list[int], int]] = []
        monkeypatch.setattr(app, "open_image", lambda ids, at: opened.append((list(ids), at)))
        await pilot.press("3", "right", "enter")
        await until(pilot, lambda: opened)
        assert screen.shown is not None
        assert opened == [([each.image for each in screen.shown.mistakes], 1)]


# Comparing, the report, commands


async def test_c_without_a_second_model_says_so(dataset: Dataset) -> None:
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("c")
        await until(pilot, lambda: len(app._notifications) > 0)
        assert app.screen is screen


async def test_c_compares_with_the_chosen_model(dataset: Dataset) -> None:
    from tui.screens.compare import CompareScreen

    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("second"))
    async with evaluating(dataset) as (app, pilot, screen):
        screen.choose_model("means")
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        compare = app.screen
        assert isinstance(compare, CompareScreen)
        assert (compare.models, compare.on) == (("means", "second"), "test")


async def test_r_writes_the_report(dataset: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "a report"
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = str(folder)
        await pilot.press("enter")
        await until(pilot, (folder / "index.html").exists)
        assert "means on test" in (folder / "index.html").read_text()


async def test_a_report_is_not_written_over_anything(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    async with evaluating(dataset) as (app, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await until(pilot, lambda: "there already" in str(app.screen.query_one(".error").render()))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
    assert (tmp_path / "kept").read_text() == "mine"


async def test_the_commands_are_those_of_what_is_shown(dataset: Dataset) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        found = dict(screen.commands())
        assert found["evaluate"].endswith("eval --model means --split test")
        assert "predicted:" in found["list the images of this cell"]


async def test_what_cannot_be_done_yet_is_not_offered(dataset: Dataset) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        assert not screen.check_action("stop", ())
        assert all(screen.check_action(each, ()) for each in ("wrong", "report", "sort", "reverse"))
        screen.on = "train"
        screen.refresh_data()
        await until(pilot, lambda: screen.shown is None and notice(screen))
        assert not any(screen.check_action(each, ()) for each in ("wrong", "report", "sort"))


async def test_the_mistakes_are_not_selected_for_nothing_takes_a_selection(
    dataset: Dataset,
) -> None:
    async with evaluating(dataset) as (_, pilot, screen):
        await until(pilot, lambda: screen.shown is not None)
        await pilot.press("3")
        grid = screen.query_one("#mistakes", ImageGrid)
        await until(pilot, lambda: grid.has_focus and len(grid.ids))
        await pilot.press("space", "ctrl+a", "shift+right", "asterisk")
        assert not grid.selected()
        assert "space" not in screen.active_bindings
