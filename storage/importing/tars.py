"""A tar of pictures, plain or packed with gzip, bzip2 or xz, as a Source.

A tar has no index, so it is read through twice: once for the names, which also finds one that is
cut short before anything is imported, and once for the pictures. Nothing is unpacked to disk.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol, Self, cast

from storage.errors import RefusedInput
from storage.importing.members import Outline, Placing, hidden, parts_of, unsafe
from storage.importing.sources import Entry, Refusal, Source, printable
from storage.importing.zips import DAMAGE
from storage.pictures import MAX_BYTES

MOST_ENTRIES = 5_000_000
LARGEST_RATIO = 200
_RATIO_MATTERS_FROM = 64 * 1024 * 1024
_LARGEST_EXTENSION = 1024 * 1024
_XZ_MEMORY = 96 * 1024 * 1024
_BLOCK = 256 * 1024
_EXTENSIONS = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)
_DAMAGE = (*DAMAGE, lzma.LZMAError, tarfile.TarError)


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


def open_tar(path: Path) -> Source:
    """The archive as a Source; the folders in it are read as folders on disk are. Raises
    RefusedInput if it is damaged, has too many entries, or unpacks to far more than its size."""
    outline = Outline()
    for member, _ in _members(path):
        if not member.isdir():
            outline.add(member.name)
            if outline.count > MOST_ENTRIES:
                raise RefusedInput(f"{path} has over {MOST_ENTRIES:,} entries")
    return Source(
        format="tar",
        entries=lambda: _entries(path, Placing(outline.layout())),
        count=lambda: outline.count,
    )


def _entries(path: Path, placing: Placing) -> Iterator[Entry | Refusal]:
    for member, archive in _members(path):
        if member.isdir() or hidden(member.name):
            continue
        source = printable(member.name)
        reason = unsafe(member.name) or _why_not(member)
        if reason:
            yield Refusal(source, reason)
            continue
        try:
            place = placing.of(parts_of(member.name)[:-1])
        except RefusedInput as error:
            yield Refusal(source, error.message)
            continue
        with _content(archive, member) as file:
            yield Entry(source, file.read(member.size), place.label, place.split)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(member)
    if file is None:
        raise RefusedInput(f"{printable(member.name)} has no content")
    return file


def _why_not(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "it is a link"
    if not member.isreg() or member.issparse():
        return "it is not a regular file"
    if member.size > MAX_BYTES:
        return f"it has {member.size:,} bytes; the limit is {MAX_BYTES:,}"
    return ""


class _Damaged(Exception):
    """A header that is not whole. Not one of tarfile's own errors, which it keeps to itself."""


class _Header(tarfile.TarInfo):
    """A header whose extensions, which are read into memory, have a bound. Where tarfile takes a
    damaged or missing header for the archive's end, and would pass over the rest, this does not."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if bytes(buf) == bytes(tarfile.BLOCKSIZE):  # the mark of the archive's end
                raise
            raise _Damaged(error) from error
        if header.type in _EXTENSIONS and header.size > _LARGEST_EXTENSION:
            raise RefusedInput(f"a header in the archive claims {header.size:,} bytes")
        return header


class _Archive(tarfile.TarFile):
    """A TarFile keeps every header that it has seen in `members`; here they are let go."""

    members: list[tarfile.TarInfo]


class _Metered:
    """A stream that is refused once it has given far more than its file has bytes."""

    def __init__(self, stream: _Reads, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._left = max(path.stat().st_size * LARGEST_RATIO, _RATIO_MATTERS_FROM)

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise RefusedInput(f"{self._path} unpacks to over {LARGEST_RATIO} times its size")
        return data


class _Xz:
    """An xz stream that takes no more memory than it may; lzma.open has no such bound."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = self._new()

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_XZ_MEMORY)

    def read(self, size: int) -> bytes:
        parts = []
        while size > 0:
            if self._decoder.eof:
                rest = self._decoder.unused_data.lstrip(b"\0") or self._file.read(_BLOCK)
                if not rest.strip(b"\0"):
                    break
                self._decoder = self._new()
                part = self._decoder.decompress(rest, size)
            elif self._decoder.needs_input:
                packed = self._file.read(_BLOCK)
                if not packed:
                    raise EOFError("it is cut short")
                part = self._decoder.decompress(packed, size)
            else:
                part = self._decoder.decompress(b"", size)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _unpacked(file: IO[bytes]) -> _Reads:
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return cast("_Reads", gzip.open(file, "rb"))
    if start.startswith(b"BZh"):
        return bz2.open(file, "rb")
    if start.startswith(b"\xfd7zXZ\0"):
        return _Xz(file)
    return file


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    with _damage_refused(path), path.open("rb") as file:
        stream = cast("IO[bytes]", _Metered(_unpacked(file), path))
        with _Archive.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
            while (member := archive.next()) is not None:
                archive.members = []
                yield member, archive
        # To the end of the packed stream, whose check may say that something was lost.
        while stream.read(_BLOCK):
            pass


@contextmanager
def _damage_refused(path: Path) -> Iterator[None]:
    try:
        yield
    except (_Damaged, *_DAMAGE) as error:
        reason = " ".join(str(error).split())[:120]
        raise RefusedInput(f"{path} is no whole tar archive: {reason}") from error
