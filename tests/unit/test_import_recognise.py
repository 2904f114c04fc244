"""What a source is taken for."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from storage.errors import RefusedInput, UsageError
from storage.importing.recognise import open_source, recognise
from tests.made_pictures import lay, picture

IDX = b"\0\0\x08\x03" + bytes([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2]) + b"abcd"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """One source of every format, none with a name that says so."""
    lay(
        tmp_path,
        {
            "picture": 1,
            "ppm": b"P5 1 1 255\n\0",
            "idx": IDX,
            "packed idx": gzip.compress(IDX),
            "table": b"label,path\ncat,a.png\n",
            "folder/a.png": 1,
            "mnist/train-images-idx3-ubyte": IDX,
        },
    )
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("a.png", picture(1))
    for how in ("", "gz", "bz2", "xz"):
        with tarfile.open(tmp_path / f"tar{how}", f"w:{how}") as packed:
            packed.add(tmp_path / "picture", "a.png")
    with (tmp_path / "npz").open("wb") as file:
        np.savez(file, images=np.zeros((1, 2, 2), np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("picture", "image"),
        ("ppm", "image"),
        ("idx", "idx"),
        ("packed idx", "idx"),
        ("mnist", "idx"),
        ("table", "csv"),
        ("folder", "folder"),
        ("zip", "zip"),
        ("tar", "tar"),
        ("targz", "tar"),
        ("tarbz2", "tar"),
        ("tarxz", "tar"),
        ("npz", "npz"),
    ],
)
def test_a_source_is_known_by_what_is_in_it(made: Path, name: str, form: str) -> None:
    assert recognise(made / name) == form
    assert open_source(made / name).format == form


def test_a_format_can_be_asked_for(made: Path) -> None:
    assert open_source(made / "mnist", "folder").format == "folder"


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\x80\x04\x95", "a Python pickle"),
        (b"\x93NUMPY\1\0", "a single .npy array"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"SQLite format 3\0", "a SQLite file"),
        (b"hello", "nothing that can be imported"),
    ],
)
def test_what_is_not_imported_is_refused_by_its_name(
    tmp_path: Path, start: bytes, what: str
) -> None:
    (tmp_path / "file").write_bytes(start)
    with pytest.raises(RefusedInput, match=what):
        open_source(tmp_path / "file")


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="is not there"):
        open_source(tmp_path / "gone")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_path_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedInput, match="cannot be read"):
        open_source(tmp_path / name)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(RefusedInput, match="is empty"):
        open_source(tmp_path / "empty")


def test_a_format_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no format 'parquet'") as caught:
        open_source(tmp_path, "parquet")
    assert "folder, image, zip, tar, idx, npz, csv" in str(caught.value.hint)


@pytest.mark.parametrize(("name", "form"), [("folder", "zip"), ("picture", "folder")])
def test_a_format_that_cannot_be_is_refused(made: Path, name: str, form: str) -> None:
    with pytest.raises(RefusedInput):
        open_source(made / name, form)


@pytest.mark.parametrize("form", ["zip", "tar", "idx", "npz", "csv"])
def test_a_picture_read_as_something_else_is_refused(made: Path, form: str) -> None:
    with pytest.raises(RefusedInput):
        open_source(made / "picture", form)
