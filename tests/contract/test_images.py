"""Images: what goes in comes out, once, whole, in any order asked for."""

from __future__ import annotations

import pytest

from storage.errors import NotFound, RefusedInput, UsageError
from storage.query import parse
from storage.records import Example
from storage.repository import Repository
from tests.backends import Backend
from tests.making import add_images, new_image


def test_an_added_image_is_read_back_as_it_was_given(repository: Repository) -> None:
    image = new_image(1, label="cat", split="train", tags=("b", "a"), width=40, channels=3)
    import_id = repository.images.begin_import("folder", {})
    (added,) = repository.images.add([image], import_id=import_id)
    record = repository.images.get(added.id)
    assert added.new
    assert record.sha256 == image.sha256
    assert (record.label, record.split, record.tags) == ("cat", "train", ("a", "b"))
    assert (record.width, record.height, record.channels) == (40, 28, 3)
    assert (record.format, record.bytes, record.source) == ("png", len(image.data), "1.png")
    assert record.prediction is None


def test_bytes_are_read_back_exactly(repository: Repository, backend: Backend) -> None:
    (image_id,) = add_images(repository, new_image(1, data=b"\x00\xff" * 500))
    assert repository.images.data(image_id) == b"\x00\xff" * 500
    assert backend.rows("image_data", "data") == [(b"\x00\xff" * 500,)]


def test_an_image_that_is_there_is_not_stored_again(
    repository: Repository, backend: Backend
) -> None:
    (first,) = add_images(repository, new_image(1, label="cat"))
    import_id = repository.images.begin_import("again", {})
    (again,) = repository.images.add([new_image(1, label="dog")], import_id=import_id)
    assert (again.id, again.new) == (first, False)
    assert repository.images.get(first).label == "cat"
    assert backend.rows("image_data", "image_id") == [(first,)]


def test_an_image_twice_in_one_batch_is_stored_once(repository: Repository) -> None:
    ids = add_images(repository, new_image(1), new_image(2), new_image(1))
    assert ids[0] == ids[2] != ids[1]
    assert repository.stats().images == 2


def test_a_batch_with_a_bad_label_leaves_nothing_behind(
    repository: Repository, backend: Backend
) -> None:
    with pytest.raises(RefusedInput):
        add_images(repository, new_image(1), new_image(2, label="two\nlines"))
    assert backend.rows("image", "id") == []


def test_known_names_only_the_hashes_that_are_there(repository: Repository) -> None:
    images = [new_image(n) for n in range(700)]
    add_images(repository, *images[:650])
    known = repository.images.known([image.sha256 for image in images])
    assert known == {image.sha256 for image in images[:650]}


def test_thumbnails_are_kept_beside_the_bytes(repository: Repository) -> None:
    small, large = add_images(repository, new_image(1), new_image(2, thumbnail=b"small copy"))
    assert repository.images.thumbnail(small) is None
    assert repository.images.thumbnail(large) == b"small copy"


@pytest.mark.parametrize("read", ["get", "data"])
def test_an_unknown_id_is_not_found(repository: Repository, read: str) -> None:
    with pytest.raises(NotFound, match="no image 99"):
        getattr(repository.images, read)(99)


def test_data_comes_in_the_order_asked_for(repository: Repository) -> None:
    ids = add_images(repository, *(new_image(n) for n in range(600)))
    wanted = ids[::-1]
    got = list(repository.images.iter_data(wanted))
    assert [image_id for image_id, _ in got] == wanted
    assert got[0][1] == b"image 599"


def test_reading_may_be_left_off_after_the_dataset_was_closed(repository: Repository) -> None:
    ids = add_images(repository, *(new_image(n) for n in range(50)))
    rows = repository.images.iter_data(ids)
    next(rows)
    repository.close()
    rows.close()  # type: ignore[attr-defined]  # a generator, as its finaliser closes it


def test_data_of_an_image_that_is_gone_is_not_found(repository: Repository) -> None:
    (image_id,) = add_images(repository, new_image(1))
    with pytest.raises(NotFound, match="no image 12"):
        list(repository.images.iter_data([image_id, 12]))


def test_examples_come_in_id_order_whatever_the_query_sorts_by(repository: Repository) -> None:
    ids = add_images(repository, *(new_image(n, width=100 - n, label="a") for n in range(5)))
    examples = list(repository.images.examples(parse("label:a sort:width")))
    assert [example.id for example in examples] == ids
    first = new_image(0)
    assert examples[0] == Example(ids[0], first.sha256, first.pixel_hash, "a", None, 100, 28, 1)


def test_examples_reach_past_one_read(repository: Repository) -> None:
    add_images(repository, *(new_image(n) for n in range(4100)))
    assert sum(1 for _ in repository.images.examples(parse(""))) == 4100


@pytest.mark.parametrize(
    "text", ["", "sort:-id", "sort:width", "sort:-width", "sort:bytes label:a", "sort:-height"]
)
def test_pages_give_every_match_once_in_order(repository: Repository, text: str) -> None:
    add_images(
        repository,
        *(
            new_image(n, width=10 + n % 3, height=5 + n % 7, label="a" if n % 4 else None)
            for n in range(50)
        ),
    )
    query = parse(text)
    seen: list[int] = []
    after = None
    while True:
        page = repository.images.page(query, limit=7, after=after)
        assert len(page.images) <= 7
        seen += [image.id for image in page.images]
        after = page.next
        if after is None:
            break
    assert seen == repository.images.ids(query)
    assert len(set(seen)) == len(seen) == repository.images.count(query)


def test_the_last_full_page_says_that_it_is_the_last(repository: Repository) -> None:
    add_images(repository, new_image(1), new_image(2))
    assert repository.images.page(parse(""), limit=2).next is None
    assert repository.images.page(parse(""), limit=1).next is not None


def test_a_cursor_of_another_order_is_refused(repository: Repository) -> None:
    add_images(repository, new_image(1), new_image(2))
    after = repository.images.page(parse("sort:width"), limit=1).next
    with pytest.raises(UsageError, match="another order"):
        repository.images.page(parse("sort:-width"), after=after)


@pytest.mark.parametrize("cursor", ["", "x", "!!", "e30", "W10", "é"])
def test_what_is_no_cursor_is_refused(repository: Repository, cursor: str) -> None:
    with pytest.raises(UsageError):
        repository.images.page(parse(""), after=cursor)


def test_stats_count_what_is_there(repository: Repository) -> None:
    add_images(
        repository,
        new_image(1, label="10", split="train"),
        new_image(2, label="9", split="test", format="jpeg"),
        new_image(3, width=64),
        new_image(4, label="9", split="test"),
    )
    stats = repository.stats()
    assert (stats.images, stats.unlabelled) == (4, 1)
    assert stats.bytes == sum(len(b"image %d" % n) for n in (1, 2, 3, 4))
    assert list(stats.labels.items()) == [("9", 2), ("10", 1)]
    assert stats.splits == {"train": 1, "test": 2, "none": 1}
    assert stats.formats == {"png": 3, "jpeg": 1}
    assert list(stats.sizes.items()) == [("28x28", 3), ("64x28", 1)]


def test_stats_of_an_empty_dataset_are_zero(repository: Repository) -> None:
    stats = repository.stats()
    assert (stats.images, stats.unlabelled, stats.bytes, dict(stats.labels)) == (0, 0, 0, {})


def test_labels_are_named_in_natural_order(repository: Repository) -> None:
    add_images(repository, *(new_image(n, label=str(n)) for n in (10, 9, 1, 2)))
    assert repository.labels.names() == ["1", "2", "9", "10"]
