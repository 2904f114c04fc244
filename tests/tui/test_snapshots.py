"""Every screen of the app is as it was kept, after it was looked at: in two sizes, dark, light and
without colours. How to keep a screen that is meant to be another now: tests/tui/snapshots.py.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot

from ml.remarks import LabelCount
from storage.opening import open_repository
from storage.records import DatasetInfo
from tests.tui.driving import running
from tests.tui.scenes import SCENES, Played, Stage, settled, told
from tests.tui.showcase import NAME, Clock, make
from tests.tui.snapshots import check_snapshot
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.training.plan_facts import PlanFacts

SIZES = ((80, 24), (120, 40))

PLAN = PlanFacts(
    "standard-1",
    (
        ("name", "standard-1"),
        ("time", "about 20 s on this machine"),
        ("images", "56 train, 18 val, 80 test left for later"),
        ("labels", "10, of 4 (5) to 8 (1) to train on"),
        ("input", "8x8, grey: as the images are"),
        ("network", "34,410 parameters, 3 groups of 16, 32, 64"),
        ("length", "8 epochs of 24 steps, batch 8"),
        ("augment", "light"),
    ),
    (),
    10,
    tuple(LabelCount(str(at), 5 + at % 3, 1 + at % 2) for at in range(10)),
    {"size": "8", "batch": "8", "threads": "all 4", "name": "standard-1", "epochs": "8"},
)


def named(size: tuple[int, int]) -> str:
    """A size in a word."""
    return f"{size[0]}x{size[1]}"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Clock]:
    """The folder with the dataset, and the time at which it is looked at."""
    folder, clock = tmp_path_factory.mktemp("showcase"), Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", clock)
        make(folder, clock)
    with open_repository(folder / "empty.db", create=True):
        pass
    return folder, clock


class _Datetime(datetime):
    """A clock on the wall that stands still."""

    at = 0.0

    @classmethod
    def now(cls, tz: object = None) -> datetime:
        return datetime.fromtimestamp(cls.at, UTC).replace(tzinfo=None)


@pytest.fixture
def place(
    template: tuple[Path, Clock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The test's own copy of the folder, in which it is, with nothing around it that differs from
    machine to machine."""
    folder, clock = template
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "you")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", clock)
    monkeypatch.setattr(_Datetime, "at", clock.now)
    monkeypatch.setattr("tui.screens.history.datetime", _Datetime)
    _fixed(monkeypatch)
    trainer = Played(told())
    monkeypatch.setattr("ml.training.start_training", lambda *_, **__: trainer)
    yield tmp_path
    trainer.over.set()
    monkeypatch.undo()
    time.tzset()


def _fixed(patch: pytest.MonkeyPatch) -> None:
    """What the app finds out of the machine, as it might be."""

    async def plan(*_: object) -> PlanFacts:
        return PLAN

    def facts() -> dict[str, object]:
        names = ("tensorflow", "keras", "ai-edge-litert", "numpy", "pillow", "textual")
        return {
            "pixshelf": "0.1.0",
            "python": "3.12.3",
            "platform": "Linux-6.8-x86_64",
            "sqlite": {"version": "3.45.1", "wal_reset_bug": True},
            "packages": dict.fromkeys(names, "1.2.3"),
        }

    def lines(info: DatasetInfo) -> list[tuple[str, str]]:
        counts = [("images", info.images), ("models", info.models), ("runs", info.runs)]
        return [("dataset", NAME), *((name, f"{count:,}") for name, count in counts)]

    patch.setattr("tui.training.plan_facts.plan_in_child", plan)
    patch.setattr("tui.screens.about.program_facts", facts)
    patch.setattr("tui.screens.about.dataset_lines", lines)
    patch.setattr("tui.screens.about.colours", lambda: "truecolor")
    patch.setattr("tui.screens.about._pictures", lambda *_, **__: "half-blocks")
    patch.setattr("tui.screens.about.log_folder", lambda: Path("~/.local/state/pixshelf/log"))


@asynccontextmanager
async def at_scene(scene: str, size: tuple[int, int]) -> AsyncIterator[PixshelfApp]:
    """The app as it shows a scene."""
    dataset = Dataset("empty.db" if scene == "empty" else NAME)
    config = Path("config.toml")
    async with running(dataset, size=size, config_path=config) as (app, pilot):
        stage = Stage(app, pilot)
        await SCENES[scene](stage)
        await settled(stage)
        yield app
    dataset.close()


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", SIZES, ids=named)
async def test_the_screen_is_as_it_was_kept(
    size: tuple[int, int], scene: str, place: Path, tmp_path: Path
) -> None:
    async with at_scene(scene, size) as app:
        check_snapshot(app, f"dark-{named(size)}/{scene}", tmp_path)
        app.theme = "pixshelf-light"
        await settled(Stage(app, Pilot(app)))
        check_snapshot(app, f"light-{named(size)}/{scene}", tmp_path)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", SIZES, ids=named)
async def test_the_screen_without_colours_is_as_it_was_kept(
    size: tuple[int, int],
    scene: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with at_scene(scene, size) as app:
        check_snapshot(app, f"plain-{named(size)}/{scene}", tmp_path)
