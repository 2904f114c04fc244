"""A run that a process works on while its server goes away, and comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from ml.events import CheckpointSaved, Event, Note
from ml.keeping import Keeper
from storage.errors import ConnectionLost, DatasetError
from storage.opening import open_repository
from storage.postgres.holding import RUN_LOCKS
from tests.making import checkpoint, epoch, new_run
from tests.pg_server import Server, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as one:
        yield one


@pytest.fixture
def url(server: Server) -> str:
    """A fresh dataset on a server that a test may stop."""
    if not server.is_running():
        server.start()
    url = server.url(server.create_database())
    open_repository(url, create=True).close()
    return url


def end_connections(server: Server) -> None:
    """Let every connection of others break, and wait until none is left."""
    with server.connect() as connection:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname <> 'postgres'"
        connection.execute(f"SELECT pg_terminate_backend(pid) {others}".encode())
        while connection.execute(f"SELECT 1 {others} LIMIT 1".encode()).fetchone():
            pass


def test_an_epoch_that_ends_while_the_server_is_started_anew_is_stored(
    server: Server, url: str
) -> None:
    with open_repository(url, wait=60) as repository:
        run = repository.runs.create(new_run())
        with repository.runs.hold(run):
            server.stop()
            start = threading.Thread(target=server.start)
            start.start()
            repository.runs.record_epoch(run, epoch(1), last=checkpoint(1), best=checkpoint(1))
            start.join()
            assert repository.runs.is_held(run)
        assert not repository.runs.is_held(run)
        assert repository.runs.get(run).epochs == (epoch(1),)
        assert repository.runs.checkpoint(run, "last") == checkpoint(1)


def test_a_server_that_stays_away_is_told_and_takes_nothing(server: Server, url: str) -> None:
    with open_repository(url, wait=0.1) as repository:
        run = repository.runs.create(new_run())
        repository.runs.record_epoch(run, epoch(1), last=checkpoint(1))
        server.stop()
        with pytest.raises(ConnectionLost, match="was lost"):
            repository.runs.record_epoch(run, epoch(2), last=checkpoint(2))
    server.start()
    with open_repository(url) as repository:
        assert repository.runs.get(run).epochs == (epoch(1),)


def test_a_run_whose_connection_broke_is_held_again_with_its_next_write(
    server: Server, url: str
) -> None:
    with open_repository(url) as repository:
        run = repository.runs.create(new_run())
        with repository.runs.hold(run):
            end_connections(server)
            assert not repository.runs.is_held(run)
            repository.runs.save_checkpoint(run, checkpoint(1))
            assert repository.runs.is_held(run)


def test_a_run_that_another_holds_by_now_is_not_written(server: Server, url: str) -> None:
    with open_repository(url) as repository:
        run = repository.runs.create(new_run())
        with repository.runs.hold(run):
            end_connections(server)
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("SELECT pg_advisory_lock(%s, %s)", (RUN_LOCKS, run))
                with pytest.raises(DatasetError, match="has taken up run"):
                    repository.runs.save_checkpoint(run, checkpoint(1))
        assert repository.runs.checkpoint(run, "last") is None


def test_a_run_that_another_has_gone_on_with_meanwhile_is_not_written(
    server: Server, url: str
) -> None:
    with open_repository(url) as repository:
        run = repository.runs.create(new_run())
        with repository.runs.hold(run):
            end_connections(server)
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("UPDATE pixshelf.run SET pid = -1")
            with pytest.raises(DatasetError, match="has taken up run"):
                repository.runs.save_checkpoint(run, checkpoint(1))
        assert repository.runs.checkpoint(run, "last") is None


def test_a_training_goes_on_without_checkpoints_while_the_server_is_away(
    server: Server, url: str
) -> None:
    told: list[Event] = []
    with open_repository(url) as repository:
        run = repository.runs.create(new_run())
        with Keeper(repository, run, told.append) as keeper:
            server.stop()
            keeper.save(lambda: (checkpoint(1), None), patience=0)
            assert not keeper.join()
            server.start()
            keeper.save(lambda: (checkpoint(2), None), patience=30)
            assert keeper.join()
        assert repository.runs.checkpoint(run, "last") == checkpoint(2)
    assert [type(event) for event in told] == [Note, CheckpointSaved]
