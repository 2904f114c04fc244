"""A folder of files, split/label/name, each file's bytes exactly as they were given.

Images without a split lie under `none`, and where no image has one that level is left out; those
without a label lie directly in their split's folder. A label that is no safe name for a folder is
written with %XX in place of the bytes that are not, and `.labels.csv` lists those. So importing the
folder gives the same labels again, and the same splits where any image has one.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from itertools import chain, count
from pathlib import Path

from storage.exporting.selected import Progress, counted, with_data
from storage.exporting.target import new_folder
from storage.importing.folder_labels import HEADING, LABELS
from storage.importing.layout import NO_SPLIT, SPLIT_NAMES
from storage.query import Query, Term
from storage.records import SPLITS, ImageRecord
from storage.repository import Repository

_LONGEST = 120
_UNSAFE = re.compile(r'[\x00-\x1f\x7f%/\\:*?"<>|]|^[.~_ ]|[. ]$')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d|thumbs\.db|desktop\.ini)(\..*)?")
_ENDINGS = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "tiff": (".tif", ".tiff"),
    "ppm": (".ppm", ".pgm", ".pbm", ".pnm"),
}


def export_folder(
    repo: Repository, query: Query, target: Path, *, progress: Progress | None = None
) -> int:
    """Write the images that match to a new folder, or into an empty one; says how many.

    Raises RefusedInput if `target` holds anything or cannot be written, StorageFull.
    """
    tell = counted(repo, query, progress)
    done = 0
    folders: dict[str, str] = {}
    taken: set[str] = set()
    splits = repo.images.count(query.where(Term("split", ":", SPLITS))) > 0
    with new_folder(target) as root:
        for image, data in with_data(repo, query):
            folder = root / (image.split or NO_SPLIT) if splits else root
            if image.label is not None:
                name = folders.get(image.label)
                if name is None:
                    name = _new_name(image.label, taken, splits=splits)
                    folders[image.label] = name
                    taken.add(name.casefold())
                folder /= name
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder, image, data)
            done += 1
            tell(done)
        renamed = sorted((name, label) for label, name in folders.items() if name != label)
        if renamed:
            with (root / LABELS).open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(HEADING)
                rows.writerows(renamed)
    return done


def folder_name(label: str) -> str:
    """The folder for a label: the label itself where that is a safe name on every system, else
    with %XX for each byte that is not. A long one is cut and ends in a hash of the whole."""
    name = _UNSAFE.sub(_percent, label)
    if _RESERVED.fullmatch(name):
        name = _percent_first(name)
    return name if len(name.encode()) <= _LONGEST else _marked(name, label)


def ending_of(image: ImageRecord) -> str:
    """The usual ending of a file in the image's format, with its dot."""
    return _ENDINGS.get(image.format, (f".{image.format}",))[0]


def _new_name(label: str, taken: set[str], *, splits: bool) -> str:
    """A folder's name that no other label has, whether or not the system tells cases apart, and
    that without splits above it is not taken for one."""
    name = folder_name(label)
    if not splits and name.lower() in SPLIT_NAMES:
        name = _percent_first(name)
    return name if name.casefold() not in taken else _marked(name, label)


def _marked(name: str, label: str) -> str:
    """A name cut short, and a hash of the whole label."""
    mark = hashlib.sha256(label.encode()).hexdigest()[:12]
    start = name.encode()[: _LONGEST - 13].decode("utf-8", "ignore")
    return f"{re.sub('%.?$', '', start)}~{mark}"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def _percent_first(name: str) -> str:
    return f"%{ord(name[0]):02X}{name[1:]}"


def _write(folder: Path, image: ImageRecord, data: bytes) -> None:
    stem, ending = os.path.splitext(image.source.rsplit("/", 1)[-1])
    usual = _ENDINGS.get(image.format, (ending_of(image),))
    if ending.lower() not in usual:
        stem, ending = f"{stem}{ending}".replace("#", "-"), usual[0]
    stem = folder_name(stem) if stem else str(image.id)
    for name in chain((stem, f"{stem}-{image.id}"), (f"{stem}-{image.id}-{n}" for n in count(2))):
        try:
            with (folder / f"{name}{ending}").open("xb") as file:
                file.write(data)
        except FileExistsError:
            continue
        return
