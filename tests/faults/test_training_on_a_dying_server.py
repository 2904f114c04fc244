"""A training whose PostgreSQL server dies and stays away: it ends with one clear error, and resumed
it gives the very weights of one that nothing happened to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml.events import Done, Epoch, Event
from ml.training import Training, resume_training, start_training
from storage.errors import PixshelfError
from storage.opening import open_repository
from tests.faults.test_training_faults import SETTINGS, often, within
from tests.ml_fixtures import store_digits
from tests.pg_server import Server, running_server

__all__ = ["often"]

pytestmark = pytest.mark.slow

MOMENTS: tuple[Callable[[Event], bool], ...] = (
    within(1),
    lambda event: isinstance(event, Epoch) and event.epoch == 2,
    within(3),
)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with what it says is stored on the disk."""
    with running_server(fsync="on", full_page_writes="on") as server:
        yield server


def kill_at(server: Server, training: Training, moment: Callable[[Event], bool]) -> None:
    """Follow the training, and kill the server once."""
    for event in training.events():
        if moment(event) and server.is_running():
            server.kill()


def test_a_training_that_lost_its_server_again_and_again_ends_with_the_same_weights(
    often: None, server: Server, tmp_path: Path
) -> None:
    names = [server.create_database()]
    with open_repository(server.url(names[0]), create=True) as repository:
        store_digits(repository, 600, split="train")
    names.append(server.create_database(names[0]))
    whole, cut = (server.url(name) for name in names)
    log = tmp_path / "log.txt"
    with start_training(whole, SETTINGS, log=log) as training:
        *_, done = training.events()
    assert isinstance(done, Done)
    for number, moment in enumerate(MOMENTS):
        training = (
            resume_training(cut, 1, log=log, wait=1.0)
            if number
            else start_training(cut, SETTINGS, log=log, wait=1.0)
        )
        with (
            training,
            pytest.raises(PixshelfError, match="the connection to the PostgreSQL server"),
        ):
            kill_at(server, training, moment)
        server.start()
        with open_repository(cut) as repository:
            assert not repository.runs.is_held(1)
            assert repository.runs.get(1).status == "running"
    with resume_training(cut, 1, log=log) as training:
        *_, again = training.events()
    assert isinstance(again, Done)
    assert again.weights_sha256 == done.weights_sha256
    with open_repository(cut) as repository:
        assert [problem.what for problem in repository.check()] == []
    assert "Traceback" not in log.read_text(errors="replace")
