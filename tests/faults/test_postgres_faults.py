"""What a PostgreSQL server refuses, or does not answer: one clear line each, with a hint, the right
exit code, and no password.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from cli.app import app
from storage.opening import open_repository
from tests.faults.harness import (
    ROOT,
    TIMEOUT,
    assert_clear_failure,
    environment,
    make_images,
)
from tests.making import add_images, new_image
from tests.ml_fixtures import digits_model
from tests.pg_server import Server, running_server

HIDDEN = "s3same: of%the/cave@home"
NOBODY = "postgresql://ann:s3same@127.0.0.1:1/photos"
"""Where no server is."""

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server(tcp=True) as one:
        for role in ("ann", "reader", "nobody"):
            make_role(one, role)
        with one.connect() as connection:
            connection.execute("CREATE DATABASE locked")
            connection.execute("REVOKE CONNECT ON DATABASE locked FROM PUBLIC")
        yield one


@pytest.fixture(scope="module")
def name(server: Server) -> str:
    """A database with a dataset of five images and a model, which nobody changes. 'reader' may
    read it."""
    name = server.create_database()
    with open_repository(server.url(name), create=True) as repository:
        add_images(repository, *(new_image(n, label="old") for n in range(5)))
        repository.models.add(digits_model())
    with server.connect(name) as connection:
        connection.execute("GRANT USAGE ON SCHEMA pixshelf TO reader")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA pixshelf TO reader")
    return name


@pytest.fixture
def copy(server: Server, name: str) -> Iterator[str]:
    """The test's own copy of it."""
    own = server.create_database(name)
    yield own
    server.drop_database(own)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_images(tmp_path_factory.mktemp("pictures"), 3)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own passwords stay out of it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))


def make_role(server: Server, role: str) -> None:
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{HIDDEN}'".encode())


def as_role(server: Server, database: str, role: str, password: str | None = HIDDEN) -> str:
    """The URL of a database, by TCP."""
    return server.url(database, user=role, password=password, tcp=True)


def run(url: str, *words: object, wait: float = 0) -> Done:
    """Run a command to its end, within this process."""
    line = ["--db", url, "--wait", str(wait), *map(str, words)]
    done = CliRunner().invoke(app, line, prog_name="pixshelf")
    return Done(line, done.exit_code, done.stdout, done.stderr)


def assert_refused(done: Done, *words: str, code: int = 3) -> None:
    """It failed with one line and a hint, and what is hidden stays so."""
    assert_clear_failure(done, code, *words, never=(HIDDEN, "s3same"))
    assert len(done.stderr.splitlines()) == 2, done.stderr
    assert not done.stdout
    assert "s3same" not in done.stdout


# No connection


def test_a_wrong_password_is_told_without_it(server: Server, name: str) -> None:
    done = run(as_role(server, name, "ann", "s3same, open"), "stats")
    assert_refused(done, "refused the user 'ann'", "password authentication failed")
    assert "PGPASSWORD" in done.stderr


def test_no_password_where_one_is_needed_is_told(server: Server, name: str) -> None:
    make_role(server, "silent")
    done = run(as_role(server, name, "silent", None), "stats")
    assert_refused(done, "refused the user 'silent'", "password")


def test_a_user_that_is_not_there_is_told(server: Server, name: str) -> None:
    assert_refused(run(as_role(server, name, "zed"), "stats"), "refused the user 'zed'")


def test_a_host_that_is_not_there_is_told() -> None:
    url = "postgresql://ann:s3same@no-such-host.invalid/photos"
    assert_refused(run(url, "stats"), "there is no host 'no-such-host.invalid'")


def test_a_database_that_is_not_there_is_told(server: Server, name: str) -> None:
    done = run(as_role(server, "nothing", "ann"), "stats")
    assert_refused(done, "has no database 'nothing'")
    port = server.port
    assert f"'createdb -h 127.0.0.1 -p {port} -U ann nothing'" in done.stderr


