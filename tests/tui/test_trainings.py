"""The app's trainings: a child process is started, heard, stopped, left and found again."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.settings import TrainSettings
from storage.errors import NotReady
from storage.opening import open_repository
from storage.records import ModelRecord
from tests.tui.driving import running, until
from tests.tui.trainers import Use, ended, fake_trainers
from tui.frame.background import tell_running
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.training.trainings import Result, comparison, unfinished


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch, db: Path) -> Iterator[Use]:
    with fake_trainers(monkeypatch, db) as use:
        yield use


SETTINGS = TrainSettings(preset="quick", name="fresh")


async def test_a_training_comes_to_its_end_with_a_model(dataset: Dataset, trainer: Use) -> None:
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS, "fresh")
        await ended(pilot, app)
        assert watched.state == "done"
        assert watched.figures.epoch == 3
        assert watched.result is not None
        assert watched.result.model.name == "fresh"
    with open_repository(dataset.url) as repo:
        assert repo.runs.all()[0].status == "done"
        assert repo.models.find("fresh").run == repo.runs.all()[0].id


async def test_its_end_is_told_to_every_screen(dataset: Dataset, trainer: Use) -> None:
    told: list[Change] = []
    async with running(dataset) as (app, pilot):
        app.changes.subscribe(app.screen, told.append)
        app.trainings.start(SETTINGS)
        await until(pilot, lambda: told)
    assert told == [Change("training")]


async def test_the_status_lines_say_how_it_goes_and_then_nothing(
    dataset: Dataset, trainer: Use
) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        app.trainings.start(SETTINGS, "fresh")
        assert app.running.startswith("training fresh: starting")
        await until(pilot, lambda: "epoch 1/3, 91.0 %" in app.running)
        app.trainings.stop()
        await ended(pilot, app)
        await until(pilot, lambda: app.running == "")


async def test_a_stop_keeps_what_there_is(dataset: Dataset, trainer: Use) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        await until(pilot, lambda: watched.figures.epoch == 1)
        app.trainings.stop()
        await ended(pilot, app)
        assert watched.state == "stopped"
        assert watched.result is not None


async def test_a_stop_asked_for_before_it_has_begun_is_heard(
    dataset: Dataset, trainer: Use
) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        app.trainings.stop()
        await ended(pilot, app)
        assert watched.state == "stopped"


async def test_one_that_is_deaf_can_be_ended_at_once(dataset: Dataset, trainer: Use) -> None:
    trainer("deaf")
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        await until(pilot, lambda: watched.figures.epoch == 1)
        app.trainings.kill()
        await ended(pilot, app)
        assert watched.state == "failed"
        assert "killed" in str(watched.error)


async def test_a_worker_that_dies_is_told_of_and_can_be_gone_on_with(
    dataset: Dataset, trainer: Use
) -> None:
    trainer("dies")
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        await ended(pilot, app)
        assert watched.state == "failed"
        assert "died" in str(watched.error)
        trainer("quick")
        with open_repository(dataset.url) as repo:
            record = unfinished(repo)[0].record
        again = app.trainings.resume(record)
        assert [line.text[:9] for line in again.lines] == ["epoch 1/3"]
        await ended(pilot, app)
        assert again.state == "done"
        assert sum(line.level == "epoch" for line in again.lines) == 3


async def test_one_that_cannot_begin_says_why(dataset: Dataset, trainer: Use) -> None:
    trainer("refuses")
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        await ended(pilot, app)
        assert isinstance(watched.error, NotReady)
        assert [line.text for line in watched.lines][-2:] == ["no image has a label", "label some"]


async def test_the_log_has_no_control_characters(dataset: Dataset, trainer: Use) -> None:
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        await ended(pilot, app)
        assert "a [bold]note" in [line.text for line in watched.lines]


async def test_a_second_one_is_refused_while_one_is_watched(dataset: Dataset, trainer: Use) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        await until(pilot, lambda: watched.figures.epoch == 1)
        with pytest.raises(NotReady, match="is being trained"):
            app.trainings.start(TrainSettings(name="other"))
        assert app.trainings.current is watched


async def test_one_that_is_left_goes_on_and_is_found_again(dataset: Dataset, trainer: Use) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        await until(pilot, lambda: watched.figures.epoch == 1)
        app.trainings.leave()
        assert watched.state == "left"
        await until(pilot, lambda: "fresh trains elsewhere" in app.running)
        with open_repository(dataset.url) as repo:
            record = repo.runs.all()[0]
        again = app.trainings.attach(record)
        assert not again.own
        app.trainings.stop()
        await ended(pilot, app)
        assert again.state == "stopped"
    with open_repository(dataset.url) as repo:
        assert repo.runs.all()[0].status == "stopped"


async def test_quitting_lets_it_go_on_and_the_next_app_says_so(
    dataset: Dataset, db: Path, trainer: Use
) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        watched = app.trainings.start(SETTINGS)
        await until(pilot, lambda: watched.figures.epoch == 1)
        assert f"runs attach {watched.run}" in app.trainings.farewell()
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    later = Dataset(str(db))
    try:
        async with running(later) as (app, pilot):
            await until(pilot, lambda: "fresh trains elsewhere" in app.running)
            assert any("fresh is being trained" in each.message for each in app._notifications)
    finally:
        later.close()


async def test_nothing_is_said_at_the_end_of_an_app_that_trains_nothing(
    dataset: Dataset,
) -> None:
    async with running(dataset) as (app, _):
        assert app.trainings.farewell() == ""


async def test_its_end_is_announced_on_other_screens(dataset: Dataset, trainer: Use) -> None:
    async with running(dataset) as (app, pilot):
        app.trainings.start(SETTINGS, "fresh")
        await until(pilot, lambda: list(app._notifications))
        message = next(iter(app._notifications)).message
        assert (
            message == "fresh: 93.00 % of the validation images are right; the first model of "
            "these labels"
        )


@pytest.mark.parametrize(
    ("mine", "best", "words"),
    [
        (0.986, 0.982, "0.40 points more than old"),
        (0.98, 0.99, "1.00 points fewer than old"),
        (0.98, 0.98, "as many as old"),
        (0.98, None, "the first model of these labels"),
        (None, 0.5, "the model is ready"),
    ],
)
def test_a_model_is_compared_with_the_best_before(
    mine: float | None, best: float | None, words: str
) -> None:
    old = None if best is None else model("old", best)
    assert words in comparison(Result(model("new", mine), old))


def model(name: str, accuracy: float | None) -> ModelRecord:
    return ModelRecord(1, name, None, ("a",), {}, 1, b"", 1.0, accuracy, None, 0)


def test_the_process_never_imports_tensorflow(db: Path) -> None:
    code = f"""
