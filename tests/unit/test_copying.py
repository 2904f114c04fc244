"""A dataset copied whole between two backends: what is there afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.copying import copy_dataset
from storage.copying.tables import BATCH_BYTES, BATCH_ROWS, TABLES, Tally, batches
from storage.copying.verifying import lockstep
from storage.errors import DatasetError
from storage.opening import open_repository
from storage.sqlite.schema import LARGE
from tests.copies import (
    NewPlace,
    Place,
    both_ways,
    content,
    each_kind,
    filled,
    new_place,
    once,
    source,
)
from tests.making import add_images, new_image
from tests.pg_server import Server

__all__ = ["new_place", "source"]


@both_ways
def test_every_row_of_every_table_is_in_the_copy(one: str, other: str, new_place: NewPlace) -> None:
    source, target = new_place(one), new_place(other)
    with filled(source):
        pass
    report = copy_dataset(source.url, target.url)
    there = content(target)
    assert there == content(source)
    assert report.rows == {table: len(rows) for table, (_, rows) in there.items()}
    assert min(report.rows.values()) > 0
    assert (report.resumed, report.kept) == (False, 0)


def test_a_round_trip_through_postgresql_gives_the_same_rows(
    source: Place, new_place: NewPlace
) -> None:
    between, back = new_place("postgres"), new_place("sqlite")
    copy_dataset(source.url, between.url)
    copy_dataset(between.url, back.url)
    assert content(back) == content(source)


@each_kind
def test_what_was_done_can_be_undone_in_the_copy(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    target = new_place(kind)
    copy_dataset(source.url, target.url)
    for place in (source, target):
        with open_repository(place.url) as repo:
            repo.history.undo(3)
            repo.history.redo(1)
    assert content(target) == content(source)


@each_kind
def test_the_copy_is_sound_and_can_be_added_to(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    target = new_place(kind)
    copy_dataset(source.url, target.url)
    with open_repository(target.url) as repo:
        assert list(repo.check(deep=True)) == []
        assert add_images(repo, new_image(1), new_image(99)) == [2, 23]


def test_an_empty_dataset_is_copied(new_place: NewPlace) -> None:
    source, target = new_place("sqlite"), new_place("postgres")
    open_repository(source.url, create=True).close()
    assert set(copy_dataset(source.url, target.url).rows.values()) == {0}
    assert content(target) == content(source)


def test_a_copied_file_has_the_schema_of_one_that_was_made(
    source: Place, new_place: NewPlace
) -> None:
    target = new_place("sqlite")
    copy_dataset(source.url, target.url)
    for sql in (
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name",
        "PRAGMA application_id",
        "PRAGMA user_version",
        "PRAGMA journal_mode",
        "PRAGMA page_size",
    ):
        assert target.raw(sql) == source.raw(sql)


def test_a_copied_file_of_many_images_has_the_indexes_for_them(
    source: Place, new_place: NewPlace
) -> None:
    target = new_place("sqlite")
    source.raw("PRAGMA foreign_keys = OFF")
    source.raw("UPDATE image_data SET image_id = ? WHERE image_id = 18", LARGE)
    source.raw("UPDATE image SET id = ? WHERE id = 18", LARGE)
    copy_dataset(source.url, target.url)
    names = "SELECT name FROM sqlite_schema WHERE type = 'index'"
    assert ("image_width",) in target.raw(names)
    assert ("image_width",) not in source.raw(names)


def test_a_copied_database_has_the_schema_of_one_that_was_made(
    source: Place, new_place: NewPlace
) -> None:
    made, target = new_place("postgres"), new_place("postgres")
    open_repository(made.url, create=True).close()
    copy_dataset(source.url, target.url)
    for sql in (
        "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default, "
        "collation_name FROM information_schema.columns WHERE table_schema = 'pixshelf' ORDER BY "
        "1, 2",
        "SELECT attrelid::regclass::text, attname, attstorage FROM pg_attribute "
        "WHERE attrelid::regclass::text !~ '[.]' AND attnum > 0 AND attrelid > 16383 ORDER BY 1, 2",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'pixshelf' "
        "ORDER BY 1, 2",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated "
        "FROM pg_constraint WHERE connamespace = 'pixshelf'::regnamespace ORDER BY 1, 2",
        "SELECT viewname, definition FROM pg_views WHERE schemaname = 'pixshelf' ORDER BY 1",
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        "SELECT proname, pg_get_functiondef(oid) FROM pg_proc "
        "WHERE pronamespace = 'pixshelf'::regnamespace ORDER BY 1",
        "SELECT nspname FROM pg_namespace ORDER BY 1",
        "SELECT count(*), max(version) FROM dataset",
    ):
        rows = target.raw(sql)
        assert rows
        assert rows == made.raw(sql)


@each_kind
def test_every_table_and_column_of_a_dataset_is_copied(kind: str, new_place: NewPlace) -> None:
    place = new_place(kind)
    open_repository(place.url, create=True).close()
    assert place.tables() == {table.name: tuple(sorted(table.columns)) for table in TABLES}


@both_ways
def test_what_is_written_to_the_source_meanwhile_is_not_in_the_copy(
    one: str, other: str, new_place: NewPlace
) -> None:
    source, target = new_place(one), new_place(other)
    with filled(source) as repo:
        before = content(source)

        def write() -> None:
            repo.images.set_label([4, 5], "late", actor="test")
            add_images(repo, new_image(77))
            repo.models.remove(1)
            if one == "postgres":  # to shrink a file would wait for who reads it
                repo.vacuum()

        copy_dataset(source.url, target.url, progress=once("copying image", write))
        assert content(source) != before
    assert content(target) == before


@each_kind
def test_progress_ends_with_every_row_copied_and_verified(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    told: list[tuple[str, int, int]] = []
    report = copy_dataset(
        source.url, new_place(kind).url, progress=lambda *words: told.append(words)
    )
    rows = sum(report.rows.values())
    done = {what.partition(" ")[0]: done for what, done, total in told if total == rows}
    assert done == {"copying": rows, "verifying": rows, "making": rows}


def test_a_dry_run_looks_and_makes_nothing(source: Place, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    report = copy_dataset(source.url, tmp_path / "target.db", dry_run=True)
    assert report.dry_run
    assert report.rows["image"] == 22
    assert sorted(tmp_path.iterdir()) == before


def test_a_dry_run_into_postgresql_makes_nothing(source: Place, new_place: NewPlace) -> None:
    target = new_place("postgres")
    copy_dataset(source.url, target.url, dry_run=True)
    assert not target.has_unfinished()
    with pytest.raises(DatasetError, match="there is no dataset"):
        open_repository(target.url)


def test_no_password_is_in_the_report(
    source: Place, new_place: NewPlace, postgres_server: Server
) -> None:
    target = new_place("postgres")
    url = target.url.replace("postgres@", "postgres:secret@")
    assert "secret" not in repr(copy_dataset(source.url, url))


# Its parts


def test_a_batch_ends_with_the_row_that_fills_it() -> None:
    small: list[tuple[int, ...]] = [(n,) for n in range(BATCH_ROWS + 1)]
    assert [len(batch) for batch in batches(small)] == [BATCH_ROWS, 1]
    large = [(n, bytes(BATCH_BYTES // 2)) for n in range(5)]
    assert [len(batch) for batch in batches(large)] == [2, 2, 1]


keys = st.lists(st.integers(0, 20), unique=True).map(sorted)


@given(keys, keys)
def test_lockstep_pairs_what_has_one_key(ours: list[int], theirs: list[int]) -> None:
    pairs = list(lockstep(ours, theirs, lambda n: (n,), lambda n: (n,)))
    both = sorted({*ours, *theirs})
    assert pairs == [(n if n in ours else None, n if n in theirs else None) for n in both]


def test_a_tally_tells_rows_of_other_types_orders_and_numbers_apart() -> None:
    def tally(*rows: tuple[int | float | str | bytes | None, ...]) -> Tally:
        made = Tally()
        for row in rows:
            made.add(row)
        return made

    first = tally((1, "a"), (2, "b"))
    assert first.agrees(tally((1, "".join("a")), (1 + 1, "b")))
    for other in (
        tally((1, "a")),
        tally((2, "b"), (1, "a")),
        tally((1.0, "a"), (2, "b")),
        tally((1, b"a"), (2, "b")),
        tally((1, None), (2, "b")),
    ):
        assert not first.agrees(other)


def test_a_source_in_the_middle_of_a_write_is_copied_as_it_was(
    source: Place, new_place: NewPlace
) -> None:
    before = content(source)
    target = new_place("sqlite")
    with closing(sqlite3.connect(source.url, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM event")
        copy_dataset(source.url, target.url, wait=0.1)
        other.execute("ROLLBACK")
    assert content(target) == before
