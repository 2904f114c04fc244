"""Damaged sources of every format: read, or refused, and nothing else."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from storage.errors import PixshelfError, RefusedInput
from storage.importing.measuring import load
from storage.importing.recognise import open_source
from storage.importing.sources import Entry
from storage.pictures import describe
from tests.made_pictures import picture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
IDX = b"\0\0\x08\x03" + bytes([0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 4]) + bytes(48)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"top/{number}/{number}.png", picture(number))
    return buffer.getvalue()


def tarred(how: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{how}", format=tarfile.PAX_FORMAT) as archive:
        for number in range(3):
            info = tarfile.TarInfo(f"top/{number}/é{'x' * 120}.png")
            info.size = len(picture(number))
            archive.addfile(info, io.BytesIO(picture(number)))
    return buffer.getvalue()


def arrays() -> bytes:
    buffer = io.BytesIO()
    values = np.random.default_rng(0).random((3, 4, 4))
    splits = np.array(["train", "", "val"])
    np.savez_compressed(buffer, images=values, labels=np.array(["a", "b", "c"]), splits=splits)
    return buffer.getvalue()


def read_whole(path: Path, form: str | None) -> None:
    source = open_source(path, form)
    source.count()
    for entry in source.entries():
        if isinstance(entry, Entry):
            try:
                describe(load(entry).data)
            except RefusedInput:
                continue


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("zip", zipped()),
        ("npz", arrays()),
        ("idx", IDX),
        ("idx", gzip.compress(IDX)),
        ("csv", b'path,label,split,tags\na.png,cat,train,"x,y"\nb.png,dog,,\n'),
        *(("tar", tarred(how)) for how in ("", "gz", "bz2", "xz")),
    ],
    ids=("zip", "npz", "idx", "idx.gz", "csv", "tar", "tar.gz", "tar.bz2", "tar.xz"),
)
def test_damage_ends_in_a_refusal_or_in_nothing(tmp_path: Path, form: str, data: bytes) -> None:
    dice = np.random.default_rng(11)
    path = tmp_path / "source"
    said = []
    for _ in range(60):
        damaged = bytearray(data)
        for place in dice.integers(len(data), size=dice.integers(1, 6)):
            damaged[place] = dice.choice([0, 255, int(dice.integers(256))])
        if dice.random() < 0.2:
            del damaged[int(dice.integers(len(data))) :][: int(dice.integers(20))]
        path.write_bytes(damaged)
        for named in (None, form):
            try:
                read_whole(path, named)
            except PixshelfError as error:
                said.append(error.message)
    assert all("\n" not in message for message in said)


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped())
    data[data.index(b"PK\1\2") + 46] = 0
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    found = [entry for entry in open_source(path, "zip").entries() if not isinstance(entry, Entry)]
    assert found[0].reason == "it has no name"
