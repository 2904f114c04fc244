"""A zip of pictures as a Source, read entry by entry without unpacking it to disk."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import RefusedInput
from storage.importing.members import Outline, Placing, hidden, parts_of, unsafe
from storage.importing.sources import Entry, Refusal, Source, printable
from storage.pictures import MAX_BYTES

MOST_ENTRIES = 500_000
LARGEST_RATIO = 200
_RATIO_MATTERS_FROM = 1024 * 1024
_LARGEST_DIRECTORY = 128 * 1024 * 1024
_END = b"PK\5\6"
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
"""Ways of packing that are read; LZMA in a zip may claim any amount of memory."""
DAMAGE = (
    *(OSError, EOFError, ValueError, ArithmeticError, LookupError, TypeError, SyntaxError),
    *(NotImplementedError, RuntimeError, MemoryError, zlib.error, struct.error),
    zipfile.BadZipFile,
)
"""What Python's readers raise on bytes that are not what they claim to be."""


def open_zip(path: Path) -> Source:
    """The archive as a Source; the folders in it are read as folders on disk are. Raises
    RefusedInput if it is damaged or has more than half a million entries."""
    outline = Outline()
    with opened_zip(path) as archive:
        for info in archive.infolist():
            if not is_folder(info):
                outline.add(info.filename)
    return Source(
        format="zip",
        entries=lambda: _entries(path, Placing(outline.layout())),
        count=lambda: outline.count,
    )


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, its directory checked against a bound before it is read into memory."""
    try:
        _check_directory(path)
        archive = zipfile.ZipFile(path)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:120]
        raise RefusedInput(f"{path} is no whole zip archive: {reason}") from error
    with archive:
        if len(archive.filelist) > MOST_ENTRIES:
            raise RefusedInput(
                f"{path} has {len(archive.filelist):,} entries; the limit is {MOST_ENTRIES:,}",
                hint="Unpack it and import the folder.",
            )
        yield archive


def _check_directory(path: Path) -> None:
    """The directory lies before the end record, so all that can be of it is what lies between
    where the record says that it begins and the record itself."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65_557))
        tail = file.read()
    at = tail.rfind(_END)
    claimed = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if claimed == 0xFFFFFFFF:
        locator = tail.rfind(b"PK\6\6", 0, at)
        claimed = int.from_bytes(tail[locator + 40 : locator + 48], "little")
    if claimed > _LARGEST_DIRECTORY:
        raise RefusedInput(
            f"the directory of {path} has {claimed:,} bytes; the limit is {_LARGEST_DIRECTORY:,}",
            hint="Unpack it and import the folder.",
        )


def _entries(path: Path, placing: Placing) -> Iterator[Entry | Refusal]:
    with opened_zip(path) as archive:
        for info in archive.infolist():
            if is_folder(info) or hidden(info.filename):
                continue
            source = printable(info.filename)
            reason = unsafe(info.filename) or _why_not(info)
            if reason:
                yield Refusal(source, reason)
                continue
            try:
                place = placing.of(parts_of(info.filename)[:-1])
                yield Entry(source, _read(archive, info), place.label, place.split)
            except RefusedInput as error:
                yield Refusal(source, error.message)


def is_folder(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a folder; ZipInfo.is_dir fails for one that has no name."""
    return info.filename.endswith("/")


def _why_not(info: zipfile.ZipInfo) -> str:
    """Why a member is refused without a look at its bytes, or ''."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "it is a link" if kind == stat.S_IFLNK else "it is not a regular file"
    if info.flag_bits & 1:
        return "it is encrypted"
    if info.compress_type not in METHODS:
        return f"it is packed by method {info.compress_type}, which is not read"
    if info.file_size > MAX_BYTES:
        return f"it has {info.file_size:,} bytes; the limit is {MAX_BYTES:,}"
    bomb = info.file_size > max(_RATIO_MATTERS_FROM, LARGEST_RATIO * info.compress_size)
    return f"it unpacks to over {LARGEST_RATIO} times its size" if bomb else ""


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as file:
            return file.read(info.file_size)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:120]
        raise RefusedInput(f"it cannot be unpacked: {reason}") from error
