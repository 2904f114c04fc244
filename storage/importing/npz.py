"""Pictures and labels from an .npz file, one picture at a time.

Only plain arrays are read: pickled objects never are. The sizes are judged from the headers before
any memory is taken, and values that are not bytes are looked through once before the import.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from storage.errors import RefusedInput
from storage.importing.sources import Entry, Pixels, Refusal, Source, printable
from storage.importing.zips import DAMAGE, METHODS, is_folder, opened_zip
from storage.labels import clean_label
from storage.pictures import MAX_PIXELS
from storage.records import SPLITS, Split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_IMAGES = 50_000_000
MOST_LABEL_BYTES = 128 * 1024 * 1024
_LARGEST_RATIO = 1_100
_LARGEST_HEADER = 10_000
_BLOCK = 1024 * 1024

_PAIRS: tuple[tuple[str, tuple[str, ...], Split | None], ...] = (
    ("x_train", ("y_train",), "train"),
    ("x_val", ("y_val",), "val"),
    ("x_valid", ("y_valid",), "val"),
    ("x_test", ("y_test",), "test"),
    ("train_images", ("train_labels",), "train"),
    ("val_images", ("val_labels",), "val"),
    ("test_images", ("test_labels",), "test"),
    ("images", ("labels",), None),
    ("x", ("y",), None),
    ("X", ("y", "Y"), None),
)
_NAMES = ("label_names", "class_names", "classes")


@dataclass(frozen=True, slots=True)
class _Array:
    """An array in the file, known by its header."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """Some images with what is known of each. `scale` turns their values to bytes."""

    images: _Array
    scale: float
    labels: list[str | Refusal | None]
    splits: list[Split | None]


def holds_arrays(path: Path) -> bool:
    """Whether a zip file is an .npz: every file in it an .npy array. Raises RefusedInput for a
    zip that is damaged."""
    with opened_zip(path) as archive:
        names = [info.filename for info in archive.infolist() if not is_folder(info)]
        return bool(names) and all(name.endswith(".npy") for name in names)


def open_npz(path: Path) -> Source:
    """The file as a Source. It holds x_train and y_train, x_test and y_test, images and labels, or
    the like; `label_names` names the labels that are numbers, and `splits` says the split of each.

    Images are shaped (count, height, width) or (count, height, width, 1, 3 or 4). uint8 is taken as
    it is, booleans as 0 and 255. Other numbers must lie within 0 and 255, or within 0 and 1 for
    floats, which are then multiplied by 255; both are rounded. Labels are numbers (below 0 means
    none), text, or one-hot rows. Raises RefusedInput for anything else.
    """
    with _opened(path) as archive:
        arrays = _headers(archive, path)
        parts = [
            _part(archive, arrays, images, labels, split)
            for images, labels, split in _PAIRS
            if images in arrays
        ]
    if not parts:
        raise RefusedInput(
            f"{path} has no array of images: it has {', '.join(sorted(arrays)[:8]) or 'none'}",
            hint="Name the arrays x_train and y_train, x_test and y_test, or images and labels.",
        )
    return Source(
        format="npz",
        entries=lambda: (entry for part in parts for entry in _entries(path, part)),
        count=lambda: sum(part.images.shape[0] for part in parts),
        notes=tuple(
            f"{part.images.name} has no labels; its images are unlabelled"
            for part in parts
            if not part.labels
        ),
    )


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with opened_zip(path) as archive:
            yield archive
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:120]
        raise RefusedInput(f"{path} is damaged: {reason}") from error


def _headers(archive: zipfile.ZipFile, path: Path) -> dict[str, _Array]:
    arrays = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if info.filename == name:
            continue
        if info.compress_type not in METHODS:
            raise RefusedInput(f"{path}: {name} is packed by a method that is not read")
        with archive.open(info) as file:
            shape, fortran, dtype = _header(file)
        if dtype.hasobject:
            raise RefusedInput(
                f"{path}: the array {name} holds Python objects, which are never read",
                hint="Save it with a plain dtype, such as uint8, int64 or '<U20'.",
            )
        if fortran and len(shape) > 1 and 0 not in shape:
            raise RefusedInput(
                f"{path}: the array {name} is in Fortran order",
                hint="Save numpy.ascontiguousarray of it.",
            )
        claimed = prod(shape) * dtype.itemsize
        if claimed > max(info.compress_size, 1) * _LARGEST_RATIO or claimed > info.file_size:
            raise RefusedInput(
                f"{path}: the array {name} claims {claimed:,} bytes, more than the file can hold"
            )
        arrays[name] = _Array(name, shape, dtype)
    return arrays


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and dtype."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    if version == (1, 0):
        return npy.read_array_header_1_0(file, max_header_size=_LARGEST_HEADER)
    if version == (2, 0):
        return npy.read_array_header_2_0(file, max_header_size=_LARGEST_HEADER)
    raise ValueError(f"version {version} of the .npy format is not read")


def _part(
    archive: zipfile.ZipFile,
    arrays: dict[str, _Array],
    name: str,
    label_names: tuple[str, ...],
    split: Split | None,
) -> _Part:
    images = arrays[name]
    _check_shape(images)
    count = images.shape[0]
    labels: list[str | Refusal | None] = []
    for candidate in label_names:
        if candidate in arrays:
            labels = _labels(archive, arrays, arrays[candidate], images)
            break
    splits: list[Split | None] = [split] * count
    if split is None and "splits" in arrays:
        splits = _splits(archive, arrays["splits"], images)
    return _Part(images, _scale(archive, images), labels, splits)


def _check_shape(images: _Array) -> None:
    shape = images.shape
    fits = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3, 4))
    if not fits or 0 in shape[1:3] or shape[0] > MOST_IMAGES or shape[1] * shape[2] > MAX_PIXELS:
        raise RefusedInput(
            f"the array {images.name} shaped {shape} does not hold pictures",
            hint="Give (count, height, width) or (count, height, width, 1, 3 or 4).",
        )
    if images.dtype.kind not in "buif":
        raise RefusedInput(f"the array {images.name} holds {images.dtype}, not numbers")


def _scale(archive: zipfile.ZipFile, images: _Array) -> float:
    """What the values are multiplied by to lie within 0 and 255."""
    import numpy as np

    if images.dtype == np.uint8:
        return 1.0
    if images.dtype.kind == "b":
        return 255.0
    low, high = 0.0, 0.0
    for block in _blocks(archive, images, 1):
        if images.dtype.kind == "f" and not np.isfinite(block).all():
            raise RefusedInput(f"the array {images.name} has values that are no numbers (NaN)")
        low, high = min(low, float(block.min())), max(high, float(block.max()))
    if low < 0 or high > 255:
        raise RefusedInput(
            f"the values of {images.name} go from {low:g} to {high:g}",
            hint="Save them within 0 and 255, or within 0 and 1.",
        )
    return 255.0 if images.dtype.kind == "f" and high <= 1 else 1.0


def _blocks(archive: zipfile.ZipFile, array: _Array, values: int) -> Iterator[NDArray[Any]]:
    """The array in flat pieces of about a million bytes, each a multiple of `values` long."""
    import numpy as np

    item = values * array.dtype.itemsize
    step = max(1, _BLOCK // item) * item
    left = prod(array.shape) * array.dtype.itemsize
    with archive.open(f"{array.name}.npy") as file:
        _header(file)
        while left:
            data = file.read(min(step, left))
            if len(data) < min(step, left):
                raise EOFError(f"the array {array.name} is cut short")
            left -= len(data)
            yield np.frombuffer(data, array.dtype)


def _entries(path: Path, part: _Part) -> Iterator[Entry | Refusal]:
    images = part.images
    height, width = images.shape[1:3]
    channels = images.shape[3] if len(images.shape) == 4 else 1
    size = height * width * channels
    prefix = f"{printable(path.name)}/{images.name}"
    index = 0
    with _opened(path) as archive:
        for block in _blocks(archive, images, size):
            data = _bytes(block, part.scale).tobytes()
            for start in range(0, len(data), size):
                source = f"{prefix}#{index}"
                label = part.labels[index] if part.labels else None
                if isinstance(label, Refusal):
                    yield Refusal(source, label.reason)
                else:
                    pixels = Pixels(height, width, channels, data[start : start + size])
                    yield Entry(source, pixels, label, part.splits[index])
                index += 1


def _bytes(block: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    import numpy as np

    if block.dtype == np.uint8:
        return cast("NDArray[np.uint8]", block)
    return np.rint(block.astype(np.float64) * scale).astype(np.uint8)


def _small(archive: zipfile.ZipFile, array: _Array) -> NDArray[Any]:
    """An array of labels, whole."""
    import numpy as np

    if prod(array.shape) * array.dtype.itemsize > MOST_LABEL_BYTES:
        raise RefusedInput(f"the array {array.name} has over {MOST_LABEL_BYTES:,} bytes")
    blocks = list(_blocks(archive, array, 1))
    flat = np.concatenate(blocks) if blocks else np.empty(0, array.dtype)
    return flat.reshape(array.shape)


def _labels(
    archive: zipfile.ZipFile, arrays: dict[str, _Array], labels: _Array, images: _Array
) -> list[str | Refusal | None]:
    count = images.shape[0]
    values = _small(archive, labels)
    if labels.shape[:1] != (count,) or prod(labels.shape[1:]) != 1:
        if len(labels.shape) != 2 or labels.shape[0] != count or not _one_hot(values):
            raise RefusedInput(
                f"{images.name} has {count:,} images but {labels.name} is shaped {labels.shape}",
                hint="Give one label for each image.",
            )
        values = values.argmax(axis=1)
    names: list[str] | None = None
    for candidate in _NAMES:
        if candidate in arrays:
            names = _texts(_small(archive, arrays[candidate]).reshape(-1))
            break
    return _named(values.reshape(-1), names, labels.name)


def _one_hot(values: NDArray[Any]) -> bool:
    if values.dtype.kind not in "buif" or values.shape[1] < 2:
        return False
    return bool(((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all())


def _named(values: NDArray[Any], names: list[str] | None, array: str) -> list[str | Refusal | None]:
    import numpy as np

    if values.dtype.kind in "US":
        texts = _texts(values)
        known = {text: _cleaned(text) for text in set(texts)}
        return [known[text] for text in texts]
    whole = values.dtype.kind in "bui" or (
        values.dtype.kind == "f" and bool((np.isfinite(values) & (values == np.rint(values))).all())
    )
    if not whole:
        raise RefusedInput(
            f"the array {array} holds {values.dtype}, not labels",
            hint="Give whole numbers, text, or one-hot rows.",
        )
    numbers = [int(value) for value in values.tolist()]
    if names is not None and numbers and max(numbers) >= len(names):
        raise RefusedInput(f"{array} has the label {max(numbers)} but there are {len(names)} names")
    by_number: dict[int, str | Refusal | None] = {}
    for number in set(numbers):
        text = str(number) if names is None else names[number]
        by_number[number] = _cleaned(text) if number >= 0 else None
    return [by_number[number] for number in numbers]


def _texts(values: NDArray[Any]) -> list[str]:
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    return [str(value) for value in values.tolist()]


def _cleaned(text: str) -> str | Refusal | None:
    if not text:
        return None
    try:
        return clean_label(text)
    except RefusedInput as error:
        return Refusal("", error.message)


def _splits(archive: zipfile.ZipFile, array: _Array, images: _Array) -> list[Split | None]:
    texts = _texts(_small(archive, array).reshape(-1))
    known: dict[str, Split | None] = {"": None, **{split: split for split in SPLITS}}
    if len(texts) != images.shape[0] or not set(texts) <= known.keys():
        raise RefusedInput(
            f"the array splits does not say train, val, test or nothing for each of the "
            f"{images.shape[0]:,} images"
        )
    return [known[text] for text in texts]
