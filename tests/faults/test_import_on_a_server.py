"""An import whose PostgreSQL server dies in the middle: one clear line, and what was stored is
there; or, where the server is back before the next batch, no word at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.postgres.database import WRITE_LOCK
from storage.query import parse
from tests.faults.harness import (
    ROOT,
    TIMEOUT,
    assert_clear_failure,
    end_of,
    environment,
    make_images,
)
from tests.pg_server import Server, running_server

IMAGES = 2_500
"""Three batches of an import."""

GATE = 7

_GATE = (
    f"""
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pixshelf.image) THEN
            PERFORM pg_advisory_xact_lock({GATE});
        END IF;
        RETURN NULL;
    END
    $$
    """,
    "CREATE TRIGGER gate BEFORE INSERT ON pixshelf.image EXECUTE FUNCTION public.gate()",
)
_WAITING = """
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that is killed, with what it says is stored on the disk."""
    with running_server(fsync="on", full_page_writes="on") as server:
        yield server


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_images(tmp_path_factory.mktemp("pictures"), IMAGES, side=4)


@pytest.fixture
def name(server: Server) -> Iterator[str]:
    """A database with an empty dataset, into which the first batch of images goes, and the second
    only when nobody holds GATE."""
    name = server.create_database()
    open_repository(server.url(name), create=True).close()
    with server.connect(name) as connection:
        for statement in _GATE:
            connection.execute(statement)
    yield name
    server.drop_database(name)


def test_what_was_stored_before_a_server_died_is_there_and_the_rest_comes_with_the_next_import(
    server: Server, name: str, pictures: Path
) -> None:
    gate = server.connect(name)
    gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
    process = importing(server.url(name), pictures, wait=30)
    await_waiting(server, name, GATE)
    stored = count(server, name)
    server.kill()
    gate.close()
    done = end_of(process)
    assert_clear_failure(done, 3, "was lost")
    assert "Try again when the server is back" in done.stderr
    server.start()
    assert 0 < count(server, name) == stored < IMAGES
    again = end_of(importing(server.url(name), pictures, wait=10))
    assert (again.returncode, json.loads(again.stdout)["added"]) == (0, IMAGES - stored)
    assert_whole(server, name)


def test_a_server_that_is_back_before_the_next_batch_costs_an_import_nothing(
    server: Server, name: str, pictures: Path
) -> None:
    gate, writer = server.connect(name), server.connect(name)
    gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
    process = importing(server.url(name), pictures, wait=60)
    await_waiting(server, name, GATE)
    with ThreadPoolExecutor(1) as other:
        # It gets the lock after the second batch, and the third waits for it.
        locked = other.submit(writer.execute, "SELECT pg_advisory_lock(%s)", (WRITE_LOCK,))
        await_waiting(server, name, WRITE_LOCK)
        gate.close()
        locked.result(TIMEOUT)
    await_waiting(server, name, WRITE_LOCK)
    server.kill()
    writer.close()
    server.start()
    done = end_of(process)
    assert (done.returncode, json.loads(done.stdout)["added"]) == (0, IMAGES), done.stderr
    assert_whole(server, name)


def importing(url: str, pictures: Path, *, wait: int) -> subprocess.Popen[str]:
    """`pixshelf import`, started."""
    words = ["--db", url, "--wait", str(wait), "import", str(pictures), "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def await_waiting(server: Server, name: str, lock: int) -> None:
    """Wait until somebody waits for an advisory lock of a database."""
    deadline = time.monotonic() + TIMEOUT
    with server.connect(name) as connection:
        while connection.execute(_WAITING, (lock,)).fetchone() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def count(server: Server, name: str) -> int:
    """How many images are stored."""
    with server.connect(name) as connection:
        row = connection.execute("SELECT count(*) FROM pixshelf.image").fetchone()
        return 0 if row is None else int(str(row[0]))


def assert_whole(server: Server, name: str) -> None:
    """Every image is there once, with its bytes."""
    with server.connect(name) as connection:
        connection.execute("DROP TRIGGER gate ON pixshelf.image")
    with open_repository(server.url(name)) as repository:
        assert repository.images.count(parse("")) == IMAGES
        assert list(repository.check()) == []
