"""What the comparison at the end of a copy catches: nothing of that is published."""

from __future__ import annotations

import pytest

from storage.copying import copy_dataset
from storage.errors import DatasetError, PixshelfError, RefusedInput
from storage.opening import open_repository
from tests.copies import (
    CutOff,
    NewPlace,
    Place,
    both_ways,
    content,
    cut_at,
    each_kind,
    filled,
    new_place,
    once,
    source,
)

__all__ = ["new_place", "source"]


@each_kind
def test_a_byte_that_is_another_in_the_copy_is_caught_and_mended_by_the_next_attempt(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    target = new_place(kind)

    def flip() -> None:
        (row,) = target.raw("SELECT data FROM image_data WHERE image_id = 22", unfinished=True)
        data = bytearray(row[0])
        data[1_000_000] ^= 1
        target.raw(
            "UPDATE image_data SET data = ? WHERE image_id = 22", bytes(data), unfinished=True
        )

    with pytest.raises(DatasetError, match="image_data, image_id 22 differs in data"):
        copy_dataset(source.url, target.url, progress=once("verifying label", flip))
    with pytest.raises(DatasetError, match="there is no dataset"):
        open_repository(target.url)
    assert copy_dataset(source.url, target.url).resumed
    assert content(target) == content(source)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM event WHERE id = 2", "event, id 2 is missing"),
        ("DELETE FROM checkpoint", "checkpoint, run_id 1, kind 'best' is missing"),
        ("UPDATE prediction SET confidence = 0.25 WHERE id = 3", "id 3 differs in confidence"),
        ("INSERT INTO trash VALUES (1, 0)", "trash, image_id 1 is in the copy only"),
        ("UPDATE model SET run_id = NULL WHERE id = 1", "model, id 1 differs in run_id"),
    ],
)
@each_kind
def test_a_row_that_is_another_in_the_copy_is_caught_and_named(
    kind: str, statement: str, words: str, source: Place, new_place: NewPlace
) -> None:
    target = new_place(kind)
    with pytest.raises(DatasetError, match=words):
        copy_dataset(
            source.url,
            target.url,
            progress=once("verifying label", lambda: target.raw(statement, unfinished=True)),
        )
    assert target.has_unfinished()


@both_ways
def test_an_image_of_the_source_that_is_damaged_is_named_and_nothing_is_published(
    one: str, other: str, new_place: NewPlace
) -> None:
    source, target = new_place(one), new_place(other)
    with filled(source):
        pass
    source.raw("UPDATE image_data SET data = ? WHERE image_id = 5", b"image X")
    with pytest.raises(DatasetError, match=r"^image 5 of .* has not the bytes that were stored"):
        copy_dataset(source.url, target.url)
    assert target.has_unfinished()


@each_kind
def test_a_model_of_the_source_that_is_damaged_is_named(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    source.raw("UPDATE model_data SET litert = ? WHERE model_id = 2", b"other")
    with pytest.raises(DatasetError, match=r"^model 2 of .* has not the bytes that were stored"):
        copy_dataset(source.url, new_place(kind).url)


def test_an_image_of_the_source_without_bytes_is_named(source: Place, new_place: NewPlace) -> None:
    source.raw("DELETE FROM image_data WHERE image_id = 7")
    with pytest.raises(DatasetError, match=r"^image 7 of .* has not the bytes"):
        copy_dataset(source.url, new_place("sqlite").url)


@each_kind
def test_references_that_lead_nowhere_are_not_published(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    source.raw("UPDATE image_tag SET tag_id = 99")
    target = new_place(kind)
    with pytest.raises(DatasetError) as caught:
        copy_dataset(source.url, target.url)
    assert "image_tag" in caught.value.message
    assert target.has_unfinished()


def test_a_text_that_postgresql_cannot_hold_is_refused(source: Place, new_place: NewPlace) -> None:
    source.raw("UPDATE image SET source = ? WHERE id = 1", "a\0b")
    with pytest.raises(RefusedInput, match="character that PostgreSQL does not hold"):
        copy_dataset(source.url, new_place("postgres").url)


def test_an_unfinished_copy_with_a_trigger_of_others_is_refused(
    source: Place, new_place: NewPlace
) -> None:
    target = new_place("sqlite")
    with pytest.raises(CutOff):
        copy_dataset(source.url, target.url, progress=cut_at("verifying image"))
    target.raw(
        "CREATE TRIGGER bad AFTER INSERT ON image BEGIN DELETE FROM label; END", unfinished=True
    )
    with pytest.raises(PixshelfError, match="trigger"):
        copy_dataset(source.url, target.url)
