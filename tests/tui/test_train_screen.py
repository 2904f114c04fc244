"""The train screen: its form, its plan, and the training that is watched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Input, RichLog, Static

from ml.settings import TrainSettings
from storage.opening import open_repository
from storage.records import NewRun, RunRecord
from tests.tui.driving import running, until
from tests.tui.trainers import Use, ended, fake_trainers
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice, Message, Question
from tui.screens.train import TrainScreen
from tui.training.choices import Choices
from tui.training.plan_pane import PlanPane


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch, db: Path) -> Iterator[Use]:
    with fake_trainers(monkeypatch, db) as use:
        yield use


async def opened(app: PixshelfApp, pilot: Pilot[None]) -> TrainScreen:
    """The screen, its first plan made."""
    await pilot.press("f4")
    await until(pilot, lambda: isinstance(app.screen, TrainScreen))
    screen = app.screen
    assert isinstance(screen, TrainScreen)
    await until(pilot, lambda: planned(screen))
    return screen


def planned(screen: TrainScreen) -> bool:
    pane = screen.query_one(PlanPane)
    return not pane.stale and (pane.facts is not None or pane.trouble is not None)


def showing(screen: TrainScreen) -> str | None:
    return screen.query_one(ContentSwitcher).current


def text_of(screen: TrainScreen, selector: str) -> str:
    return str(screen.query_one(selector, Static).content)


def wrong_at(screen: TrainScreen, name: str) -> str:
    wrong = screen.query_one(f"#row-{name} .wrong", Static)
    return str(wrong.content) if wrong.display else ""


def typed(screen: TrainScreen, name: str, text: str) -> None:
    screen.query_one(f"#field-{name}", Input).value = text


def stored_run(db: str, status: str = "stopped", name: str = "old") -> RunRecord:
    with open_repository(db) as repo:
        new = NewRun(name, 0, {}, ("0", "1"), b"\0" * 32, {}, 3, 30, None)
        run = repo.runs.create(new)
        if status == "stopped":
            repo.runs.finish(run, "stopped")
        return repo.runs.get(run)


async def test_the_plan_stands_beside_the_form(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        facts = screen.query_one(PlanPane).facts
        assert facts is not None
        assert facts.name == "standard-0"
        assert facts.labels == 10
        assert screen.query_one("#field-name", Input).placeholder == "standard-0"
        assert facts.counts[0].label == "0"
        assert "label" in str(screen.query_one(PlanPane).query_one(Static).content)


async def test_the_plan_follows_the_values(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        typed(screen, "epochs", "7")
        await until(pilot, lambda: dict(_facts(screen))["length"].startswith("7 epochs of"))
        screen.query_one("#field-preset", Choices).focus()
        await pilot.press("left")
        await until(pilot, lambda: ("name", "quick-0") in _facts(screen))


def _facts(screen: TrainScreen) -> tuple[tuple[str, str], ...]:
    facts = screen.query_one(PlanPane).facts
    return () if facts is None else facts.facts


async def test_the_arrows_go_from_field_to_field_however_fast(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("down", "down", "1", "2")
        assert screen.query_one("#field-epochs", Input).value == "12"
        await pilot.press("up")
        assert screen.focused is screen.query_one("#field-preset")
        await pilot.press("up")
        assert screen.focused is screen.query_one("#start")


async def test_the_field_that_has_the_focus_says_what_it_means(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("down", "down")
        await until(pilot, lambda: "so many passes" in text_of(screen, "#meaning"))


async def test_a_wrong_value_is_told_at_its_field(dataset: Dataset, trainer: Use) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        typed(screen, "epochs", "many")
        await until(pilot, lambda: "'many'" in wrong_at(screen, "epochs"))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert screen.focused is screen.query_one("#field-epochs")
        assert app.trainings.current is None
        typed(screen, "epochs", "3")
        await until(pilot, lambda: wrong_at(screen, "epochs") == "")


async def test_what_the_plan_refuses_is_told_at_its_field(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        typed(screen, "query", "colour:red")
        await until(pilot, lambda: "colour" in wrong_at(screen, "query"))
        typed(screen, "query", "")
        typed(screen, "start_from", "nobody")
        await until(pilot, lambda: "nobody" in wrong_at(screen, "start_from"))
        assert wrong_at(screen, "query") == ""


async def test_an_empty_dataset_says_what_to_do(tmp_path: Path) -> None:
    empty = Dataset(str(tmp_path / "empty.db"))
    empty.create()
    try:
        async with running(empty) as (app, pilot):
            screen = await opened(app, pilot)
            trouble = screen.query_one(PlanPane).trouble
            assert trouble is not None
            assert "no image" in trouble.message
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, Message))
            assert app.trainings.current is None
    finally:
        empty.close()


async def test_escape_leaves_a_field(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("down", "down", "escape")
        await until(pilot, lambda: screen.focused is screen.query_one("#start"))


async def test_a_fresh_form_has_the_first_values(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        typed(screen, "epochs", "7")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: screen.query_one("#field-epochs", Input).value == "")


async def test_enter_on_start_trains_and_shows_it(dataset: Dataset, trainer: Use) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        typed(screen, "name", "mine")
        await until(pilot, lambda: ("name", "mine") in _facts(screen) and planned(screen))
        await pilot.press("enter")
        await until(pilot, lambda: showing(screen) == "watch")
        await ended(pilot, app)
        await until(pilot, lambda: "first model of these labels" in text_of(screen, "#ended"))
        assert "mine, run" in text_of(screen, "#title")
    with open_repository(dataset.url) as repo:
        assert repo.models.find("mine").val_accuracy == 0.93


async def test_start_works_from_within_a_field(dataset: Dataset, trainer: Use) -> None:
    async with running(dataset) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("down", "down", "3", "ctrl+s")
        await until(pilot, lambda: app.trainings.current is not None)
        await ended(pilot, app)


async def test_the_training_is_seen_while_it_goes_on(dataset: Dataset, trainer: Use) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: "epoch 1/3" in text_of(screen, "#headline"))
        assert "step 10/30" in text_of(screen, "#headline")
        assert "best 91.00 %" in text_of(screen, "#scores")
        await pilot.press("f2", "f4")
        await until(pilot, lambda: app.screen is screen and showing(screen) == "watch")


async def test_stop_keeps_what_there_is(dataset: Dataset, trainer: Use) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: "epoch 1/3" in text_of(screen, "#headline"))
        await pilot.press("x")
        await ended(pilot, app)
        await until(pilot, lambda: "r goes on with it" in text_of(screen, "#ended"))
    with open_repository(dataset.url) as repo:
        assert repo.runs.all()[0].status == "stopped"


async def test_a_second_stop_ends_it_at_once_when_that_is_wanted(
    dataset: Dataset, trainer: Use
) -> None:
    trainer("deaf")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: "epoch 1/3" in text_of(screen, "#headline"))
        await pilot.press("x", "x")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("right", "enter")
        await ended(pilot, app)
        assert app.trainings.current is not None
        assert app.trainings.current.state == "failed"


async def test_detach_leaves_it_and_attach_watches_it_again(dataset: Dataset, trainer: Use) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: "epoch 1/3" in text_of(screen, "#headline"))
        await pilot.press("d")
        await until(pilot, lambda: "goes on by itself" in text_of(screen, "#title"))
        await until(pilot, lambda: screen.check_action("attach", ()))
        await pilot.press("a")
        await until(pilot, lambda: "watched here" in text_of(screen, "#title"))
        await pilot.press("x")
        await ended(pilot, app)
    with open_repository(dataset.url) as repo:
        assert repo.runs.all()[0].status == "stopped"


async def test_a_run_that_did_not_end_is_offered_and_resumed(
    dataset: Dataset, trainer: Use
) -> None:
    record = stored_run(dataset.url)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await until(pilot, lambda: "old did not come to its end" in text_of(screen, "#offer"))
        await pilot.press("r")
        await ended(pilot, app)
    with open_repository(dataset.url) as repo:
        assert repo.runs.get(record.id).status == "done"


async def test_of_several_runs_the_one_to_resume_is_asked_for(
    dataset: Dataset, trainer: Use
) -> None:
    first = stored_run(dataset.url, name="first")
    stored_run(dataset.url, name="second")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await until(pilot, lambda: "(and 1 more)" in text_of(screen, "#offer"))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press(*"first", "enter")
        await ended(pilot, app)
    with open_repository(dataset.url) as repo:
        assert repo.runs.get(first.id).status == "done"


async def test_a_worker_that_dies_is_told_of_and_resumed_with_a_key(
    dataset: Dataset, trainer: Use
) -> None:
    trainer("dies")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: "process died" in text_of(screen, "#ended"))
        trainer("quick")
        await until(pilot, lambda: screen.check_action("resume", ()))
        await pilot.press("r")
        await until(pilot, lambda: "93.00 %" in text_of(screen, "#ended"))
    with open_repository(dataset.url) as repo:
        assert [run.status for run in repo.runs.all()] == ["done"]


async def test_w_changes_between_the_form_and_the_curves(dataset: Dataset, trainer: Use) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await ended(pilot, app)
        await pilot.press("w")
        assert showing(screen) == "form"
        await pilot.press("w")
        assert showing(screen) == "watch"
        await pilot.press("escape")
        assert showing(screen) == "form"


async def test_the_new_model_is_compared_with_the_best_before(
    dataset: Dataset, trainer: Use
) -> None:
    from tui.screens.compare import CompareScreen

    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        for _ in range(2):
            app.trainings.start(TrainSettings(preset="quick"))
            await ended(pilot, app)
        screen.action_switch()
        await until(pilot, lambda: "as many as quick-0" in text_of(screen, "#ended"))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


async def test_the_new_model_is_evaluated_with_a_key(dataset: Dataset, trainer: Use) -> None:
    from tui.screens.evaluate import EvaluateScreen

    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await ended(pilot, app)
        await until(pilot, lambda: screen.check_action("evaluate", ()))
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, EvaluateScreen))


async def test_the_mistakes_of_a_model_that_has_not_answered_are_not_opened(
    dataset: Dataset, trainer: Use
) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await ended(pilot, app)
        await until(pilot, lambda: screen.check_action("mistakes", ()))
        await pilot.press("o")
        await until(
            pilot, lambda: any("evaluate it first" in n.message for n in app._notifications)
        )
        assert app.screen is screen


async def test_another_training_is_refused_while_one_is_watched(
    dataset: Dataset, trainer: Use
) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: "epoch 1/3" in text_of(screen, "#headline"))
        await pilot.press("w", "s")
        await until(pilot, lambda: isinstance(app.screen, Message))


async def test_what_the_form_does_can_be_copied_as_a_command(dataset: Dataset) -> None:
    record = stored_run(dataset.url)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        typed(screen, "epochs", "7")
        await until(
            pilot, lambda: "train --epochs 7" in dict(screen.commands())["train with these values"]
        )
        await until(pilot, lambda: f"runs resume {record.id}" in str(screen.commands()))


async def test_a_resize_storm_leaves_it_whole(dataset: Dataset, trainer: Use) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await ended(pilot, app)
        for size in ((20, 6), (200, 60), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "epoch" in "".join(strip.text for strip in screen.query_one(RichLog).lines)
