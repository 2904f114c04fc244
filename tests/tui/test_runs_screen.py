"""Runs and models: the tables, the details, and every action on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static

from ml.settings import TrainSettings
from storage.opening import open_repository
from storage.records import Checkpoint, EpochMetrics, NewRun
from tests.ml_fixtures import digits_model
from tests.tui.driving import running, until
from tests.tui.trainers import Use, ended, fake_trainers
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice, Prompt, Question
from tui.screens.runs import RunsScreen
from tui.screens.train import TrainScreen
from tui.settings import TuiSettings


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch, db: Path) -> Iterator[Use]:
    with fake_trainers(monkeypatch, db) as use:
        yield use


@pytest.fixture
def filled(dataset: Dataset) -> Dataset:
    """The dataset with two stopped runs of an epoch each, and a second model, 'other'."""
    with open_repository(dataset.url) as repo:
        for name in ("first", "second"):
            new = NewRun(name, 0, {}, ("0", "[b]1[/b]"), b"\0" * 32, {}, 3, 30, None)
            run = repo.runs.create(new)
            metrics = EpochMetrics(1, 10, 1.0, 0.1, 0.5, 0.8, 0.4, 0.85)
            repo.runs.record_epoch(run, metrics, last=Checkpoint(1, 10, b"w", b"o"))
            repo.runs.finish(run, "stopped")
        repo.models.add(digits_model("other"))
    return dataset


async def opened(app: PixshelfApp, pilot: Pilot[None], *, models: bool = False) -> RunsScreen:
    """The screen with its tables filled; `models` goes to theirs."""
    await pilot.press("f7")
    await until(pilot, lambda: isinstance(app.screen, RunsScreen))
    screen = app.screen
    assert isinstance(screen, RunsScreen)
    await until(pilot, lambda: screen.query_one("#models", DataTable).row_count)
    if models:
        await pilot.press("tab")
    return screen


def details(screen: RunsScreen) -> str:
    return str(screen.query_one("#details", Static).content)


async def test_runs_and_models_are_listed_the_newest_first(filled: Dataset) -> None:
    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot)
        runs, models = (screen.query_one(f"#{name}", DataTable) for name in ("runs", "models"))
        assert [str(cell) for cell in runs.get_row_at(0)][:5] == [
            *("2", "second", "■ stopped", "1/3", "85.00 %")
        ]
        assert [str(models.get_row_at(at)[2]) for at in range(2)] == ["other", "means"]


async def test_the_details_are_those_of_the_row_under_the_cursor(filled: Dataset) -> None:
    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot)
        await until(pilot, lambda: details(screen).startswith("run 2, second"))
        await pilot.press("j")
        await until(pilot, lambda: details(screen).startswith("run 1, first"))
        assert "[b]1[/b]" in details(screen)
        await pilot.press("k")
        await until(pilot, lambda: details(screen).startswith("run 2, second"))


async def test_tab_goes_to_the_models_and_back(filled: Dataset) -> None:
    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        await until(pilot, lambda: details(screen).startswith("model 2, other"))
        await pilot.press("n")
        await until(pilot, lambda: details(screen).startswith("model 1, means"))
        await pilot.press("p", "tab")
        await until(pilot, lambda: details(screen).startswith("run 2"))


async def test_a_run_is_resumed_and_watched(filled: Dataset, trainer: Use) -> None:
    async with running(filled) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, TrainScreen))
        await ended(pilot, app)
    with open_repository(filled.url) as repo:
        assert repo.runs.get(2).status == "done"


async def test_a_run_that_goes_on_elsewhere_is_attached_to_and_stopped(
    filled: Dataset, trainer: Use
) -> None:
    trainer("waits")
    async with running(filled) as (app, pilot):
        watched = app.trainings.start(TrainSettings(name="live"))
        await until(pilot, lambda: watched.figures.epoch == 1)
        app.trainings.leave()
        screen = await opened(app, pilot)
        await until(pilot, lambda: screen.check_action("attach", ()))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TrainScreen))
        await pilot.press("f7")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("x")
        await ended(pilot, app)
        assert app.trainings.current is not None
        assert app.trainings.current.state == "stopped"


async def test_a_run_that_nobody_here_watches_is_stopped(filled: Dataset, trainer: Use) -> None:
    trainer("waits")
    async with running(filled) as (app, pilot):
        watched = app.trainings.start(TrainSettings(name="live"))
        await until(pilot, lambda: watched.figures.epoch == 1)
        app.trainings.leave()
        screen = await opened(app, pilot)
        await until(pilot, lambda: screen.check_action("stop", ()))
        await pilot.press("x")
        with open_repository(filled.url) as repo:
            await until(pilot, lambda: repo.runs.get(3).status == "stopped")


async def test_a_run_is_removed_when_that_is_confirmed(filled: Dataset) -> None:
    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("right", "enter")
        await until(pilot, lambda: screen.query_one("#runs", DataTable).row_count == 1)
    with open_repository(filled.url) as repo:
        assert [run.name for run in repo.runs.all()] == ["first"]


async def test_a_model_is_removed_unasked_where_the_settings_say_so(filled: Dataset) -> None:
    async with running(filled, settings=TuiSettings(confirm=False)) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        await pilot.press("delete")
        await until(pilot, lambda: screen.query_one("#models", DataTable).row_count == 1)
    with open_repository(filled.url) as repo:
        assert [model.name for model in repo.models.all()] == ["means"]


async def test_a_model_is_renamed_but_not_to_the_name_of_another(filled: Dataset) -> None:
    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        entry = app.screen.query_one(Input)
        entry.value = "means"
        await pilot.press("enter")
        await until(
            pilot,
            lambda: "another model" in str(app.screen.query_one(".error", Static).content),
        )
        entry.value = "better [b]"
        await pilot.press("enter")
        await until(pilot, lambda: details(screen).startswith("model 2, better [b]"))
    with open_repository(filled.url) as repo:
        assert repo.models.get(2).name == "better [b]"


async def test_a_model_is_exported(filled: Dataset, tmp_path: Path) -> None:
    target = tmp_path / "other.tflite"
    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press(*"tflite", "enter")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        entry = app.screen.query_one(Input)
        assert entry.value == "other.tflite"
        entry.value = str(tmp_path / "no" / "such.tflite")
        await pilot.press("enter")
        await until(
            pilot,
            lambda: "there is no folder" in str(app.screen.query_one(".error", Static).content),
        )
        entry.value = str(target)
        await pilot.press("enter")
        await until(pilot, target.exists)
        await until(pilot, lambda: app.screen is screen and app._notifications)
    with open_repository(filled.url) as repo:
        assert target.read_bytes() == repo.models.litert(2)


async def test_two_models_are_compared_by_a_mark(filled: Dataset) -> None:
    from tui.screens.compare import CompareScreen

    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        assert not screen.check_action("compare", ())
        await pilot.press("space", "down")
        models = screen.query_one("#models", DataTable)
        await until(pilot, lambda: str(models.get_row_at(0)[0]) == "●")
        await until(pilot, lambda: screen.check_action("compare", ()))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


async def test_escape_takes_the_mark_away(filled: Dataset) -> None:
    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        await pilot.press("space", "escape", "down")
        assert not screen.check_action("compare", ())
        assert "●" not in str(screen.query_one("#models", DataTable).get_row_at(0)[0])


async def test_a_model_is_evaluated(filled: Dataset) -> None:
    from tui.screens.evaluate import EvaluateScreen

    async with running(filled) as (app, pilot):
        await opened(app, pilot, models=True)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, EvaluateScreen))


@pytest.mark.parametrize("key", ["o", "enter"])
async def test_the_mistakes_of_a_model_are_opened_in_the_library(filled: Dataset, key: str) -> None:
    async with running(filled) as (app, pilot):
        await opened(app, pilot, models=True)
        await pilot.press("down", key)
        await until(pilot, lambda: app.first_query == "is:wrong model:means sort:-confidence")
        await until(pilot, lambda: app.current_mode == "library")


async def test_what_can_be_done_can_be_copied_as_commands(filled: Dataset) -> None:
    async with running(filled) as (app, pilot):
        screen = await opened(app, pilot)
        commands = [command for _, command in screen.commands()]
        assert any(each.endswith("runs resume 2") for each in commands)
        await pilot.press("tab")
        commands = [command for _, command in screen.commands()]
        assert any(each.endswith("models export other other.tflite") for each in commands)
        assert any(each.endswith("eval --model other") for each in commands)


async def test_a_dataset_without_runs_says_how_to_come_to_one(tmp_path: Path) -> None:
    empty = Dataset(str(tmp_path / "empty.db"))
    empty.create()
    try:
        async with running(empty) as (app, pilot):
            await pilot.press("f7")
            await until(pilot, lambda: app.screen.query_one("#none").display)
    finally:
        empty.close()


@pytest.fixture
def alike(dataset: Dataset) -> Dataset:
    """The dataset with a second model of the name 'means', which is model 2."""
    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("means"))
    return dataset


async def test_of_two_models_of_a_name_the_commands_name_the_one_that_is_meant(
    alike: Dataset,
) -> None:
    async with running(alike) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        await pilot.press("down")
        await until(pilot, lambda: details(screen).startswith("model 1, means"))
        commands = dict(screen.commands())
        assert commands["remove the model"].endswith("models rm 1")
        assert commands["rename the model"].endswith("models rename 1 NEW")
        assert commands["measure the model"].endswith("eval --model 1")


async def test_of_two_models_of_a_name_the_one_that_is_meant_is_evaluated(alike: Dataset) -> None:
    from tui.screens.evaluate import EvaluateScreen

    async with running(alike) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        await pilot.press("down")
        await until(pilot, lambda: details(screen).startswith("model 1, means"))
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, EvaluateScreen) and app.screen.chosen)
        evaluating = app.screen
        assert isinstance(evaluating, EvaluateScreen)
        assert evaluating.chosen is not None
        assert evaluating.chosen.model.id == 1


async def test_two_models_of_a_name_are_compared(alike: Dataset) -> None:
    from tui.screens.compare import CompareScreen

    async with running(alike) as (app, pilot):
        screen = await opened(app, pilot, models=True)
        await pilot.press("space", "down")
        await until(pilot, lambda: screen.check_action("compare", ()))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        comparing = app.screen
        assert isinstance(comparing, CompareScreen)
        assert comparing.models == ("means", "1")