import asyncio, sys
import pytest
from pathlib import Path
from tests.tui.driving import running, until
from tests.tui.trainers import fake_trainers, ended
from tui.frame.dataset import Dataset
async def main():
    dataset = Dataset({str(db)!r})
    with pytest.MonkeyPatch.context() as patch, fake_trainers(patch, Path({str(db)!r})):
        async with running(dataset) as (app, pilot):
            await pilot.press("f4")
            await until(pilot, lambda: app.focused is not None and app.focused.id == "start")
            await pilot.press("ctrl+s")
            await ended(pilot, app)
            await pilot.press("f7")
            await pilot.pause()
    dataset.close()
asyncio.run(main())
loaded = {{"tensorflow", "keras", "sklearn", "matplotlib", "h5py"}} & set(sys.modules)
sys.exit(str(loaded) if loaded else 0)
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=120)


def test_one_place_alone_writes_what_runs_in_the_background() -> None:
    import tui

    folder = Path(tui.__file__).parent
    writers = [
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"app\.running = ", path.read_text(encoding="utf-8"))
    ]
    assert writers == ["background.py"]


async def test_a_training_and_another_job_are_both_told_of(dataset: Dataset, trainer: Use) -> None:
    trainer("waits")
    async with running(dataset) as (app, pilot):
        tell_running(app, "import", "importing 25 %")
        watched = app.trainings.start(TrainSettings(name="live"))
        await until(pilot, lambda: watched.figures.epoch == 1)
        await until(pilot, lambda: "live" in app.running)
        assert "importing 25 %" in app.running
        app.trainings.stop()
        await ended(pilot, app)
        await until(pilot, lambda: app.running == "importing 25 %")
