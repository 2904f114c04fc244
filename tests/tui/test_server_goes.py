"""An image that is opened while the server is away: what is said then, and that all comes by itself
when the server is back.
"""

from __future__ import annotations

import pytest

from tests.pg_server import Server
from tests.tui.driving import running, until
from tests.tui.test_hard_use import close_all, told
from tests.tui.test_others import looked
from tests.tui.test_work_on_postgres import library, own, own_server
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Message
from tui.labels.label_bar import LabelBar
from tui.picture.widget import Picture
from tui.screens.image import ImageScreen

__all__ = ["own", "own_server"]


async def test_an_image_opened_while_the_server_is_away_says_so_and_comes_when_it_is_back(
    own_server: Server, own: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.frame.others.EVERY", 0.1)
    async with running(own, size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: library(app).total == 120 and library(app).at_hand(1))
        await until(pilot, lambda: looked(app))
        own_server.stop()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Message))
        assert "PostgreSQL server" in await told(pilot, app)
        assert "command" not in str(app.screen.query(".hint").first().render())
        screen = app.screen_stack[-2]
        assert isinstance(screen, ImageScreen)
        await until(pilot, lambda: "could not be read" in screen.query_one(Picture).words)
        assert "no labels" not in screen.query_one(LabelBar).render().plain
        await until(pilot, lambda: "cannot be read" in app.running)
        await close_all(pilot, app)
        own_server.start()
        await until(pilot, lambda: screen.query_one(Picture).picture is not None)
        await until(pilot, lambda: screen.facts is not None and not app.running)
        assert screen.query_one(LabelBar).total == 10
