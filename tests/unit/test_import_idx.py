"""IDX files: pairs, names, gzip, and headers that lie."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from storage.errors import RefusedInput
from storage.importing.idx import open_idx
from storage.importing.sources import Entry, Pixels
from tests.made_pictures import places


def idx(values: np.ndarray) -> bytes:
    header = b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def images(count: int = 3, *shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, *(shape or (5, 4))))


def pair(folder: Path, part: str = "train", labels: list[int] | None = None) -> Path:
    path = folder / f"{part}-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(images())))
    labels_path = folder / f"{part}-labels-idx1-ubyte.gz"
    labels_path.write_bytes(gzip.compress(idx(np.array(labels or [7, 0, 9]))))
    return path


def test_images_are_read_with_the_labels_beside_them(tmp_path: Path) -> None:
    source = open_idx(pair(tmp_path))
    assert places(source) == {
        "train-images-idx3-ubyte.gz#0": ("7", "train"),
        "train-images-idx3-ubyte.gz#1": ("0", "train"),
        "train-images-idx3-ubyte.gz#2": ("9", "train"),
    }
    assert source.count() == 3
    assert source.notes == ()


def test_the_pixels_are_those_of_the_file(tmp_path: Path) -> None:
    first = next(open_idx(pair(tmp_path)).entries())
    assert isinstance(first, Entry)
    assert first.content == Pixels(5, 4, 1, images()[0].astype(np.uint8).tobytes())


def test_a_folder_of_pairs_is_read_as_one_source(tmp_path: Path) -> None:
    pair(tmp_path)
    pair(tmp_path, "t10k")
    found = places(open_idx(tmp_path))
    assert len(found) == 6
    assert found["t10k-images-idx3-ubyte.gz#0"] == ("7", "test")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("emnist-digits-test-images-idx3-ubyte.gz", "emnist-digits-test-labels-idx1-ubyte"),
    ],
)
def test_other_ways_to_name_a_pair_are_known(tmp_path: Path, name: str, labels: str) -> None:
    (tmp_path / name).write_bytes(idx(images()))
    (tmp_path / labels).write_bytes(idx(np.array([1, 2, 3])))
    found = list(places(open_idx(tmp_path / name)).values())
    split = "test" if "test" in name else "train"
    assert found == [("1", split), ("2", split), ("3", split)]


def test_images_alone_are_unlabelled_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "some.idx"
    path.write_bytes(idx(images()))
    source = open_idx(path)
    assert set(places(source).values()) == {(None, None)}
    assert "has no labels file beside it" in source.notes[0]


def test_colour_images_have_a_fourth_size(tmp_path: Path) -> None:
    path = tmp_path / "colour.idx"
    path.write_bytes(idx(images(2, 5, 4, 3)))
    first = next(open_idx(path).entries())
    assert isinstance(first, Entry)
    assert isinstance(first.content, Pixels)
    assert first.content[:3] == (5, 4, 3)


def test_counts_that_disagree_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"3 images but .* has 2 labels"):
        open_idx(pair(tmp_path, labels=[1, 2]))


def test_labels_given_for_images_are_refused(tmp_path: Path) -> None:
    pair(tmp_path)
    with pytest.raises(RefusedInput, match="holds labels, not images"):
        open_idx(tmp_path / "train-labels-idx1-ubyte.gz")


@pytest.mark.parametrize("start", [b"", b"\0\0\x08", b"\0\0\x0d\x03", b"\x89PNG", b"\0\0\x08\x02"])
def test_a_wrong_magic_number_is_refused(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "a.idx"
    path.write_bytes(start + bytes(12) if len(start) == 4 else start)
    with pytest.raises(RefusedInput, match="no IDX file of bytes"):
        open_idx(path)


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_a_file_cut_short_is_refused_before_anything_is_read(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    data = pack(idx(images()))
    path = tmp_path / "a.idx"
    for length in range(1, len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(RefusedInput):
            open_idx(path)


def test_bytes_after_the_last_image_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.idx"
    path.write_bytes(idx(images()) + b"x")
    with pytest.raises(RefusedInput, match="more bytes than its header says"):
        open_idx(path)


def test_a_header_that_claims_more_than_the_file_can_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 40_000_000, 28, 28)))
    with pytest.raises(RefusedInput, match="cannot hold"):
        open_idx(path)


def test_a_picture_over_the_cap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.idx"
    path.write_bytes(b"\0\0\x08\x03" + struct.pack(">3I", 0, 65_535, 65_535))
    with pytest.raises(RefusedInput, match="claims images of 65535 x 65535"):
        open_idx(path)
