"""The pictures that trainings are measured on, as something to import and as arrays.

Data is named by the user, never looked for. A scale below 1 takes the first pictures of each
label, to try a benchmark out.
"""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measuring import Failure, measured, pixshelf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARTS = {"train": "train", "test": "t10k"}
"""Our splits, and what MNIST's files call them."""

MADE_SIDE, MADE_LABELS = 64, 10


@dataclass(frozen=True, slots=True)
class Given:
    """Where the data is, as far as the user has said, and how much of it is taken."""

    mnist: Path | None
    cifar: Path | None
    photos: Path | None
    scale: float


@dataclass(frozen=True, slots=True)
class Source:
    """What `pixshelf import` is given, and the same pictures for the reference: a file with uint8
    x_train, x_test [N, H, W, C] and int64 y_train, y_test [N]."""

    sources: tuple[Path, ...]
    arrays: Path


def digits_28(given: Given, scratch: Path) -> Source:
    """MNIST's four IDX files, written anew where not all pictures are taken."""
    import numpy as np

    assert given.mnist is not None
    folder, made = scratch / "mnist", scratch / "mnist.npz"
    sources = tuple(folder / f"{part}-images-idx3-ubyte.gz" for part in PARTS.values())
    if made.exists():
        return Source(sources, made)
    folder.mkdir()
    arrays: dict[str, Any] = {}
    for split, part in PARTS.items():
        images, labels = _idx(given.mnist, part, 3), _idx(given.mnist, part, 1)
        count = max(500, round(len(images) * given.scale))
        images, labels = images[:count], labels[:count]
        arrays |= {f"x_{split}": images[..., None], f"y_{split}": labels.astype(np.int64)}
        _write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        _write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    np.savez(made, **arrays)
    return Source(sources, made)


def objects_32(given: Given, scratch: Path) -> Source:
    """The CIFAR-10 archive's own train and test folders."""
    assert given.cifar is not None
    return _folders(given.cifar, scratch, "cifar", given.scale, 32, None)


def photos(given: Given, scratch: Path, seed: int) -> Source:
    """The photos, half of each label for testing, chosen by `seed`; at 96 px for the reference."""
    assert given.photos is not None
    return _folders(given.photos, scratch, f"photos{seed}", given.scale, 96, seed)


def imported(source: Source, dataset: Path, scratch: Path) -> float:
    """Import into `dataset`, if it is not there yet; gives the seconds."""
    if dataset.exists():
        return 0.0
    return measured(pixshelf(dataset, "import", *source.sources, "--json"), scratch).seconds


def make_pictures(archive: Path, count: int, seed: int = 0) -> None:
    """A zip of `count` colour JPEGs of 64 x 64 pixels, in folders of ten labels: random soft
    colours, and a bright patch whose place is the label."""
    import numpy as np
    from PIL import Image

    dice = np.random.default_rng(seed)
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(count):
            label = number % MADE_LABELS
            cells = dice.integers(0, 200, (8, 8, 3), np.uint8)
            row, column = divmod(label, 4)
            cells[1 + 2 * row : 3 + 2 * row, 2 * column : 2 + 2 * column] |= 192
            goal = (MADE_SIDE, MADE_SIDE)
            picture = Image.fromarray(cells).resize(goal, Image.Resampling.BICUBIC)
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=80)
            packed.writestr(f"made/{label}/{number:06}.jpg", file.getvalue())


def _folders(
    archive: Path, scratch: Path, name: str, scale: float, side: int, seed: int | None
) -> Source:
    """The archive's pictures as train/LABEL/FILE and test/LABEL/FILE: as its own folders say, or,
    with a seed, half of each label."""
    folder, made = scratch / name, scratch / f"{name}.npz"
    if made.exists():
        return Source((folder,), made)
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    with zipfile.ZipFile(archive) as packed:
        for member in sorted(packed.namelist()):
            path = PurePosixPath(member)
            if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
                groups[path.parts[-3] if seed is None else "", path.parts[-2]].append(member)
        chosen: dict[tuple[str, str], list[str]] = {}
        for (split, label), members in groups.items():
            kept = members[: max(10, round(len(members) * scale))]
            if seed is None:
                chosen[split, label] = kept
            else:
                random.Random(f"{seed} {label}").shuffle(kept)
                half = len(kept) // 2
                chosen |= {("train", label): kept[half:], ("test", label): kept[:half]}
        for (split, label), members in chosen.items():
            (folder / split / label).mkdir(parents=True)
            for member in members:
                data = packed.read(member)
                (folder / split / label / PurePosixPath(member).name).write_bytes(data)
    if {split for split, _ in chosen} != set(PARTS):
        raise Failure(f"{archive} has no folders train and test with a folder for each label")
    _write_arrays(folder, made, side)
    return Source((folder,), made)


def _write_arrays(folder: Path, made: Path, side: int) -> None:
    """The folders' pictures, stretched to side x side, in a random order, since the reference
    validates with the last ones."""
    import numpy as np
    from PIL import Image

    arrays: dict[str, Any] = {}
    labels = sorted(path.name for path in (folder / "train").iterdir())
    for split in PARTS:
        files = sorted((folder / split).rglob("*.*"))
        random.Random(0).shuffle(files)
        images = np.empty((len(files), side, side, 3), np.uint8)
        for at, file in enumerate(files):
            with Image.open(file) as picture:
                goal = (side, side)
                images[at] = np.asarray(
                    picture.convert("RGB").resize(goal, Image.Resampling.BILINEAR)
                )
        arrays[f"x_{split}"] = images
        arrays[f"y_{split}"] = np.array([labels.index(file.parent.name) for file in files])
    np.savez(made, **arrays)


def _idx(folder: Path, part: str, dimensions: int) -> NDArray[np.uint8]:
    """The values of one IDX file: [N, 28, 28] or [N]."""
    import numpy as np

    kind = {3: "images", 1: "labels"}[dimensions]
    found = sorted(folder.glob(f"{part}-{kind}*"))
    if not found:
        raise Failure(f"{folder} has no {part}-{kind} file")
    data = found[0].read_bytes()
    data = gzip.decompress(data) if found[0].suffix == ".gz" else data
    shape = np.frombuffer(data, ">u4", dimensions, 4).astype(int)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    import numpy as np

    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + values.tobytes(), 1))
