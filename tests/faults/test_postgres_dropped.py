"""Connections to a PostgreSQL server that break: a read is asked again, a write is there whole or
not at all, and is told as what it is.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from typer.testing import CliRunner

from cli.app import app
from storage.errors import ConnectionLost, DatasetBusy
from storage.opening import open_repository
from storage.postgres.database import Database
from storage.postgres.place import place_of
from storage.postgres.pools import MOST, get, give_back, take
from storage.query import parse
from storage.records import Action
from storage.repository import Repository
from tests.faults.cutting import Proxy, proxied
from tests.making import add_images, new_image
from tests.pg_server import Server, running_server

IMAGES = 3_000
"""More than a streamed read takes at once."""

WAIT = 10.0
HIDDEN = "open sesame"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server(tcp=True) as one:
        yield one


@pytest.fixture(scope="module")
def template(server: Server) -> str:
    """A database with a dataset of many images, all with the label 'old'."""
    name = server.create_database()
    with open_repository(server.url(name), create=True) as repository:
        add_images(repository, *(new_image(n, label="old") for n in range(IMAGES)))
    return name


@pytest.fixture
def name(server: Server, template: str) -> Iterator[str]:
    """The test's own copy of it."""
    name = server.create_database(template)
    yield name
    server.drop_database(name)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with proxied(server.port) as proxy:
        yield proxy


@pytest.fixture
def repository(server: Server, name: str, proxy: Proxy) -> Iterator[Repository]:
    """The dataset, open by way of the proxy."""
    url = proxy.url(with_password(server, name))
    with open_repository(url, wait=WAIT) as repository:
        yield repository


def with_password(server: Server, name: str) -> str:
    """The URL by TCP, as a role that owns everything there."""
    role = (
        f"DO $$ BEGIN CREATE ROLE owner SUPERUSER LOGIN PASSWORD '{HIDDEN}'; "
        "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    with server.connect(name) as connection:
        connection.execute(role.encode())
    return server.url(name, user="owner", password=HIDDEN, tcp=True)


def drop_all(server: Server, name: str) -> None:
    """End every connection to a database."""
    with server.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )


def labels(server: Server, name: str, *images: int) -> list[object]:
    """The labels of images, past the program."""
    with server.connect(name) as connection:
        return [
            row[0]
            for row in connection.execute(
                "SELECT label.name FROM pixshelf.image LEFT JOIN pixshelf.label "
                "ON label.id = label_id WHERE image.id = ANY(%s) ORDER BY image.id",
                (list(images),),
            )
        ]


def actions(server: Server, name: str) -> int:
    """How many actions are in the history, past the program."""
    with server.connect(name) as connection:
        row = connection.execute("SELECT count(*) FROM pixshelf.action").fetchone()
        return 0 if row is None else int(str(row[0]))


def label(repository: Repository, name: str = "new") -> Action:
    return repository.images.set_label([1, 2, 3], name, actor="test")


READS: dict[str, Callable[[Repository], object]] = {
    "one image": lambda repository: repository.images.get(1).label,
    "a page": lambda repository: len(repository.images.page(parse("label:old")).images),
    "a stream": lambda repository: len(list(repository.images.examples(parse("")))),
    "counts as of one moment": lambda repository: repository.stats().images,
    "bytes": lambda repository: len(list(repository.images.iter_data(range(1, 50)))),
    "a statement": lambda repository: list(repository.sql("SELECT count(*) FROM images")),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_read_after_the_connection_broke_is_answered_as_before(
    read: Callable[[Repository], object], server: Server, name: str, repository: Repository
) -> None:
    before = read(repository)
    drop_all(server, name)
    assert read(repository) == before


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "examples"])
def test_a_long_read_that_breaks_in_the_middle_is_whole_all_the_same(
    ids: bool, repository: Repository, proxy: Proxy
) -> None:
    everything = parse("")
    whole = list(range(1, IMAGES + 1))
    proxy.cut_after(20_000)
    if ids:
        assert repository.images.ids(everything) == whole
    else:
        assert [example.id for example in repository.images.examples(everything)] == whole
    assert proxy.has_cut


