"""What `copy_dataset` refuses, and leaves as it is."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from storage.copying import copy_dataset
from storage.errors import DatasetBusy, DatasetError, RefusedInput, UsageError
from storage.extras import install_hint
from storage.opening import open_repository
from tests.copies import (
    CutOff,
    NewPlace,
    Place,
    ServerPlace,
    content,
    cut_at,
    each_kind,
    filled,
    new_place,
    once,
    source,
)
from tests.pg_server import Server

__all__ = ["new_place", "source"]


@each_kind
def test_a_target_that_is_a_dataset_is_refused_and_left_as_it_is(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    target = new_place(kind)
    with filled(target):
        pass
    before = content(target)
    for dry_run in (True, False):
        with pytest.raises(RefusedInput, match="already"):
            copy_dataset(source.url, target.url, restart=True, dry_run=dry_run)
    assert content(target) == before


def test_a_target_that_is_another_file_is_refused_and_left_as_it_is(
    source: Place, tmp_path: Path
) -> None:
    target = tmp_path / "letter.txt"
    target.write_text("dear")
    with pytest.raises(RefusedInput, match="is already there"):
        copy_dataset(source.url, target)
    assert target.read_text() == "dear"


def test_a_target_in_no_folder_is_refused(source: Place, tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="there is no folder"):
        copy_dataset(source.url, tmp_path / "no" / "target.db")


def test_a_source_that_is_not_there_leaves_no_target(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no dataset"):
        copy_dataset(tmp_path / "none.db", tmp_path / "target.db")
    assert list(tmp_path.iterdir()) == []


def test_one_file_under_two_names_is_not_copied_onto_itself(source: Place, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(source.url)
    with pytest.raises(UsageError, match="onto itself"):
        copy_dataset(f"sqlite:///{source.url}", link)


def test_one_database_under_two_names_is_not_copied_onto_itself(new_place: NewPlace) -> None:
    place = new_place("postgres")
    assert isinstance(place, ServerPlace)
    with pytest.raises(UsageError, match="onto itself"):
        copy_dataset(place.url, place.url.replace("postgresql:", "postgres:"))


def test_without_psycopg_the_error_says_how_to_get_it(
    source: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(name: str) -> object:
        return None if name == "psycopg" else find_spec(name)

    monkeypatch.setattr("storage.opening.find_spec", found)
    for one, other in (("postgresql://h/n", "t.db"), (source.url, "postgresql://h/n")):
        with pytest.raises(UsageError, match="extra 'postgres'") as caught:
            copy_dataset(one, other)
        assert caught.value.hint == install_hint("postgres")


@each_kind
def test_a_second_copy_to_the_same_place_waits_and_gives_up(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    target = new_place(kind)

    def again() -> None:
        with pytest.raises(DatasetBusy, match=r"waited 0\.05 s"):
            copy_dataset(source.url, target.url, wait=0.05)

    copy_dataset(source.url, target.url, progress=once("copying image", again))
    assert content(target) == content(source)


def test_a_dataset_made_at_the_target_meanwhile_is_not_overwritten(
    source: Place, new_place: NewPlace
) -> None:
    target = new_place("postgres")

    def make() -> None:
        open_repository(target.url, create=True).close()

    with pytest.raises(RefusedInput, match="already a dataset"):
        copy_dataset(source.url, target.url, progress=once("making indexes", make))
    assert target.raw("SELECT count(*) FROM image") == [(0,)]


def test_a_file_made_at_the_target_meanwhile_is_not_overwritten(
    source: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target.db"
    with pytest.raises(RefusedInput, match="already there"):
        copy_dataset(
            source.url, target, progress=once("making indexes", lambda: target.write_text("mine"))
        )
    assert target.read_text() == "mine"


def test_a_file_that_has_the_name_of_the_unfinished_copy_is_refused_and_left(
    source: Place, tmp_path: Path
) -> None:
    other = tmp_path / "target.db.copying"
    shutil.copyfile(source.url, other)
    before = other.read_bytes()
    with pytest.raises(RefusedInput, match="no unfinished copy"):
        copy_dataset(source.url, tmp_path / "target.db", restart=True)
    assert other.read_bytes() == before


def test_a_schema_that_has_the_name_of_the_unfinished_copy_is_refused_and_left(
    source: Place, new_place: NewPlace
) -> None:
    target = new_place("postgres")
    target.raw("CREATE SCHEMA pixshelf_copying")
    target.raw("CREATE TABLE mine (a int)", unfinished=True)
    with pytest.raises(RefusedInput, match="no unfinished copy"):
        copy_dataset(source.url, target.url, restart=True)
    assert target.raw("SELECT * FROM mine", unfinished=True) == []


def test_an_unfinished_copy_of_another_user_is_refused(
    source: Place, postgres_server: Server
) -> None:
    name = postgres_server.create_database()
    theirs = ServerPlace(postgres_server.url(name))
    with pytest.raises(CutOff):
        copy_dataset(source.url, theirs.url, progress=cut_at("verifying image"))
    word = "of the test"
    theirs.raw(f"CREATE ROLE copier LOGIN PASSWORD '{word}'")
    try:
        theirs.raw("GRANT ALL ON SCHEMA pixshelf_copying TO copier")
        theirs.raw("GRANT ALL ON ALL TABLES IN SCHEMA pixshelf_copying TO copier")
        with pytest.raises(RefusedInput, match="no unfinished copy of this user's"):
            copy_dataset(source.url, postgres_server.url(name, user="copier", password=word))
    finally:
        postgres_server.drop_database(name)
        with postgres_server.connect() as connection:
            connection.execute("DROP ROLE copier")
