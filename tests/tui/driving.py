"""The app without a terminal: started, driven by keys, and awaited without sleeping blindly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from tui.app import PixshelfApp
from tui.frame.dataset import Dataset


@asynccontextmanager
async def running(
    dataset: Dataset, *, size: tuple[int, int] = (80, 24), **options: Any
) -> AsyncIterator[tuple[PixshelfApp, Pilot[None]]]:
    """The app on a dataset until the end of the block; `options` are PixshelfApp's."""
    app = PixshelfApp(dataset, **options)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


async def until(
    pilot: Pilot[None], condition: Callable[[], object], *, seconds: float = 20.0
) -> None:
    """Let the app work until the condition holds. Fails the test if it does not come to hold; a
    condition that raises an error counts as one that does not hold yet."""
    end = time.monotonic() + seconds
    while True:
        await pilot.pause()
        try:
            if condition():
                return
            failure: Exception | None = None
        except Exception as error:  # a widget that is not there yet, for instance
            failure = error
        if time.monotonic() > end:
            raise AssertionError(f"it did not come to hold in {seconds} s") from failure
        await asyncio.sleep(0.01)