def test_a_url_that_names_no_database_is_told(server: Server, name: str) -> None:
    url = as_role(server, "", "ann").rstrip("/")
    done = run(url, "stats")
    assert_refused(done, "has no database 'ann', and the URL names none")
    assert "postgresql://ann@HOST/NAME" in done.stderr


def test_a_database_that_one_may_not_connect_to_is_told(server: Server, name: str) -> None:
    done = run(as_role(server, "locked", "ann"), "stats")
    assert_refused(done, "may not connect to the database 'locked'")


def test_a_server_without_room_is_told(server: Server, copy: str) -> None:
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {copy} CONNECTION LIMIT 0".encode())
    done = run(as_role(server, copy, "ann"), "stats")
    assert_refused(done, "takes no more connections: too many connections for database")


def test_a_server_whose_last_places_are_reserved_is_told() -> None:
    with (
        running_server(tcp=True, max_connections="5", superuser_reserved_connections="3") as small,
        ExitStack() as stack,
    ):
        make_role(small, "ann")
        url = as_role(small, "postgres", "ann")
        for _ in range(2):
            stack.enter_context(psycopg.connect(url))
        assert_refused(run(url, "stats"), "takes no more connections: remaining connection slots")


def test_a_server_that_wants_what_this_one_has_not_is_told(server: Server, name: str) -> None:
    url = as_role(server, name, "ann") + "?sslmode=require"
    done = run(url, "stats")
    assert_refused(done, "has no encrypted connections: server does not support SSL")
    assert "sslmode" in done.stderr


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("sslmode=bogus", 'invalid sslmode value: "bogus"'),
        ("keepalives_idle=x", 'invalid integer value "x"'),
        ("connect_timeout=soon", "a connect_timeout that is no number"),
        ("sslmod=require", "a parameter 'sslmod'"),
        ("zzzz=require", "a parameter 'zzzz'"),
    ],
)
def test_a_parameter_that_will_not_do_is_named(server: Server, parameter: str, words: str) -> None:
    done = run(f"{as_role(server, 'nothing', 'ann')}?{parameter}", "stats", wait=60)
    assert_refused(done, words, code=2)


def test_a_parameter_that_is_nearly_one_is_told_which() -> None:
    done = run("postgresql://ann@127.0.0.1/photos?sslmod=require", "stats")
    assert "Did you mean 'sslmode'?" in done.stderr


@pytest.mark.parametrize("port", ["0", "99999", "-1", "123456789012", "s3same"])
def test_a_port_that_is_none_is_told_at_once(port: str) -> None:
    done = run(f"postgresql://ann@127.0.0.1:{port}/photos", "stats", wait=60)
    assert_refused(done, "a port that is no number from 1 to 65,535", code=2)