def test_a_statement_that_breaks_in_the_middle_of_its_rows_is_told_and_can_be_asked_again(
    repository: Repository, proxy: Proxy
) -> None:
    text = "SELECT id, repeat('x', 1000) FROM images"
    proxy.cut_after(1_000_000)
    rows = iter(repository.sql(text))
    seen = [next(rows)]
    with pytest.raises(ConnectionLost, match="was lost"):
        seen += rows
    assert 0 < len(seen) < IMAGES
    assert len(list(repository.sql(text))) == IMAGES


def test_a_write_after_the_connection_broke_is_stored_once(
    server: Server, name: str, repository: Repository
) -> None:
    drop_all(server, name)
    assert label(repository).images == 3
    assert labels(server, name, 1, 2, 3) == ["new"] * 3
    assert actions(server, name) == 1


@pytest.mark.parametrize("words", [b"INSERT INTO", b"UPDATE image"])
def test_a_write_that_breaks_in_the_middle_leaves_nothing_and_says_so(
    words: bytes, server: Server, name: str, repository: Repository, proxy: Proxy
) -> None:
    proxy.cut_at(words)
    with pytest.raises(ConnectionLost, match="was lost") as caught:
        label(repository)
    assert proxy.has_cut
    assert caught.value.hint is not None
    assert "Nothing of what was being written is there" in caught.value.hint
    assert labels(server, name, 1, 2, 3) == ["old"] * 3
    assert actions(server, name) == 0
    assert label(repository).images == 3


def test_a_change_whose_commit_was_not_answered_but_done_is_told_as_stored(
    server: Server, name: str, repository: Repository, proxy: Proxy
) -> None:
    proxy.cut_at(b"COMMIT\0", answered=True)
    action = label(repository)
    assert proxy.has_cut
    assert (action.id, action.images) == (1, 3)
    assert labels(server, name, 1, 2, 3) == ["new"] * 3
    assert actions(server, name) == 1


def test_a_change_whose_commit_never_arrived_is_told_as_not_stored(
    server: Server, name: str, repository: Repository, proxy: Proxy
) -> None:
    proxy.cut_at(b"COMMIT\0")
    with pytest.raises(ConnectionLost) as caught:
        label(repository)
    assert proxy.has_cut
    assert "Nothing of what was being written is there" in str(caught.value.hint)
    assert labels(server, name, 1, 2, 3) == ["old"] * 3
    assert actions(server, name) == 0


@pytest.mark.parametrize("answered", [True, False])
def test_where_the_server_stays_away_after_a_commit_nothing_is_claimed(
    answered: bool, server: Server, name: str, proxy: Proxy
) -> None:
    url = proxy.url(with_password(server, name))
    with open_repository(url, wait=0.0) as repository:
        proxy.cut_at(b"COMMIT\0", answered=answered, then_away=True)
        with pytest.raises(ConnectionLost, match="there whole, or not at all") as caught:
            label(repository)
        assert "pixshelf history" in str(caught.value.hint)
        proxy.away = False
        assert len(repository.history.actions()) == int(answered)
        assert label(repository, "later").images == 3


def test_an_undo_whose_commit_was_not_answered_but_done_is_told_whole_and_done_once(
    server: Server, name: str, repository: Repository, proxy: Proxy
) -> None:
    made = [label(repository, one).id for one in ("a", "b", "c")]
    proxy.cut_at(b"COMMIT\0", answered=True)
    undone = repository.history.undo(2)
    assert proxy.has_cut
    assert [(action.id, action.state) for action in undone] == [
        (one, "undone") for one in made[:0:-1]
    ]
    assert labels(server, name, 1, 2, 3) == ["a"] * 3


def test_an_undo_that_breaks_in_the_middle_takes_nothing_back(
    server: Server, name: str, repository: Repository, proxy: Proxy
) -> None:
    for one in ("a", "b", "c"):
        label(repository, one)
    proxy.cut_at(b"UPDATE action")
    with pytest.raises(ConnectionLost):
        repository.history.undo(2)
    assert proxy.has_cut
    assert labels(server, name, 1, 2, 3) == ["c"] * 3
    assert {action.state for action in repository.history.actions()} == {"done"}


def test_a_batch_of_images_whose_commit_was_not_answered_is_there_once(
    server: Server, name: str, repository: Repository, proxy: Proxy
) -> None:
    import_id = repository.images.begin_import("made", {})
    proxy.cut_at(b"COMMIT\0", answered=True)
    batch = [new_image(n) for n in range(IMAGES, IMAGES + 20)]
    assert all(added.new for added in repository.images.add(batch, import_id=import_id))
    assert proxy.has_cut
    assert repository.images.count(parse("")) == IMAGES + 20
    assert list(repository.check()) == []


