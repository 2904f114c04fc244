"""IDX files, as MNIST and its kin come: a file of images and, beside it, one of labels.

Either may be gzipped. Both are checked whole before anything of them is imported: the magic number,
the counts, and that exactly the bytes that the header promises are there.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, cast

from storage.errors import RefusedInput
from storage.importing.layout import SPLIT_NAMES, is_ignored
from storage.importing.sources import Entry, Pixels, Refusal, Source, printable
from storage.labels import clean_label
from storage.pictures import MAX_PIXELS
from storage.records import Split

MOST_IMAGES = 50_000_000
_LARGEST_RATIO = 1_100
"""Deflate cannot do better than 1,032 to 1."""

_IMAGES = re.compile(r"(?P<stem>.*?)(?P<dash>[-_.])?images(?P<rest>.*)", re.IGNORECASE)
_NAMED = re.compile(r"images?[-_.]idx[34][-_.]ubyte(\.gz)?$", re.IGNORECASE)
_BLOCK = 1024 * 1024
_NUMBERS = tuple(str(value) for value in range(256))
_LARGEST_NAMES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Header:
    """The sizes that a file claims, and where its values begin."""

    shape: tuple[int, ...]
    offset: int

    @property
    def bytes(self) -> int:
        """How many bytes the values take."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A file of images with what belongs to it."""

    images: Path
    header: _Header
    labels: bytes | None
    names: tuple[str, ...]
    split: Split | None


