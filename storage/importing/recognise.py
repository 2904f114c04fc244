"""Which format a source is, told by looking into it, and that format's reader opened on it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from storage.errors import RefusedInput, UsageError
from storage.importing.sources import FORMATS, Format, Source
from storage.in_use import refuse_if_open

_LOOK = 4096
_PICTURE_STARTS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
)
_IDX_STARTS = (b"\0\0\x08\x03", b"\0\0\x08\x04", b"\0\0\x08\x01")
_READERS: dict[Format, tuple[str, str]] = {
    "folder": ("storage.importing.folders", "open_folder"),
    "image": ("storage.importing.folders", "open_image"),
    "zip": ("storage.importing.zips", "open_zip"),
    "tar": ("storage.importing.tars", "open_tar"),
    "idx": ("storage.importing.idx", "open_idx"),
    "npz": ("storage.importing.npz", "open_npz"),
    "csv": ("storage.importing.manifest", "open_manifest"),
    "jsonl": ("storage.importing.jsonlines", "open_json_lines"),
    "imagefolder": ("storage.importing.imagefolder", "open_imagefolder"),
}
_KNOWN_OTHERS = {
    b"\x93NUMPY": ("a single .npy array", "Save an .npz with images and labels in it."),
    b"\x89HDF\r\n": ("an HDF5 file", "Save its pictures as files, or as an .npz."),
    b"SQLite format 3\0": (
        "a SQLite file",
        "`pixshelf merge` takes in another dataset; --db opens one.",
    ),
    b"\x80": ("a Python pickle", "Pickles can run code and are never read. Save an .npz."),
    b"Rar!": ("a RAR archive", "Unpack it, or pack it as zip or tar."),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it, or pack it as zip or tar."),
    b"PAR1": ("a Parquet file", "Save its pictures as files, or as an .npz."),
}


def open_source(path: Path, name: str | None = None) -> Source:
    """The source at `path`, read as the format of that name, or as what it looks like.

    Raises UsageError for a name that is no format, RefusedInput for a path that is not there,
    cannot be read, or holds nothing that can be imported.
    """
    if name is not None and name not in FORMATS:
        raise UsageError(
            f"there is no format {name!r} to import", hint=f"Formats: {', '.join(FORMATS)}."
        )
    try:
        path.stat()
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise RefusedInput(f"{path} is not there", hint="Check the path.") from error
        reason = getattr(error, "strerror", None) or error
        raise RefusedInput(f"{ascii(str(path))[:200]} cannot be read: {reason}") from error
    refuse_if_open(path)
    chosen = next((known for known in FORMATS if known == name), None) or recognise(path)
    if path.is_dir() and chosen not in ("folder", "idx", "imagefolder"):
        raise RefusedInput(
            f"{path} is a folder and cannot be read as {chosen}", hint="Name the file in it."
        )
    if chosen in ("folder", "imagefolder") and not path.is_dir():
        raise RefusedInput(f"{path} is not a folder")
    return _open(path, chosen)


def recognise(path: Path) -> Format:
    """The format of what lies at `path`. Raises RefusedInput if it is none that is imported."""
    if path.is_dir():
        from storage.importing.idx import images_files

        if images_files(path):
            return "idx"
        from storage.importing.imagefolder import has_metadata

        return "imagefolder" if has_metadata(path) else "folder"
    if not path.is_file():
        raise RefusedInput(f"{path} is neither a file nor a folder")
    refuse_if_open(path)
    try:
        with path.open("rb") as file:
            first = file.read(_LOOK)
    except OSError as error:
        raise RefusedInput(f"{path} cannot be read: {error.strerror or error}") from error
    if not first:
        raise RefusedInput(f"{path} is empty")
    found = _by_start(path, first)
    if found is None:
        for start, (what, hint) in _KNOWN_OTHERS.items():
            if first.startswith(start):
                raise RefusedInput(f"{path} is {what}, which is not imported", hint=hint)
        raise RefusedInput(
            f"{path} is nothing that can be imported",
            hint="Give a folder, a picture, a zip or tar, an IDX or .npz file, or a manifest.",
        )
    return found


def _by_start(path: Path, first: bytes) -> Format | None:
    if first.startswith(_PICTURE_STARTS) or first[:4] + first[8:12] == b"RIFFWEBP":
        return "image"
    if first.startswith((b"PK\3\4", b"PK\5\6")):
        from storage.importing.npz import holds_arrays

        return "npz" if holds_arrays(path) else "zip"
    if first.startswith(b"\x1f\x8b"):
        return _in_gzip(first)
    if first.startswith((b"BZh", b"\xfd7zXZ\0")) or first[257:262] == b"ustar":
        return "tar"
    if first.startswith(_IDX_STARTS):
        return "idx"
    return _by_name(path, first)


def _in_gzip(first: bytes) -> Format:
    try:
        start = zlib.decompressobj(wbits=31).decompress(first, 512)
    except zlib.error:
        return "tar"
    return "idx" if start.startswith(_IDX_STARTS) else "tar"


def _by_name(path: Path, first: bytes) -> Format | None:
    ending = path.suffix.lower()
    if ending == ".tar":
        return "tar"
    if ending in (".csv", ".tsv"):
        return "csv"
    if ending in (".jsonl", ".ndjson"):
        return "jsonl"
    if first[:1] == b"P" and first[1:2] in b"123456" and first[2:3].isspace():
        return "image"
    line = first.lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0].lower()
    if line.startswith(b'{"'):
        return "jsonl"
    return "csv" if b"path" in line.split(b",") else None


def _open(path: Path, chosen: Format) -> Source:
    module, function = _READERS[chosen]
    open_it: Callable[[Path], Source] = getattr(import_module(module), function)
    return open_it(path)
