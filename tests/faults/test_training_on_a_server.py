"""Trainings in child processes on a PostgreSQL server: its password is nowhere to be read, and a
server that is started anew in the middle takes nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.child import environment
from ml.events import Done, Epoch
from ml.settings import TrainSettings
from ml.training import start_training
from storage.opening import open_repository
from tests.ml_fixtures import store_digits
from tests.pg_server import Server, running_server

pytestmark = pytest.mark.slow

HIDDEN = "s3cret/of%the server"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server(tcp=True) as one:
        yield one


@pytest.fixture
def url(server: Server) -> str:
    """A dataset of a few digits that belongs to a role with a password, reached by TCP."""
    name = server.create_database()
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE keeper_{name} LOGIN PASSWORD '{HIDDEN}'".encode())
        connection.execute(f"ALTER DATABASE {name} OWNER TO keeper_{name}".encode())
    url = server.url(name, user=f"keeper_{name}", password=HIDDEN, tcp=True)
    with open_repository(url, create=True) as repository:
        store_digits(repository, 200, split="train")
    return url


def words_of_children(pid: int) -> Iterator[bytes]:
    """The command lines of a process's children, and of theirs."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            yield Path(f"/proc/{child}/cmdline").read_bytes()
            yield from words_of_children(int(child))
    except (FileNotFoundError, ProcessLookupError):
        return  # it has just ended


def everything_stored(server: Server, url: str) -> str:
    """Every row of the dataset as text."""
    database = url.rpartition("/")[2]
    with server.connect(database) as connection:
        tables = connection.execute(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'pixshelf'"
        ).fetchall()
        rows = [
            str(row)
            for (table,) in tables
            for row in connection.execute(f"TABLE pixshelf.{table}".encode())
        ]
    return "\n".join(rows)


def test_a_training_shows_the_servers_password_nowhere(
    server: Server, url: str, tmp_path: Path
) -> None:
    folders = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "DATA", "STATE")}
    variables = environment() | folders | {"PIXSHELF_DB": url}
    program = [sys.executable, "-P", "-m", "cli"]
    words = ["train", "--preset", "quick", "--epochs", "1", "--json"]
    seen: set[bytes] = set()
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(
            [*program, *words], stdout=said, stderr=said, env=variables, cwd=ROOT
        ) as process,
    ):
        while process.poll() is None:
            seen.update(words_of_children(process.pid))
    told = (tmp_path / "said").read_text()
    assert process.returncode == 0, told
    assert any(b"ml.worker" in one for one in seen)
    for more in (
        ["runs", "show", "1", "--json"],
        ["models", "ls", "--json"],
        ["history", "--json"],
        ["db", "info", "--json"],
        ["doctor", "--json"],
        ["sql", "SELECT nothing"],
        ["--db", url.replace("keeper", "nobody"), "stats"],
    ):
        done = subprocess.run(
            [*program, *more], capture_output=True, text=True, env=variables, cwd=ROOT, check=False
        )
        told += done.stdout + done.stderr
    assert "refused the user 'nobody" in told
    kept = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) > 2  # the log, the journal
    quoted = url.split(":")[2].partition("@")[0]
    for secret in (HIDDEN, quoted, HIDDEN[:6]):
        for text in (told, *kept, everything_stored(server, url)):
            assert secret not in text
        assert not any(secret.encode() in one for one in seen)


def test_a_training_outlives_a_server_that_is_started_anew(
    server: Server, url: str, tmp_path: Path
) -> None:
    settings = TrainSettings(preset="quick", epochs=6, batch=32, seed=4)
    restarts = []
    with open_repository(url) as repository:
        place = repository.url
        with start_training(place, settings, log=tmp_path / "log") as training:
            for event in training.events():
                if isinstance(event, Epoch) and event.epoch in (1, 3):
                    server.stop("fast" if event.epoch == 1 else "immediate")
                    restarts.append(threading.Thread(target=server.start))
                    restarts[-1].start()
        for restart in restarts:
            restart.join()
        assert isinstance(event, Done)
        run = repository.runs.get(event.run)
        assert (run.status, len(run.epochs), run.model) == ("done", 6, event.model)
        assert len(restarts) == 2
