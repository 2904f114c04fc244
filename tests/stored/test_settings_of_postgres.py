"""A dataset in PostgreSQL keeps its promises whatever its database, and whoever else works in it,
have set by themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from storage.copying.copy import copy_dataset
from storage.errors import DatasetError
from storage.opening import open_repository
from storage.postgres import tables
from storage.postgres.database import WRITE_LOCK, Database
from tests.making import add_images, new_image, new_model, new_prediction

WAIT = 30.0

SETTINGS = (
    "default_transaction_isolation = 'repeatable read'",
    "default_transaction_isolation = 'serializable'",
    "synchronous_commit = off",
)


@pytest.fixture
def url(postgres_url: str) -> str:
    """A dataset with two images, and a model's answers for them."""
    fill(postgres_url)
    return postgres_url


def fill(url: str) -> None:
    with open_repository(url, create=True) as repository:
        ids = add_images(repository, new_image(1, label="a"), new_image(2, label="b"))
        model = repository.models.add(new_model("a", "b"))
        repository.predictions.save(model, [new_prediction(image, "a", 0.9) for image in ids])


@contextmanager
def connected(url: str) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """What runs statements past the code under test."""
    with psycopg.connect(url, autocommit=True) as connection:

        def run(sql: str) -> list[tuple[object, ...]]:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

        yield run


def set_for_all(url: str, setting: str) -> None:
    """Set something for whoever connects to the database from now on."""
    with connected(url) as run:
        ((name,),) = run("SELECT current_database()")
        run(f"ALTER DATABASE {name} SET {setting}")


@pytest.mark.parametrize("setting", SETTINGS)
def test_writers_who_wait_for_one_another_see_what_was_stored_meanwhile(
    url: str, setting: str
) -> None:
    set_for_all(url, setting)
    failed: list[BaseException] = []

    def label() -> None:
        try:
            with open_repository(url, wait=WAIT) as repository:
                repository.images.set_label([1], "later", actor="bob")
        except BaseException as error:
            failed.append(error)

    waiting = (
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        f"AND objid = {WRITE_LOCK} AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with closing(Database(url, wait=WAIT)) as database, connected(url) as run:
        other = threading.Thread(target=label)
        with database.write() as connection:
            other.start()
            while not run(waiting):
                assert other.is_alive(), failed
            connection.execute(
                "INSERT INTO action (id, at, actor, kind, summary, images) "
                "VALUES (1, 0, 'ann', 'label', 'sooner', 1)"
            )
        other.join(WAIT)
    assert failed == []
    with open_repository(url) as repository:
        assert [(one.id, one.actor) for one in repository.history.actions()] == [
            (2, "bob"),
            (1, "ann"),
        ]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_copy_is_written_and_its_publication_is_on_the_disk(
    postgres_url: str, tmp_path: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_for_all(postgres_url, setting)
    fill(str(tmp_path / "a.db"))
    durable: list[object] = []
    publish = tables.PostgresWriter.publish
    last = tables._last_statements

    def spied(writer: tables.PostgresWriter) -> None:
        def statements() -> Iterator[str]:
            durable.append(writer._connection.execute("SHOW synchronous_commit").fetchone())
            yield from last()

        monkeypatch.setattr(tables, "_last_statements", statements)
        publish(writer)

    monkeypatch.setattr(tables.PostgresWriter, "publish", spied)
    copy_dataset(str(tmp_path / "a.db"), postgres_url)
    assert durable == [("on",)]
    with open_repository(postgres_url) as repository:
        assert repository.stats().images == 2


@pytest.mark.parametrize("copied", [False, True], ids=["made", "copied"])
@pytest.mark.parametrize("path", ["''", "public", "mine, pixshelf", "pg_temp, pixshelf"])
def test_wrong_follows_a_label_that_is_changed_by_hand_whatever_tables_are_seen_by_name(
    postgres_url: str, tmp_path: Path, path: str, copied: bool
) -> None:
    if copied:
        fill(str(tmp_path / "a.db"))
        copy_dataset(str(tmp_path / "a.db"), postgres_url)
    else:
        fill(postgres_url)
    with connected(postgres_url) as run:
        run("CREATE SCHEMA mine")
        for schema in ("mine", "pg_temp"):
            run(f"CREATE TABLE {schema}.prediction (LIKE pixshelf.prediction)")
        run(f"SET search_path = {path}")
        run("UPDATE pixshelf.image SET label_id = 3 - label_id")
        wrong = run("SELECT image_id, wrong FROM pixshelf.prediction ORDER BY image_id")
    assert wrong == [(1, 1), (2, 0)]
    with open_repository(postgres_url) as repository:
        assert list(repository.check()) == []


def test_a_transaction_in_which_a_statement_failed_is_not_taken_for_stored(url: str) -> None:
    with closing(Database(url, wait=WAIT)) as database:
        with pytest.raises(DatasetError, match="answered COMMIT with ROLLBACK: nothing was stored"):
            go_on_after_an_error(database)
        assert database.value("SELECT count(label_id) FROM image") == 2


def go_on_after_an_error(database: Database) -> None:
    """Change something, and let an error of the same transaction pass."""
    with database.write() as connection:
        connection.execute("UPDATE image SET label_id = NULL")
        with suppress(psycopg.Error):
            connection.execute("SELECT 1 / 0")