COMMANDS = (
    "stats", "ls", "show 1", "label id:1 cat", "tag add odd id:1", "split id:1 --to train",
    "history", "undo", "redo", "duplicates exact", "problems", "review wrong", "labels ls",
    "tags ls", "rm id:1", "restore id:1", "sql SELECT(1)", "train", "eval",
    "predict id:1", "runs ls", "runs show 1", "runs resume 1",
    "models ls", "models show 1", "export out", "merge other.db", "db init", "db info", "db check",
    "db backup out.db", "db vacuum", "db migrate", "db copy other.db", "serve --port 0",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_that_there_is_no_server(command: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with open_repository(other, create=True) as repository:
        add_images(repository, new_image(1))
    words = [
        str(tmp_path / word) if word in ("out", "out.db") else word for word in command.split()
    ]
    words = [str(other) if word == "other.db" else word for word in words]
    if words[:2] == ["db", "copy"]:
        words.append(NOBODY)
    done = run(NOBODY, *words)
    assert_refused(done, "cannot connect to the PostgreSQL server 127.0.0.1:1: Connection refused")
    assert not (tmp_path / "out").exists()


def test_doctor_tells_of_it_among_the_rest() -> None:
    done = run(NOBODY, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "cannot connect to the PostgreSQL server 127.0.0.1:1" in done.stdout
    assert "s3same" not in done.stdout


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:s3same@cave@127.0.0.1/photos",
        "postgresql://ann:s3same/cave@127.0.0.1/photos",
        "postgresql://ann:s3same/photos",
        "postgresql://ann:7/s3same@127.0.0.1/photos",
        "postgresql://ann:s3same%zz@127.0.0.1/photos",
        "postgresql://ann:pass?s3same=1",
    ],
)
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    assert_refused(run(url, "stats"), "the URL of the PostgreSQL database", code=2)


def test_the_log_of_a_defect_names_no_password(
    server: Server, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    url = as_role(server, name, "reader")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("storage.postgres.repository.PostgresRepository.stats", broken)
    for words in (["--db", url, "stats"], [f"--db={url}", "stats"]):
        monkeypatch.setattr(sys, "argv", ["pixshelf", *words])
        assert CliRunner().invoke(app, words, prog_name="pixshelf").exit_code == 1
    logs = [path.read_text() for path in tmp_path.rglob("error-*.log")]
    assert logs
    for log in logs:
        assert "RuntimeError: broken" in log
        assert "reader:…@127.0.0.1" in log
        assert "s3same" not in log


# A connection, but no right


def test_a_dataset_that_one_may_not_read_is_told(server: Server, name: str) -> None:
    done = run(as_role(server, name, "nobody"), "stats")
    assert_refused(done, "the user 'nobody' may not do that", "permission denied for schema")


@pytest.mark.parametrize(
    "command",
    [
        "label id:1 cat", "tag add odd id:1", "split id:1 --to train", "rm id:1 --yes",
        "db vacuum --yes",
        "labels rename old new", "models rename 1 other", "import PICTURES",
        "predict PICTURES --save",
    ],
)  # fmt: skip
def test_a_dataset_that_one_may_only_read_is_told_and_stays_as_it_is(
    command: str, server: Server, name: str, pictures: Path
) -> None:
    words = [str(pictures) if word == "PICTURES" else word for word in command.split()]
    done = run(as_role(server, name, "reader"), *words)
    assert_refused(done, "the user 'reader' may not do that", "permission denied for table")
    with open_repository(server.url(name)) as repository:
        assert (repository.stats().labels, repository.history.actions()) == ({"old": 5}, [])


def test_who_may_only_read_can_read(server: Server, name: str) -> None:
    for words in ("stats", "ls", "history", "models ls", "db info", "db check --deep"):
        done = run(as_role(server, name, "reader"), *words.split())
        assert (done.returncode, done.stderr) == (0, ""), words


@pytest.mark.parametrize("command", ["db init", "import PICTURES"])
def test_a_database_where_one_may_make_nothing_is_told(
    command: str, server: Server, pictures: Path
) -> None:
    words = [str(pictures) if word == "PICTURES" else word for word in command.split()]
    done = run(as_role(server, "postgres", "ann"), *words)
    assert_refused(done, "the user 'ann' may not do that", "permission denied for database")


def test_a_server_that_is_read_only_is_read_and_tells_that_it_cannot_be_written(
    server: Server, copy: str, pictures: Path
) -> None:
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {copy} SET default_transaction_read_only = on".encode())
    url = server.url(copy)
    assert run(url, "stats").returncode == 0
    for words in (["label", "id:1", "cat"], ["import", pictures]):
        assert_refused(run(url, *words), "cannot be written: the server is read-only")


# Another schema


@pytest.mark.parametrize("command", ["stats", "import PICTURES", "db init", "ls"])
def test_a_dataset_of_a_newer_program_is_refused(
    command: str, server: Server, copy: str, pictures: Path
) -> None:
    set_version(server, copy, 99)
    words = [str(pictures) if word == "PICTURES" else word for word in command.split()]
    done = run(server.url(copy), *words)
    assert_refused(done, "has schema version 99; this program knows up to 2")
    with server.connect(copy) as connection:
        row = connection.execute("SELECT version FROM pixshelf.dataset").fetchone()
    assert row == (99,)


def test_a_dataset_of_an_earlier_schema_names_the_command_that_helps(
    server: Server, copy: str
) -> None:
    set_version(server, copy, 1)
    done = run(server.url(copy), "stats")
    assert_refused(done, "has schema version 1; this program needs 2")
    assert "pixshelf db migrate" in done.stderr


def test_a_database_without_a_dataset_names_the_command_that_makes_one(server: Server) -> None:
    done = run(server.url("postgres"), "stats")
    assert_refused(done, "there is no dataset in")
    assert "pixshelf db init" in done.stderr


@pytest.mark.parametrize("command", ["stats", "db init"])
def test_a_schema_of_that_name_that_is_something_else_is_left_alone(
    command: str, server: Server, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA pixshelf")
        connection.execute("CREATE TABLE pixshelf.image (mine text)")
        done = run(postgres_url, *command.split())
        assert_refused(done, "no dataset" if command == "stats" else "is no dataset")
        assert connection.execute("SELECT * FROM pixshelf.image").fetchall() == []


def set_version(server: Server, name: str, version: int) -> None:
    with server.connect(name) as connection:
        connection.execute("UPDATE pixshelf.dataset SET version = %s", (version,))


def test_a_text_that_postgresql_cannot_hold_is_refused(server: Server, copy: str) -> None:
    url = server.url(copy)
    for words in (["label", "id:1", "a\0b"], ["tag", "add", "a\0b", "id:1"], ["ls", "label:a\0b"]):
        done = run(url, *words)
        assert done.returncode in (2, 4), done.stderr
        assert "U+0000" in done.stderr
        assert "Traceback" not in done.stderr
    with open_repository(url) as repository:
        assert repository.stats().labels == {"old": 5}


# A server that is starting


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that the test may stop."""
    with running_server() as server:
        yield server


def started(url: str, *words: str, wait: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "--db", url, "--wait", str(wait), *words],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_server_that_is_starting_is_waited_for_and_told_once(own_server: Server) -> None:
    url = own_server.url()
    open_repository(url, create=True).close()
    own_server.stop()
    process = started(url, "stats", "--json", wait=60)
    assert process.stderr is not None
    told = process.stderr.readline()
    assert told == f"waiting up to 60 s for the PostgreSQL server {own_server.folder}\n"
    own_server.start()
    out, rest = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, rest) == (0, "")
    assert '"images": 0' in out


def test_a_server_that_does_not_come_is_given_up_in_time(own_server: Server) -> None:
    own_server.stop()
    began = time.monotonic()
    done = run(own_server.url(), "stats", wait=1)
    assert time.monotonic() - began >= 1
    assert done.returncode == 3
    told, error, hint = done.stderr.splitlines()
    assert told.startswith("waiting up to 1 s for the PostgreSQL server")
    assert error.startswith("pixshelf: error: cannot connect")
    assert hint.endswith("wait longer with --wait SECONDS.")


def test_quiet_waits_without_a_word(own_server: Server) -> None:
    own_server.stop()
    done = run(own_server.url(), "--quiet", "stats", wait=0.2)
    assert_refused(done, "cannot connect")


def test_where_nothing_listens_it_is_not_waited_for_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cli.session.REFUSED_WAIT", 0.2)
    done = CliRunner().invoke(app, ["--db", NOBODY, "stats"], prog_name="pixshelf")
    assert done.exit_code == 3
    told = done.stderr.splitlines()[0]
    assert told == "waiting up to 0.2 s for the PostgreSQL server 127.0.0.1:1"


def test_how_long_to_wait_is_taken_by_its_word() -> None:
    line = ["--db", NOBODY, "--wait", "0.3", "stats"]
    done = CliRunner().invoke(app, line, prog_name="pixshelf")
    assert done.stderr.startswith("waiting up to 0.3 s for the PostgreSQL server")
