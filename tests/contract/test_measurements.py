"""What was measured of images is kept by image, asked for by query, and gone with the image."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.errors import NotReady
from storage.query import parse
from storage.records import Fingerprint, Measures
from storage.repository import Repository
from tests.backends import Backend
from tests.making import add_images, new_image

PLAIN = Measures(low=10, high=200, contrast=50.0, spread=255, sharpness=0.5, animated=False)


def test_fingerprints_are_given_in_id_order(repository: Repository) -> None:
    add_images(
        repository,
        new_image(1, split="test", pixel_hash=b"p" * 16, dhash=-(2**63), width=7, height=9),
        new_image(2),
        new_image(3, dhash=2**63 - 1),
    )
    found = list(repository.measurements.fingerprints(parse("sort:-width -id:2")))
    assert found[0] == Fingerprint(1, b"p" * 16, -(2**63), "test", 7, 9, len(b"image 1"))
    assert [(one.id, one.dhash) for one in found] == [(1, -(2**63)), (3, 2**63 - 1)]


def test_fingerprints_of_thousands_of_images_are_whole(repository: Repository) -> None:
    add_images(repository, *(new_image(number) for number in range(4_100)))
    ids = [one.id for one in repository.measurements.fingerprints(parse(""))]
    assert ids == list(range(1, 4_101))


def test_an_image_in_the_trash_has_no_fingerprint(repository: Repository) -> None:
    ids = add_images(repository, new_image(1), new_image(2))
    repository.images.delete(ids[:1], actor="test")
    assert [one.id for one in repository.measurements.fingerprints(parse(""))] == ids[1:]


def test_measures_are_kept_as_they_were_given(repository: Repository) -> None:
    one, other = add_images(repository, new_image(1), new_image(2))
    given = replace(PLAIN, sharpness=None, animated=True)
    repository.measurements.save({one: given}, version=1)
    assert repository.measurements.get(one) == given
    assert repository.measurements.get(other) is None


def test_newer_measures_take_the_place_of_older_ones(repository: Repository) -> None:
    (one,) = add_images(repository, new_image(1))
    repository.measurements.save({one: PLAIN}, version=1)
    assert repository.measurements.missing(parse(""), version=2) == [one]
    repository.measurements.save({one: replace(PLAIN, low=11)}, version=2)
    assert repository.measurements.missing(parse(""), version=2) == []
    assert repository.measurements.get(one) == replace(PLAIN, low=11)


def test_what_is_missing_is_asked_by_query_in_id_order(repository: Repository) -> None:
    ids = add_images(repository, *(new_image(n, label="ab"[n % 2]) for n in range(6)))
    repository.measurements.save({ids[1]: PLAIN}, version=1)
    query = parse("label:b sort:-bytes")
    assert repository.measurements.missing(query, version=1) == [ids[3], ids[5]]
    assert repository.measurements.count_missing(query, version=1) == 2


def test_measures_of_an_image_that_is_gone_are_passed_over(repository: Repository) -> None:
    (one,) = add_images(repository, new_image(1))
    repository.measurements.save({one: PLAIN, 99: PLAIN}, version=1)
    assert repository.measurements.get(99) is None
    assert repository.measurements.get(one) == PLAIN


def test_measures_go_with_their_image(repository: Repository, backend: Backend) -> None:
    ids = add_images(repository, new_image(1), new_image(2))
    repository.measurements.save(dict.fromkeys(ids, PLAIN), version=1)
    repository.images.delete(ids[:1], actor="test")
    repository.vacuum()
    assert backend.rows("measure", "image_id") == [(ids[1],)]


@pytest.mark.parametrize(
    ("look", "measures"),
    [
        ("dark", replace(PLAIN, high=81)),
        ("bright", replace(PLAIN, low=231)),
        ("blank", replace(PLAIN, contrast=3.9)),
        ("one-colour", replace(PLAIN, spread=2)),
        ("blurry", replace(PLAIN, sharpness=0.009)),
        ("animated", replace(PLAIN, animated=True)),
    ],
)
def test_a_look_is_asked_for_by_its_name(
    repository: Repository, look: str, measures: Measures
) -> None:
    ids = add_images(repository, *(new_image(number) for number in range(4)))
    odd = ids[2]
    repository.measurements.save(dict.fromkeys(ids[:3], PLAIN) | {odd: measures}, version=1)
    assert repository.images.ids(parse(f"is:{look}")) == [odd]
    assert repository.images.count(parse(f"is:{look}")) == 1
    page = repository.images.page(parse(f"is:{look} sort:-bytes"))
    assert [image.id for image in page.images] == [odd]
    rest = [image for image in ids if image != odd]
    assert repository.images.ids(parse(f"-is:{look}")) == rest
    assert repository.images.ids(parse(f"is:{look},unlabelled sort:-id")) == ids[::-1]


@pytest.mark.parametrize(
    "measures", [replace(PLAIN, high=82, low=82), replace(PLAIN, low=230, high=230)]
)
def test_a_threshold_itself_is_no_problem(repository: Repository, measures: Measures) -> None:
    (one,) = add_images(repository, new_image(1))
    edge = replace(measures, contrast=4.0, spread=3, sharpness=0.01)
    repository.measurements.save({one: edge}, version=1)
    looks = "dark,bright,blank,one-colour,blurry,animated,odd-size,odd-aspect"
    assert repository.images.ids(parse(f"is:{looks}")) == []


def test_a_blank_picture_is_not_called_blurry(repository: Repository) -> None:
    (one,) = add_images(repository, new_image(1))
    repository.measurements.save({one: replace(PLAIN, contrast=1, sharpness=0.001)}, version=1)
    assert repository.images.ids(parse("is:blurry")) == []


def test_sizes_are_odd_against_the_medians_of_what_is_not_in_the_trash(
    repository: Repository,
) -> None:
    small = [new_image(number, width=10, height=10) for number in range(3)]
    large = [new_image(number, width=41, height=41) for number in range(3, 5)]
    ids = add_images(repository, *small, *large, new_image(5, width=40, height=10))
    assert repository.images.ids(parse("is:odd-size")) == ids[3:5]
    assert repository.images.ids(parse("is:odd-aspect")) == [ids[5]]
    repository.images.delete([*ids[:2], ids[5]], actor="test")
    assert repository.images.ids(parse("is:odd-size")) == [ids[2]]


def test_a_look_before_anything_was_measured_is_refused_with_what_to_do(
    repository: Repository,
) -> None:
    add_images(repository, new_image(1))
    with pytest.raises(NotReady, match="none has been measured") as caught:
        repository.images.count(parse("is:blurry"))
    assert "pixshelf problems" in (caught.value.hint or "")
    assert repository.images.count(parse("is:odd-size")) == 0
