"""Every screen on a dataset in PostgreSQL is drawn as the same dataset in a file is: as it was kept
for that one (tests/tui/test_snapshots.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.copying.copy import copy_dataset
from tests.pg_server import Server
from tests.tui.driving import running
from tests.tui.scenes import SCENES, Stage, settled
from tests.tui.showcase import NAME, Clock
from tests.tui.snapshots import check_snapshot
from tests.tui.test_snapshots import named, place, template
from tui.frame.dataset import Dataset

__all__ = ["place", "template"]

EMPTY = "empty.db"
SIZE = (120, 40)

# The command that is offered there names the dataset by its URL.
DRAWN_ALIKE = tuple(scene for scene in SCENES if scene != "copy")


@pytest.fixture(scope="module")
def stocked(template: tuple[Path, Clock], postgres_server: Server) -> dict[str, str]:
    """Databases that are copies of the dataset files, by the names of these."""
    folder, _ = template
    names = {}
    for file in (NAME, EMPTY):
        names[file] = postgres_server.create_database()
        copy_dataset(folder / file, postgres_server.url(names[file]))
    return names


@pytest.fixture
def file_name(scene: str) -> str:
    """What the dataset of a scene is called."""
    return EMPTY if scene == "empty" else NAME


@pytest.fixture
def url(file_name: str, stocked: dict[str, str], postgres_server: Server) -> Iterator[str]:
    """The test's own copy of a database, called as the file is: the screens show that."""
    own = f'"{file_name}"'
    with postgres_server.connect() as connection:
        connection.execute(f"CREATE DATABASE {own} TEMPLATE {stocked[file_name]}".encode())
    yield postgres_server.url(file_name)
    postgres_server.drop_database(own)


@pytest.mark.parametrize("scene", DRAWN_ALIKE)
async def test_the_screen_is_as_that_of_a_file(
    scene: str, url: str, place: Path, tmp_path: Path
) -> None:
    dataset = Dataset(url)
    async with running(dataset, size=SIZE, config_path=Path("config.toml")) as (app, pilot):
        stage = Stage(app, pilot)
        await SCENES[scene](stage)
        await settled(stage)
        check_snapshot(app, f"dark-{named(SIZE)}/{scene}", tmp_path)
    dataset.close()
