"""Arrays from .npz files: names, types, ranges, and what is never read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from storage.errors import RefusedInput
from storage.importing.npz import open_npz
from storage.importing.sources import Entry, Pixels
from tests.made_pictures import places, refusals


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "a.npz"
    np.savez_compressed(path, **arrays)
    return path


def images(count: int = 3, *more: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, 5, 4, *more), dtype=np.uint8)


def first_pixels(path: Path) -> list[int]:
    entry = next(open_npz(path).entries())
    assert isinstance(entry, Entry)
    assert isinstance(entry.content, Pixels)
    return list(entry.content.data)


def labels(path: Path) -> list[str | None]:
    return [label for label, _ in places(open_npz(path)).values()]


def test_train_and_test_arrays_give_labels_and_splits(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        x_train=images(),
        y_train=np.array([3, 1, 2]),
        x_test=images(1),
        y_test=np.array([[9]]),
    )
    assert places(open_npz(path)) == {
        "a.npz/x_train#0": ("3", "train"),
        "a.npz/x_train#1": ("1", "train"),
        "a.npz/x_train#2": ("2", "train"),
        "a.npz/x_test#0": ("9", "test"),
    }


def test_names_and_splits_beside_the_labels_are_used(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        images=images(),
        labels=np.array([1, -1, 0]),
        label_names=np.array(["cat", "dog"]),
        splits=np.array(["val", "", "train"]),
    )
    found = list(places(open_npz(path)).values())
    assert found == [("dog", "val"), (None, None), ("cat", "train")]


def test_bytes_are_taken_as_they_are(tmp_path: Path) -> None:
    path = saved(tmp_path, images=images(), labels=np.arange(3))
    assert first_pixels(path) == images()[0].reshape(-1).tolist()


def test_colour_and_alpha_are_kept(tmp_path: Path) -> None:
    entry = next(open_npz(saved(tmp_path, images=images(2, 4))).entries())
    assert isinstance(entry, Entry)
    assert isinstance(entry.content, Pixels)
    assert entry.content[:3] == (5, 4, 4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0.0, 0.5, 1.0]), [0, 128, 255]),
        (np.array([0.0, 99.6, 255.0], np.float32), [0, 100, 255]),
        (np.array([0, 1, 2], np.int64), [0, 1, 2]),
        (np.array([False, True, True]), [0, 255, 255]),
        (np.array([0, 1, 1], np.float16), [0, 255, 255]),
    ],
)
def test_other_numbers_become_bytes(
    tmp_path: Path, values: np.ndarray, expected: list[int]
) -> None:
    assert first_pixels(saved(tmp_path, images=values.reshape(1, 1, 3))) == expected


@pytest.mark.parametrize("values", [[-1.0, 0.5], [0.0, 256.0], [np.nan, 0.0], [np.inf, 0.0]])
def test_numbers_outside_what_a_picture_has_are_refused(
    tmp_path: Path, values: list[float]
) -> None:
    with pytest.raises(RefusedInput, match=r"the values of images|no numbers"):
        open_npz(saved(tmp_path, images=np.array(values).reshape(1, 1, 2)))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array(["cat", "", "dog"]), ["cat", None, "dog"]),
        (np.array([b"cat", b"cat", b"dog"]), ["cat", "cat", "dog"]),
        (np.array([[0, 1], [1, 0], [0, 1]]), ["1", "0", "1"]),
        (np.array([2.0, 0.0, 1.0]), ["2", "0", "1"]),
    ],
)
def test_labels_may_be_text_or_one_hot(
    tmp_path: Path, given: np.ndarray, expected: list[str | None]
) -> None:
    assert labels(saved(tmp_path, images=images(), labels=given)) == expected


def test_a_label_that_will_not_do_refuses_its_images(tmp_path: Path) -> None:
    given = np.array(["cat", "a\nb", "dog"])
    source = open_npz(saved(tmp_path, images=images(), labels=given))
    assert list(places(source)) == ["a.npz/images#0", "a.npz/images#2"]
    assert "U+000A" in refusals(source)["a.npz/images#1"]


def test_images_alone_are_unlabelled_with_a_note(tmp_path: Path) -> None:
    source = open_npz(saved(tmp_path, images=images()))
    assert set(places(source).values()) == {(None, None)}
    assert source.notes == ("images has no labels; its images are unlabelled",)


def test_counts_that_disagree_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="3 images but labels is shaped"):
        open_npz(saved(tmp_path, images=images(), labels=np.arange(2)))


def test_pickled_objects_are_never_read(tmp_path: Path) -> None:
    path = saved(tmp_path, images=images(), labels=np.array([{}, {}, {}], object))
    with pytest.raises(RefusedInput, match="the array labels holds Python objects"):
        open_npz(path)


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 3)), np.zeros((2, 3, 4, 5)), np.zeros((1, 0, 4)), np.array([[["a"]]])],
)
def test_an_array_of_another_shape_or_kind_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(RefusedInput, match=r"does not hold pictures|not numbers"):
        open_npz(saved(tmp_path, images=array))


def test_an_npz_without_images_is_refused_with_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="no array of images: it has weights"):
        open_npz(saved(tmp_path, weights=np.zeros(3)))


def test_fortran_order_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="Fortran order") as caught:
        open_npz(saved(tmp_path, images=np.asfortranarray(images())))
    assert "ascontiguousarray" in str(caught.value.hint)


def test_a_header_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 28, 28)}
    )
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(100))
    with pytest.raises(RefusedInput, match="claims 784,000,000,000 bytes"):
        open_npz(path)


def test_a_number_without_a_name_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, images=images(), labels=np.array([0, 1, 5]), classes=np.array(["a"]))
    with pytest.raises(RefusedInput, match="label 5 but there are 1 names"):
        open_npz(path)


def test_damage_is_refused(tmp_path: Path) -> None:
    data = bytearray(saved(tmp_path, images=images(50)).read_bytes())
    data[200:260] = bytes(60)
    path = tmp_path / "a.npz"
    path.write_bytes(bytes(data))
    with pytest.raises(RefusedInput):
        list(open_npz(path).entries())
