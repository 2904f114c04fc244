"""A pair of IDX files as MNIST has them: grey images of one size, and a label for each."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from storage.errors import RefusedInput, UsageError
from storage.exporting.idx_names import NAME
from storage.exporting.npz import Found, grey_pixels
from storage.exporting.selected import Progress, counted, records
from storage.exporting.target import new_files
from storage.importing.idx import label_names_beside
from storage.ordering import natural_key
from storage.paging import PAGE
from storage.query import Query
from storage.repository import Repository

MOST_LABELS = 256


def export_idx(
    repo: Repository,
    query: Query,
    target: Path,
    *,
    size: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> int:
    """Write the images that match to new IDX files, in the query's order; says how many.

    `target` is called like `train-images-idx3-ubyte.gz`, and is gzipped if it ends so; the labels
    go to `train-labels-idx1-ubyte.gz` beside it. Labels that are numbers from 0 to 255 are written
    as they are. Others are numbered from 0, and `train-labels-idx1-ubyte.labels.txt` has their
    names, a line each, which import reads. Where no image has a label only the images are written.
    Pixels are uint8, alpha is laid over white. The format has no room for tags, nor for splits, but
    that import knows `train`, `val` and `test` or `t10k` at the beginning of the name.

    All images must be grey and have one size, unless `size` (width, height) says to fit each into
    that. Raises UsageError for another name, RefusedInput for images that are not so, for over 256
    labels, where some images have a label and others none, for no image, and if one of the files
    exists or cannot be written; StorageFull.
    """
    names = _names(target)
    tell = counted(repo, query, progress)
    found = Found()
    for image in records(repo, query):
        found.take(image)
    chosen = size or found.size()
    if found.coloured:
        raise RefusedInput(
            "some images have colours, but IDX files hold grey ones",
            hint="Select those that have none, as in: channels:1; or export an .npz.",
        )
    places = _places(found.labels)
    targets = [target, *((names.labels, names.listed) if places.values else ())]
    if places.values and not places.listed:
        targets.pop()
    with new_files(*targets) as partials:
        _write_images(repo, found, chosen, partials[0], names.zipped, tell)
        if places.values:
            count = len(found.ids).to_bytes(4, "big")
            with _new(partials[1], zipped=names.zipped) as file:
                file.write(b"\0\0\x08\x01" + count + places.values)
        if places.listed:
            text = "".join(f"{label}\n" for label in places.listed)
            partials[2].write_text(text, encoding="utf-8", newline="\n")
    return len(found.ids)


@dataclass(frozen=True, slots=True)
class _Names:
    """The files beside the images, and whether they are gzipped."""

    labels: Path
    listed: Path
    zipped: bool


def _names(target: Path) -> _Names:
    match = NAME.fullmatch(target.name)
    if match is None:
        raise UsageError(
            f"{target.name!r} is no name for a file of IDX images",
            hint="Call it train-images-idx3-ubyte, with .gz at its end to have it gzipped.",
        )
    labels = target.with_name(f"{match['start']}labels{match['dash']}idx1{match['end']}")
    return _Names(labels, label_names_beside(labels), target.name.lower().endswith(".gz"))


@dataclass(frozen=True, slots=True)
class _Places:
    """A byte for each label, and the names of the numbers where they are not names themselves."""

    values: bytes
    listed: tuple[str, ...]


def _places(labels: list[str | None]) -> _Places:
    known = sorted({label for label in labels if label is not None}, key=natural_key)
    if not known:
        return _Places(b"", ())
    missing = labels.count(None)
    if missing:
        raise RefusedInput(
            f"{missing:,} of the images have no label, and IDX files cannot say so",
            hint="Select the others with is:labelled, or only these with is:unlabelled.",
        )
    if len(known) > MOST_LABELS:
        raise RefusedInput(
            f"there are {len(known):,} labels; IDX files hold {MOST_LABELS}",
            hint="Select some of them, or export an .npz.",
        )
    if all(re.fullmatch("0|[1-9][0-9]{0,2}", label) and int(label) < 256 for label in known):
        return _Places(bytes(int(label) for label in labels if label is not None), ())
    numbers = {label: number for number, label in enumerate(known)}
    return _Places(bytes(numbers[label] for label in labels if label is not None), tuple(known))


def _write_images(
    repo: Repository,
    found: Found,
    size: tuple[int, int],
    partial: Path,
    zipped: bool,
    tell: Callable[[int], None],
) -> None:
    shape = (len(found.ids), size[1], size[0])
    with _new(partial, zipped=zipped) as file:
        file.write(b"\0\0\x08\x03" + b"".join(number.to_bytes(4, "big") for number in shape))
        for start in range(0, len(found.ids), PAGE):
            ids = found.ids[start : start + PAGE].tolist()
            for done, (_, data) in enumerate(repo.images.iter_data(ids), start=start + 1):
                file.write(grey_pixels(data, size))
                tell(done)


@contextmanager
def _new(path: Path, *, zipped: bool) -> Iterator[IO[bytes]]:
    with path.open("xb") as plain:
        if not zipped:
            yield plain
            return
        # Without a name or a time, so that equal images give equal files.
        with gzip.GzipFile("", "wb", fileobj=plain, mtime=0) as file:
            yield cast("IO[bytes]", file)
