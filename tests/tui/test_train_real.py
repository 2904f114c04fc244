"""A real training, started from the form and watched to its end."""

from __future__ import annotations

import pytest
from textual.widgets import Input, Static

from storage.opening import open_repository
from tests.tui.driving import running, until
from tests.tui.trainers import ended
from tui.frame.dataset import Dataset
from tui.screens.train import TrainScreen


@pytest.mark.slow
async def test_a_tiny_training_from_the_form_to_its_model(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, TrainScreen))
        screen = app.screen
        for name, text in (("epochs", "2"), ("threads", "1"), ("name", "tiny")):
            screen.query_one(f"#field-{name}", Input).value = text
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.trainings.current is not None)
        await until(pilot, lambda: not app.trainings.watching, seconds=180)
        await ended(pilot, app)
        await until(
            pilot, lambda: "v measures it" in str(screen.query_one("#ended", Static).content)
        )
    with open_repository(dataset.url) as repo:
        run = repo.runs.all()[0]
        assert (run.name, run.status, len(run.epochs)) == ("tiny", "done", 2)
        assert repo.models.find("tiny").run == run.id
