"""The server that tests run on: a database for each test, and one that can be hurt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.pg_server import Server, running_server

ODD = "p@ss:w/rd"
WRONG = "other"


def test_every_test_has_a_database_of_its_own(postgres_server: Server, postgres_url: str) -> None:
    name = postgres_server.create_database()
    try:
        with (
            psycopg.connect(postgres_url) as one,
            psycopg.connect(postgres_server.url(name)) as two,
        ):
            one.execute("CREATE TABLE t (n integer)")
            (found,) = two.execute("SELECT to_regclass('t')").fetchone() or ()
            assert found is None
    finally:
        postgres_server.drop_database(name)


def test_a_database_is_made_as_a_copy_of_another(postgres_server: Server) -> None:
    first = postgres_server.create_database()
    with psycopg.connect(postgres_server.url(first)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS n")
    copy = postgres_server.create_database(template=first)
    with psycopg.connect(postgres_server.url(copy)) as connection:
        assert connection.execute("SELECT n FROM t").fetchall() == [(7,)]
    for name in (first, copy):
        postgres_server.drop_database(name)


def test_any_role_but_the_first_needs_its_password(postgres_server: Server) -> None:
    with postgres_server.connect() as connection:
        connection.execute(f"CREATE ROLE someone LOGIN PASSWORD '{ODD}'")
        try:
            url = postgres_server.url(user="someone", password=ODD)
            with psycopg.connect(url) as known:
                assert known.execute("SELECT current_user").fetchone() == ("someone",)
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(postgres_server.url(user="someone", password=WRONG))
        finally:
            connection.execute("DROP ROLE someone")


def test_a_server_that_was_killed_starts_again_with_what_was_committed() -> None:
    with running_server(tcp=True, work_mem="'2MB'") as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE t AS SELECT 7 AS n")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT n FROM t")
        with pytest.raises(psycopg.OperationalError):
            server.connect()
        server.start()
        with server.connect() as connection:
            assert connection.execute("SELECT n FROM t").fetchone() == (7,)
            assert connection.execute("SHOW work_mem").fetchone() == ("2MB",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url(tcp=True, password=WRONG))


LEFT = """
import os, signal
from tests.pg_server import running_server
with running_server() as server:
    print(server.folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_whose_process_was_killed_is_removed_by_the_next() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    left = Server(Path(done.stdout.strip()))
    assert left.is_running()
    with running_server() as server:
        assert server.is_running()
        assert not left.folder.exists()
    assert not server.folder.exists()
