"""The contact sheet: which images it takes, and what it draws."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ml.contact_sheet import choose, write_contact_sheet
from storage.errors import NotReady, RefusedInput, UsageError
from storage.opening import open_repository
from storage.query import parse
from storage.records import Example, Split
from storage.repository import Repository
from tests.ml_fixtures import picture, store_digits


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "digits.db", create=True) as opened:
        store_digits(opened, 40)
        yield opened


def example(number: int, label: str | None, split: Split | None = "train") -> Example:
    digest = hashlib.sha256(b"%d" % number).digest()
    return Example(number, digest, digest[:16], label, split, 8, 8, 1)


def many(labels: int, each: int) -> list[Example]:
    return [example(at, f"label {at % labels}") for at in range(labels * each)]


def test_nine_images_are_spread_over_the_labels() -> None:
    (block,) = choose(many(4, 50))
    counts = Counter(label for _, label in block.images)
    assert sorted(counts.values()) == [2, 2, 2, 3]
    (block,) = choose(many(30, 5))
    assert len({label for _, label in block.images}) == 9


def test_labels_stand_in_natural_order() -> None:
    (block,) = choose(many(12, 3))
    numbers = [int((label or "").split()[1]) for _, label in block.images]
    assert numbers == sorted(numbers)


@settings(deadline=None)
@given(st.permutations(many(3, 12)), st.integers(0, 5))
def test_the_choice_does_not_hang_on_the_order(examples: list[Example], seed: int) -> None:
    assert choose(examples, seed) == choose(sorted(examples), seed)


def test_another_seed_gives_other_images() -> None:
    assert choose(many(3, 100), 0) != choose(many(3, 100), 1)


def test_train_comes_before_test_and_other_splits_only_where_there_is_neither() -> None:
    images = [example(1, "a", "test"), example(2, "a", "val"), example(3, "a", "train")]
    assert [block.title for block in choose(images)] == ["train", "test"]
    others = [example(1, "a", "val"), example(2, None, None)]
    assert [block.title for block in choose(others)] == ["no split", "val"]
    assert choose([]) == []


def test_the_sheet_is_a_png_with_the_pictures_in_it(repository: Repository, tmp_path: Path) -> None:
    image = picture(np.full((4, 4, 3), (10, 200, 30), np.uint8), label="green", split="train")
    import_id = repository.images.begin_import("one", {})
    repository.images.add([image], import_id=import_id)
    target = tmp_path / "sheet.png"
    assert write_contact_sheet(repository, parse(""), target) == 10
    with Image.open(target) as sheet:
        assert sheet.format == "PNG"
        pixels = np.asarray(sheet.convert("RGB"))
    assert pixels.shape[1] > 1000
    assert (pixels == (10, 200, 30)).all(axis=2).sum() == 160 * 160


def test_the_same_dataset_gives_the_same_file(repository: Repository, tmp_path: Path) -> None:
    files = [tmp_path / f"{at}.png" for at in range(2)]
    for file in files:
        write_contact_sheet(repository, parse("split:test"), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_labels_of_any_length_and_kind_fit(repository: Repository, tmp_path: Path) -> None:
    repository.images.set_label([1, 2], "a very long label " * 8, actor="test")
    repository.images.set_label([3], None, actor="test")
    assert write_contact_sheet(repository, parse("id:1,2,3"), tmp_path / "s.png") == 3


def test_large_and_narrow_pictures_are_fitted(repository: Repository, tmp_path: Path) -> None:
    shapes = [(500, 20), (20, 500), (1, 1), (700, 900)]
    images = [picture(np.full(shape, 9, np.uint8), split="train") for shape in shapes]
    import_id = repository.images.begin_import("odd", {})
    repository.images.add(images, import_id=import_id)
    assert write_contact_sheet(repository, parse("split:train"), tmp_path / "s.png") == 4


def test_no_image_is_not_ready(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="no images"):
        write_contact_sheet(repository, parse("label:none-such"), tmp_path / "s.png")


def test_another_ending_and_a_file_that_is_there_are_refused(
    repository: Repository, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"\.png"):
        write_contact_sheet(repository, parse(""), tmp_path / "sheet.jpg")
    target = tmp_path / "sheet.png"
    target.write_text("mine")
    with pytest.raises(RefusedInput, match="not overwritten"):
        write_contact_sheet(repository, parse(""), target)
    assert target.read_text() == "mine"