def test_a_writer_whose_machine_went_away_keeps_no_other_waiting(
    server: Server, name: str, repository: Repository, proxy: Proxy
) -> None:
    proxy.cut_at(b"UPDATE image")
    with pytest.raises(ConnectionLost):
        label(repository)
    with open_repository(server.url(name), wait=WAIT) as other:
        assert label(other).images == 3


def test_a_server_is_found_again_at_once_however_long_it_was_away(
    server: Server, name: str, proxy: Proxy
) -> None:
    url = proxy.url(with_password(server, name))
    with open_repository(url, wait=0.0) as repository:
        proxy.away = True
        drop_all(server, name)
        for _ in range(3):  # a second each
            with pytest.raises(ConnectionLost):
                repository.images.get(1)
        proxy.away = False
        assert repository.images.get(1).label == "old"


def test_what_keeps_a_connection_from_being_had_again_is_told(
    server: Server, name: str, proxy: Proxy
) -> None:
    url = proxy.url(with_password(server, name))
    with open_repository(url, wait=0.0) as repository:
        with server.connect() as connection:
            connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0".encode())
            connection.execute("ALTER ROLE owner NOSUPERUSER")
        try:
            drop_all(server, name)
            with pytest.raises(DatasetBusy, match="takes no more connections: too many"):
                repository.images.get(1)
        finally:
            with server.connect() as connection:
                connection.execute("ALTER ROLE owner SUPERUSER")


def test_a_program_that_uses_all_its_connections_says_so(server: Server, name: str) -> None:
    place = place_of(server.url(name))
    with open_repository(place.url, wait=0.0) as repository:
        pool = take(place, wait=0.0, told=None)
        connections = [get(pool, place, wait=WAIT) for _ in range(MOST)]
        with pytest.raises(DatasetBusy, match=f"all {MOST} connections"):
            repository.images.get(1)
        for connection in connections:
            pool.putconn(connection)
        assert repository.images.get(1).label == "old"
        give_back(place)


def test_a_server_that_restarts_since_one_of_its_processes_crashed_is_waited_for(
    server: Server, name: str, repository: Repository
) -> None:
    with server.connect(name) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        assert repository.images.get(1).label == "old"
        assert label(repository).images == 3


def test_a_read_and_a_write_wait_for_a_server_that_is_started_anew(
    server: Server, name: str, repository: Repository
) -> None:
    for restarted in (repository.stats, lambda: label(repository)):
        server.stop("immediate")
        starting = threading.Thread(target=server.start)
        starting.start()
        assert restarted() is not None
        starting.join()
    assert labels(server, name, 1) == ["new"]


def test_a_command_that_is_cut_off_says_what_became_of_its_change(
    server: Server, name: str, proxy: Proxy
) -> None:
    url = proxy.url(with_password(server, name))
    line = ["--db", url, "--wait", "1", "label", "id<=3", "new"]
    proxy.cut_at(b"COMMIT\0")
    done = CliRunner().invoke(app, line, prog_name="pixshelf")
    error, hint = done.stderr.splitlines()
    assert (done.exit_code, done.stdout) == (3, "")
    assert error == (
        f"pixshelf: error: the connection to the PostgreSQL server 127.0.0.1:{proxy.port} was lost"
    )
    assert "Nothing of what was being written is there" in hint
    assert actions(server, name) == 0
    proxy.cut_at(b"COMMIT\0", answered=True)
    done = CliRunner().invoke(app, line, prog_name="pixshelf")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "3 images labelled new, 3 changed\n"
    assert labels(server, name, 1, 2, 3) == ["new"] * 3
    assert actions(server, name) == 1


@pytest.mark.parametrize(("given", "meant"), [("off", "on"), ("local", "local")])
def test_what_is_stored_is_on_the_disk_whatever_the_server_promises(
    given: str, meant: str, server: Server, name: str
) -> None:
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {given}".encode())
    with (
        closing(Database(server.url(name), wait=WAIT)) as database,
        database.write() as connection,
    ):
        assert connection.execute("SHOW synchronous_commit").fetchone() == (meant,)
