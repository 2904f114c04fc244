"""Pictures from zip and tar archives, and what archives try."""

from __future__ import annotations

import io
import lzma
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from storage.errors import RefusedInput
from storage.importing.tars import open_tar
from storage.importing.zips import open_zip
from tests.made_pictures import picture, places, refusals

PETS = {"pets/cat/1.png": 1, "pets/dog/2.png": 2, "pets/dog/3.png": 3}
EXPECTED = {
    "pets/cat/1.png": ("cat", None),
    "pets/dog/2.png": ("dog", None),
    "pets/dog/3.png": ("dog", None),
}


def zipped(path: Path, files: dict[str, bytes | int], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, picture(content) if isinstance(content, int) else content)
    return path


def tarred(path: Path, files: dict[str, bytes | int | tarfile.TarInfo], how: str = "") -> Path:
    with tarfile.open(path, f"w:{how}") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            data = picture(content) if isinstance(content, int) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_a_zip_is_read_as_the_folder_it_holds(tmp_path: Path) -> None:
    source = open_zip(zipped(tmp_path / "a.zip", dict(PETS)))
    assert places(source) == EXPECTED
    assert source.count() == 3


@pytest.mark.parametrize("how", ["", "gz", "bz2", "xz"])
def test_a_tar_is_read_as_the_folder_it_holds(tmp_path: Path, how: str) -> None:
    source = open_tar(tarred(tmp_path / "a.tar", dict(PETS), how))
    assert places(source) == EXPECTED
    assert source.count() == 3


def test_splits_in_an_archive_are_found_below_the_folder_around_them(tmp_path: Path) -> None:
    files: dict[str, bytes | int] = {"top/train/7/1.png": 1, "top/test/7/2.png": 2}
    assert places(open_zip(zipped(tmp_path / "a.zip", files))) == {
        "top/train/7/1.png": ("7", "train"),
        "top/test/7/2.png": ("7", "test"),
    }


def test_a_single_class_is_not_stepped_over(tmp_path: Path) -> None:
    assert places(open_zip(zipped(tmp_path / "a.zip", {"cat/1.png": 1}))) == {
        "cat/1.png": ("cat", None)
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../1.png", "outside the archive"),
        ("cat/../../1.png", "outside the archive"),
        ("cat\\..\\..\\1.png", "outside the archive"),
        ("/etc/1.png", "absolute"),
        ("C:/1.png", "absolute"),
        ("a/" * 70 + "1.png", "folders deep"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    files: dict[str, bytes | int] = {"cat/1.png": 1, name: 2}
    in_zip = open_zip(zipped(tmp_path / "a.zip", files))
    assert list(places(in_zip)) == ["cat/1.png"]
    assert reason in refusals(in_zip)[name]
    in_tar = open_tar(tarred(tmp_path / "a.tar", dict(files)))
    assert list(places(in_tar)) == ["cat/1.png"]
    assert reason in refusals(in_tar)[name]


def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind in (("link.png", stat.S_IFLNK), ("device.png", stat.S_IFCHR)):
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (kind | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    assert refusals(open_zip(path)) == {
        "link.png": "it is a link",
        "device.png": "it is not a regular file",
    }


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "it is a link"),
        (tarfile.LNKTYPE, "it is a link"),
        (tarfile.CHRTYPE, "it is not a regular file"),
        (tarfile.FIFOTYPE, "it is not a regular file"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes, reason: str) -> None:
    info = tarfile.TarInfo("odd.png")
    info.type = kind
    info.linkname = "/etc/passwd"
    source = open_tar(tarred(tmp_path / "a.tar", {"1.png": 1, "odd.png": info}))
    assert refusals(source) == {"odd.png": reason}
    assert list(places(source)) == ["1.png"]


def test_what_file_managers_leave_in_an_archive_is_ignored(tmp_path: Path) -> None:
    files: dict[str, bytes | int] = {
        "cat/1.png": 1,
        "__MACOSX/cat/._1.png": b"x",
        "cat/.DS_Store": b"x",
    }
    source = open_zip(zipped(tmp_path / "a.zip", files))
    assert (list(places(source)), refusals(source)) == (["cat/1.png"], {})


def test_an_entry_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    files: dict[str, bytes | int] = {"bomb.bmp": bytes(3_000_000), "1.png": 1}
    source = open_zip(zipped(tmp_path / "a.zip", files))
    assert refusals(source) == {"bomb.bmp": "it unpacks to over 200 times its size"}


def test_a_tar_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.xz"
    info = tarfile.TarInfo("bomb.bmp")
    info.size = 80 * 1024 * 1024
    with lzma.open(path, "wb", preset=0) as file:
        file.write(info.tobuf())
        for _ in range(80):
            file.write(bytes(1024 * 1024))
        file.write(bytes(1024))
    with pytest.raises(RefusedInput, match="over 200 times its size"):
        open_tar(path)


def test_a_tar_header_that_claims_a_huge_extension_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type = tarfile.XHDTYPE
    info.size = 1 << 30
    path = tmp_path / "a.tar"
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10_240))
    with pytest.raises(RefusedInput, match="claims 1,073,741,824 bytes"):
        open_tar(path)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"1.png": 1}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(bytes(data))
    assert refusals(open_zip(path)) == {"1.png": "it is encrypted"}


