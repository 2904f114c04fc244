"""The app under hard use: in a folder of its own, with trainings that are played, and the law that
is looked at when it is over."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from storage.errors import RefusedInput
from storage.opening import open_repository
from storage.query import parse
from tests.tui.driving import running, until
from tests.tui.keys import Step, do_all
from tests.tui.label_log import LabelLog, LoggedDataset, all_images, facts_of
from tests.tui.trainers import fake_trainers
from tui.app import PixshelfApp
from tui.grid.widget import ImageGrid
from tui.screens.library import LibraryScreen

PICTURES = 6
"""So many pictures lie in the folder, to be classified and imported."""


@asynccontextmanager
async def used(
    template: Path, folder: Path, section: str
) -> AsyncIterator[tuple[PixshelfApp, Pilot[None], LabelLog]]:
    """The app on a copy of `template` in an empty `folder`, which is its home and its place."""
    folder.mkdir(parents=True, exist_ok=True)
    db = folder / "digits.db"
    shutil.copy(template, db)
    _write_pictures(db, folder / "pictures")
    with pytest.MonkeyPatch.context() as patch, fake_trainers(patch, db):
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        patch.setattr("ml.intake.write_known", _no_network)
        dataset = LoggedDataset(str(db))
        try:
            async with running(dataset, config_path=folder / "config.toml") as (app, pilot):
                app.changes.subscribe(app, dataset.log.hear)
                app.go(section)
                yield app, pilot, dataset.log
        finally:
            dataset.close()


def _write_pictures(db: Path, folder: Path) -> None:
    folder.mkdir()
    with open_repository(db) as repo:
        some = [record.id for record in repo.images.page(parse(""), limit=PICTURES).images]
        for at, (_, data) in enumerate(repo.images.iter_data(some)):
            (folder / f"{at}.png").write_bytes(data)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n of no use")


def _no_network(name: str, target: Path) -> None:
    raise RefusedInput(f"{name} cannot be downloaded here")


async def hammered(template: Path, folder: Path, section: str, steps: Sequence[Step]) -> None:
    """Do the steps, beginning in `section`. Raises what the app raises, and AssertionError where
    a label was lost or invented, or is shown otherwise than it is stored."""
    done: list[Step] = []
    try:
        async with used(template, folder, section) as (app, pilot, log):
            await do_all(app, steps, done)
            if app.is_running and app._exception is None:
                await _come_to_rest(app, pilot)
            if app.is_running:
                await _see_that_it_is_shown(app, pilot)
            whole = app.is_running
        with open_repository(folder / "digits.db") as repo:
            last = all_images(repo)
            assert not list(repo.check())
        log.check(last, whole=whole)
    except BaseException:
        print(f"{section}: {done!r}")  # noqa: T201  what leads to it again
        raise


async def _come_to_rest(app: PixshelfApp, pilot: Pilot[None]) -> None:
    """Wait until every key is taken, and every edit is stored and told of."""
    await until(pilot, lambda: not (app.is_running and app.keys_are_waiting), seconds=60)
    if not app.is_running:
        return  # one of the keys was to leave
    app.open_library("")
    await app.dataset.settled()
    await until(pilot, lambda: not any(worker.group == "edits" for worker in app.workers))


async def _see_that_it_is_shown(app: PixshelfApp, pilot: Pilot[None]) -> None:
    """The grid shows what is stored, whatever error lies on top of it."""
    stored = await app.dataset.read(all_images)

    def shown_is_stored() -> bool:
        library = app.screen_stack[0]
        assert isinstance(library, LibraryScreen)
        grid = library.query_one(ImageGrid)
        seen = grid.places.shown(grid.scroll_offset.y, len(grid.ids))
        found = [record for record in (grid.record(grid.ids[at]) for at in seen) if record]
        wrong = [
            (record.id, facts_of(record), facts_of(stored[record.id]))
            for record in found
            if facts_of(record) != facts_of(stored[record.id])
        ]
        assert not wrong, wrong[:5]
        return bool(found) or not grid.ids

    await until(pilot, shown_is_stored)