def images_files(folder: Path) -> list[Path]:
    """The files in the folder that are named like IDX images, in the order of their names. Raises
    RefusedInput if the folder cannot be read."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise _unreadable(folder, error) from error
    return [
        folder / name
        for name in names
        if _NAMED.search(name) and not is_ignored(name) and (folder / name).is_file()
    ]


def open_idx(path: Path) -> Source:
    """A file of images, or a folder with such files in it, as a Source.

    The labels file is found by its name: `labels` and `idx1` in place of `images` and `idx3`. Where
    there is none the images are unlabelled, and a note says so. Labels are numbers, unless a file
    beside theirs with `.labels.txt` in place of `.gz` lists their names, a line each. `train` and
    `t10k` or `test` in the name give the split. Raises RefusedInput for files that are not whole or
    do not fit.
    """
    files = images_files(path) if path.is_dir() else [path]
    if not files:
        raise RefusedInput(f"there are no IDX images in {path}")
    pairs = [_open_pair(file) for file in files]
    notes = tuple(
        f"{printable(pair.images.name)} has no labels file beside it; its images are unlabelled"
        for pair in pairs
        if pair.labels is None
    )
    return Source(
        format="idx",
        entries=lambda: (entry for pair in pairs for entry in _entries(pair)),
        count=lambda: sum(pair.header.shape[0] for pair in pairs),
        notes=notes,
    )


def _open_pair(path: Path) -> _Pair:
    header = _header(path)
    if len(header.shape) == 1:
        raise RefusedInput(
            f"{path} holds labels, not images", hint="Give the file of images beside it."
        )
    count, height, width = header.shape[:3]
    channels = header.shape[3] if len(header.shape) == 4 else 1
    if height * width > MAX_PIXELS or 0 in (height, width) or channels not in (1, 3, 4):
        raise RefusedInput(f"{path} claims images of {height} x {width} x {channels}")
    labels_path = _labels_beside(path)
    labels, names = None, _NUMBERS
    if labels_path is not None:
        labels_header = _header(labels_path)
        if len(labels_header.shape) != 1:
            raise RefusedInput(f"{labels_path} holds no labels")
        if labels_header.shape[0] != count:
            raise RefusedInput(
                f"{path} has {count:,} images but {labels_path.name} has "
                f"{labels_header.shape[0]:,} labels",
                hint="Give two files that belong together.",
            )
        labels = _whole(labels_path, labels_header)
        names = _label_names(labels_path)
        if labels and max(labels) >= len(names):
            raise RefusedInput(
                f"{labels_path} has the label {max(labels)} but there are {len(names)} names "
                f"in {label_names_beside(labels_path).name}"
            )
    for _ in _blocks(path, header):
        # Read to its end before anything of it is imported.
        pass
    return _Pair(path, header, labels, names, _split_of(path.name))


def _entries(pair: _Pair) -> Iterator[Entry | Refusal]:
    _, height, width = pair.header.shape[:3]
    channels = pair.header.shape[3] if len(pair.header.shape) == 4 else 1
    size = height * width * channels
    name = printable(pair.images.name)
    rest = b""
    index = 0
    for block in _blocks(pair.images, pair.header):
        rest += block
        whole = len(rest) // size * size
        for start in range(0, whole, size):
            pixels = Pixels(height, width, channels, rest[start : start + size])
            label = None if pair.labels is None else pair.names[pair.labels[index]]
            yield Entry(f"{name}#{index}", pixels, label, pair.split)
            index += 1
        rest = rest[whole:]


def label_names_beside(labels: Path) -> Path:
    """Where the names of the labels in a labels file stand, if they are not numbers."""
    plain = re.sub(r"\.gz$", "", labels.name, flags=re.IGNORECASE)
    return labels.with_name(f"{plain}.labels.txt")


def _label_names(labels: Path) -> tuple[str, ...]:
    """The names, a line each, in the order of the numbers; the numbers where none are listed."""
    path = label_names_beside(labels)
    if not path.is_file():
        return _NUMBERS
    try:
        if path.stat().st_size > _LARGEST_NAMES:
            raise RefusedInput(f"{path} has over {_LARGEST_NAMES:,} bytes")
        names = path.read_bytes().decode("utf-8-sig").rstrip("\r\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedInput(
            f"{path} cannot be read: {error}", hint="Remove it to have numbers as labels."
        ) from error
    return tuple(clean_label(name) for name in names)


def _labels_beside(path: Path) -> Path | None:
    match = _IMAGES.fullmatch(path.name)
    if match is None:
        return None
    stem = f"{match['stem']}{match['dash'] or ''}"
    for word in ("labels", "label"):
        rest = re.sub("idx[34]", "idx1", match["rest"], flags=re.IGNORECASE)
        plain = re.sub(r"\.gz$", "", rest, flags=re.IGNORECASE)
        for ending in (rest, plain, f"{plain}.gz"):
            candidate = path.with_name(f"{stem}{word}{ending}")
            if candidate.is_file():
                return candidate
    return None


def _split_of(name: str) -> Split | None:
    for word in re.split(r"[-_.]", name.lower()):
        split = "test" if word == "t10k" else SPLIT_NAMES.get(word)
        if split is not None:
            return split
    return None


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb") if zipped else path.open("rb"))


def _header(path: Path) -> _Header:
    try:
        with _open(path) as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:3] != b"\0\0\x08" or magic[3] not in (1, 3, 4):
                raise RefusedInput(
                    f"{path} is no IDX file of bytes: it begins with {magic.hex() or 'nothing'}",
                    hint="IDX files begin with 00000803 (images) or 00000801 (labels).",
                )
            sizes = file.read(4 * magic[3])
            if len(sizes) < 4 * magic[3]:
                raise RefusedInput(f"{path} ends within its header")
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error
    shape = tuple(int.from_bytes(sizes[at : at + 4], "big") for at in range(0, len(sizes), 4))
    header = _Header(shape, 4 + len(sizes))
    stored = path.stat().st_size
    if shape[0] > MOST_IMAGES or header.bytes > stored * _LARGEST_RATIO:
        raise RefusedInput(
            f"{path} claims {' x '.join(map(str, shape))} bytes, which its {stored:,} cannot hold"
        )
    return header


def _blocks(path: Path, header: _Header) -> Iterator[bytes]:
    """The bytes after the header. Raises RefusedInput if they are fewer or more than it says."""
    left = header.bytes
    try:
        with _open(path) as file:
            file.seek(header.offset)
            while left:
                block = file.read(min(left, _BLOCK))
                if not block:
                    raise RefusedInput(
                        f"{path} is cut short: {left:,} of {header.bytes:,} bytes are missing"
                    )
                left -= len(block)
                yield block
            if file.read(1):
                raise RefusedInput(f"{path} has more bytes than its header says")
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def _whole(path: Path, header: _Header) -> bytes:
    return b"".join(_blocks(path, header))


def _unreadable(path: Path, error: Exception) -> RefusedInput:
    reason = getattr(error, "strerror", None) or error
    return RefusedInput(f"{path} cannot be read: {reason}")