def test_a_method_of_packing_that_takes_unbounded_memory_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"1.png": 1}, zipfile.ZIP_LZMA)
    assert "packed by method 14" in refusals(open_zip(path))["1.png"]


def test_an_entry_whose_bytes_do_not_match_their_check_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"1.png": 1, "2.png": 2}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(bytes(data))
    source = open_zip(path)
    assert "cannot be unpacked: Bad CRC-32" in refusals(source)["1.png"]
    assert list(places(source)) == ["2.png"]


def test_a_zip_whose_directory_claims_too_much_is_refused(tmp_path: Path) -> None:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 200 * 1024 * 1024, 0, 0)
    path = tmp_path / "a.zip"
    path.write_bytes(bytes(100) + end)
    with pytest.raises(RefusedInput, match=r"the directory of .* has 209,715,200 bytes"):
        open_zip(path)


def test_every_truncation_of_a_zip_is_refused(tmp_path: Path) -> None:
    data = zipped(tmp_path / "a.zip", {"cat/1.png": 1}).read_bytes()
    path = tmp_path / "cut.zip"
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(RefusedInput):
            open_zip(path)


@pytest.mark.parametrize("how", ["gz", "bz2", "xz"])
def test_every_truncation_of_a_packed_tar_is_refused(tmp_path: Path, how: str) -> None:
    data = tarred(tmp_path / "a.tar", dict(PETS), how).read_bytes()
    path = tmp_path / "cut.tar"
    for length in range(1, len(data), 23):
        path.write_bytes(data[:length])
        with pytest.raises(RefusedInput):
            open_tar(path)


@pytest.mark.parametrize("cut", [0, 1, 100, 511])
def test_a_plain_tar_cut_at_or_within_a_header_is_refused(tmp_path: Path, cut: int) -> None:
    path = tarred(tmp_path / "a.tar", dict(PETS))
    with tarfile.open(path) as archive:
        second = archive.getmembers()[1].offset
    path.write_bytes(path.read_bytes()[: second + cut])
    with pytest.raises(RefusedInput, match="no whole tar archive"):
        open_tar(path)


def test_a_tar_with_one_changed_byte_in_a_header_is_refused(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar", dict(PETS))
    with tarfile.open(path) as archive:
        second = archive.getmembers()[1].offset
    damaged = bytearray(path.read_bytes())
    damaged[second + 10] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(RefusedInput, match="no whole tar archive"):
        open_tar(path)


def test_a_tar_cut_within_a_picture_is_refused(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar", dict(PETS))
    path.write_bytes(path.read_bytes()[: 512 * 3 + 100])
    with pytest.raises(RefusedInput, match="no whole tar archive"):
        open_tar(path)


def test_two_xz_streams_one_after_the_other_are_one(tmp_path: Path) -> None:
    plain = tarred(tmp_path / "a.tar", dict(PETS)).read_bytes()
    path = tmp_path / "a.tar.xz"
    path.write_bytes(lzma.compress(plain[:1000]) + bytes(8) + lzma.compress(plain[1000:]))
    assert places(open_tar(path)) == EXPECTED


def test_more_entries_than_the_limit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.importing.zips.MOST_ENTRIES", 2)
    monkeypatch.setattr("storage.importing.tars.MOST_ENTRIES", 2)
    with pytest.raises(RefusedInput, match="3 entries; the limit is 2"):
        open_zip(zipped(tmp_path / "a.zip", dict(PETS)))
    with pytest.raises(RefusedInput, match="over 2 entries"):
        open_tar(tarred(tmp_path / "a.tar", dict(PETS)))
