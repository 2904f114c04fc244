"""An .npz of arrays that numpy, Keras and scikit-learn read, without pickled objects."""

from __future__ import annotations

import zipfile
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from storage.errors import RefusedInput
from storage.exporting.selected import Progress, counted, records
from storage.exporting.target import new_file
from storage.paging import PAGE
from storage.query import Query
from storage.records import ImageRecord
from storage.repository import Repository

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EPOCH = (1980, 1, 1, 0, 0, 0)
Size = tuple[int, int]


def export_npz(
    repo: Repository,
    query: Query,
    target: Path,
    *,
    size: Size | None = None,
    progress: Progress | None = None,
) -> int:
    """Write a new .npz with the images that match, in the query's order; says how many.

    `images` is uint8 [count, height, width, channels], with 1 channel if every image is grey, else
    3; alpha is laid over white. `labels` is int64, an index into `label_names` or -1; `splits` is
    text, empty where there is none; `ids` is int64. All images must have one size, unless `size`
    (width, height) says to fit each into that, its sides' ratio kept, in the middle of black.

    Raises RefusedInput for images of several sizes, for none at all, and if `target` exists or
    cannot be written; StorageFull.
    """
    tell = counted(repo, query, progress)
    found = Found()
    for image in records(repo, query):
        found.take(image)
    chosen = size or found.size()
    with new_file(target) as partial, partial.open("wb") as file:
        _write(repo, found, chosen, file, tell)
    return len(found.ids)


@dataclass(slots=True)
class Found:
    """What a first look over the images gathers, for the forms that are arrays."""

    ids: array[int] = field(default_factory=lambda: array("q"))
    labels: list[str | None] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    sizes: Counter[Size] = field(default_factory=Counter)
    coloured: bool = False

    def take(self, image: ImageRecord) -> None:
        """Look at the next image."""
        self.ids.append(image.id)
        self.labels.append(image.label)
        self.splits.append(image.split or "")
        # A picture turned by its EXIF has the size that it has upright.
        self.sizes[image.width, image.height] += 1
        self.coloured = self.coloured or image.channels > 2

    @property
    def channels(self) -> Literal[1, 3]:
        """1 if every image is grey, else 3."""
        return 3 if self.coloured else 1

    def size(self) -> Size:
        """The one size of all images. Raises RefusedInput if there are several, or no image."""
        if not self.sizes:
            raise RefusedInput("no image matches, so there is nothing to export")
        if len(self.sizes) > 1:
            shown = ", ".join(f"{w}x{h} ({n:,})" for (w, h), n in self.sizes.most_common(3))
            raise RefusedInput(
                f"the images have {len(self.sizes):,} sizes, but an array has one: {shown}",
                hint="Select one size, as in: width:28 height:28.",
            )
        return next(iter(self.sizes))


def _write(repo: Repository, found: Found, size: Size, file: IO[bytes], tell: Any) -> None:
    import numpy as np

    names = sorted({label for label in found.labels if label is not None})
    places = {name: place for place, name in enumerate(names)}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _write_images(repo, found, size, archive, tell)
        labels = [-1 if label is None else places[label] for label in found.labels]
        _add(archive, "labels", np.array(labels, np.int64))
        _add(archive, "label_names", np.array(names, np.str_))
        _add(archive, "splits", np.array(found.splits, np.str_))
        _add(archive, "ids", np.array(found.ids, np.int64))


def _write_images(
    repo: Repository, found: Found, size: Size, archive: zipfile.ZipFile, tell: Any
) -> None:
    """Picture by picture, so that the whole array is never in memory."""
    from numpy.lib import format as npy

    shape = (len(found.ids), size[1], size[0], found.channels)
    with archive.open(_member("images"), "w", force_zip64=True) as member:
        npy.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for start in range(0, len(found.ids), PAGE):
            ids = found.ids[start : start + PAGE].tolist()
            for done, (_, data) in enumerate(repo.images.iter_data(ids), start=start + 1):
                member.write(_pixels(data, found.channels, size))
                tell(done)


def _pixels(data: bytes, channels: Literal[1, 3], size: Size) -> bytes:
    from PIL import Image, ImageOps

    from storage.pictures import open_picture, to_mode

    picture = to_mode(open_picture(data), channels)
    if picture.size != size:
        resampling = Image.Resampling.BICUBIC
        picture = ImageOps.pad(picture, size, resampling, color=0 if channels == 1 else (0, 0, 0))
    return picture.tobytes()


def grey_pixels(data: bytes, size: Size) -> bytes:
    """A picture's grey values, a byte each, row by row, fitted into the size (width, height)."""
    return _pixels(data, 1, size)


def _add(archive: zipfile.ZipFile, name: str, values: NDArray[Any]) -> None:
    import numpy as np

    with archive.open(_member(name), "w", force_zip64=True) as member:
        np.lib.format.write_array(member, values, allow_pickle=False)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
