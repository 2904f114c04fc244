"""Leaving the app: what was asked for is carried out, what would be lost is asked about."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tests.tui.driving import running, until
from tui.frame.background import tell_running
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Question
from tui.labels.labelling import Labelling


async def test_leaving_asks_while_work_is_under_way_that_would_end(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        tell_running(app, "import", "importing 40 %")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        assert "importing 40 %" in str(app.screen.query_one("#question").render())
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.is_running
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not app.is_running)


async def test_leaving_does_not_ask_about_a_training_which_goes_on(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        tell_running(app, "training", "epoch 2 of 3")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)


async def test_a_tag_that_was_given_just_before_leaving_is_stored(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    async with running(dataset) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, Labelling)
        waiting = asyncio.ensure_future(app.dataset.survey(lambda _: gate.wait(20)))
        await pilot.pause()
        monkeypatch.setattr(screen, "at_hand", lambda _: None)  # as for images far away
        screen._tagged((1, 2), "late")
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert app.is_running
        gate.set()
        await waiting
        await until(pilot, lambda: not app.is_running)
    with open_repository(dataset.url) as repo:
        assert repo.images.count(parse("tag:late")) == 2


def test_closing_carries_out_every_edit_and_gives_up_what_is_only_read(db: Path) -> None:
    gate = threading.Event()
    done: list[str] = []

    async def ask(dataset: Dataset) -> None:
        def wait(_: Repository) -> None:
            gate.wait(20)

        def read(_: Repository) -> None:
            done.append("read")

        def edit(_: Repository) -> None:
            done.append("edit")

        asked = [dataset.read(wait), dataset.survey(wait), dataset.edit(wait)]
        asked += [dataset.read(read), dataset.survey(read), dataset.edit(edit)]
        await asyncio.sleep(0)
        threading.Timer(0.2, gate.set).start()
        await asyncio.to_thread(dataset.close)
        await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(ask(Dataset(str(db))))
    assert done == ["edit"]
