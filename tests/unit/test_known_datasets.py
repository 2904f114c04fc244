"""Datasets with names: loaded by Keras in a child, from its cache, or refused with what would
do."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from ml.known_datasets import KERAS, write_known
from storage.errors import RefusedInput
from storage.importing.pipeline import import_source
from storage.opening import open_repository
from storage.query import Query


def cache_fashion(home: Path, train: int = 6, test: int = 4) -> None:
    """A cache as Keras leaves it after a download of Fashion-MNIST, with few images."""
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, count in (("train", train), ("t10k", test)):
        images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        sizes = b"".join(size.to_bytes(4, "big") for size in images.shape)
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(
            gzip.compress(b"\0\0\x08\x03" + sizes + images.tobytes())
        )
        labels = bytes(number % 10 for number in range(count))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(b"\0\0\x08\x01" + count.to_bytes(4, "big") + labels)
        )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras's home, empty, on a machine where every connection is refused."""
    folder = tmp_path / "keras"
    folder.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(folder))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_what_keras_has_in_its_cache_is_imported_without_a_network(
    home: Path, tmp_path: Path
) -> None:
    cache_fashion(home)
    target = tmp_path / "fashion.npz"
    write_known("fashion-mnist", target)
    with open_repository(tmp_path / "made.db", create=True) as repo:
        report = import_source(repo, target)
        assert (report.added, report.refused) == (10, 0)
        found = repo.images.page(Query()).images
    assert [image.split for image in found] == ["train"] * 6 + ["test"] * 4
    assert found[0].label == "T-shirt/top"
    assert {(image.width, image.height) for image in found} == {(28, 28)}


def test_without_cache_and_network_the_files_that_would_do_are_named(
    home: Path, tmp_path: Path
) -> None:
    with pytest.raises(RefusedInput, match="could not be downloaded") as caught:
        write_known("mnist", tmp_path / "mnist.npz")
    assert caught.value.hint is not None
    assert "train-images-idx3-ubyte.gz" in caught.value.hint
    assert "x_train" in caught.value.hint
    assert not (tmp_path / "mnist.npz").exists()


def test_a_damaged_cache_is_refused_with_its_place(home: Path, tmp_path: Path) -> None:
    cache_fashion(home)
    images = home / "datasets" / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:100])
    with pytest.raises(RefusedInput, match="in Keras's cache") as caught:
        write_known("fashion-mnist", tmp_path / "out.npz")
    assert str(home) in caught.value.message


def test_the_digits_need_neither_keras_nor_a_network(home: Path, tmp_path: Path) -> None:
    write_known("digits", tmp_path / "digits.npz")
    with np.load(tmp_path / "digits.npz", allow_pickle=False) as arrays:
        assert arrays["images"].shape == (1797, 8, 8)
        assert set(arrays["labels"].tolist()) == set("0123456789")


def test_a_name_that_nobody_knows_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="no dataset called 'imagenet'") as caught:
        write_known("imagenet", tmp_path / "out.npz")
    assert "fashion-mnist" in str(caught.value.hint)


@pytest.mark.parametrize(("name", "labels"), [("cifar10", 10), ("cifar100", 100), ("mnist", 10)])
def test_every_label_has_a_name_of_its_own_in_order(name: str, labels: int) -> None:
    known = KERAS[name].labels
    assert len(set(known)) == len(known) == labels
    assert list(known) == sorted(known)
