"""From the bytes of images to the one uint8 array that a model takes.

An InputSpec says what a model takes; it is inferred from a dataset, shown, and kept with the
model. Normalisation is the model's own affair: here a pixel stays the byte that it was.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from storage.errors import DatasetError, NotReady, RefusedInput, StorageFull

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from storage.records import Example

Resize = Literal["letterbox", "stretch", "crop"]
RESIZES: tuple[Resize, ...] = get_args(Resize)

LARGEST_SIDE = 1024
LARGEST_INFERRED = 128
"""Above this, pictures are scaled down unless the user names a size."""

IN_MEMORY = 2 << 30
"""Decoded arrays above this many bytes are mapped from a temporary file."""

_FINE = 2
"""Large JPEGs are decoded at no less than this many times the size they are brought to."""

Progress = Callable[[int, int], None]
"""Called now and then, in the caller's thread, with (images done so far, images in all)."""

CHUNK = 2048
_CHUNK_BYTES = 64 << 20
_SMALL_FILE = 2048
"""Below this many bytes a file, threads cost more in contention for the GIL than they gain."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a model takes: uint8 [height, width, channels], and how a picture is made to fit.

    `letterbox` keeps the whole picture and its proportions, and fills the rest with the median
    of the picture's border, so that a drawing on white paper stays one; `stretch` keeps the whole
    picture but not its proportions; `crop` keeps the proportions and cuts off what is over at two
    sides. Raises RefusedInput for values that make no sense.
    """

    height: int
    width: int
    channels: int
    resize: Resize = "letterbox"

    def __post_init__(self) -> None:
        for name, value in (("height", self.height), ("width", self.width)):
            if type(value) is not int or not 1 <= value <= LARGEST_SIDE:
                raise RefusedInput(
                    f"the input's {name} must be a whole number from 1 to {LARGEST_SIDE}, "
                    f"not {value!r}"
                )
        if type(self.channels) is not int or self.channels not in (1, 3):
            raise RefusedInput(
                f"the input's channels must be 1 (grey) or 3 (colour), not {self.channels!r}"
            )
        if self.resize not in RESIZES:
            raise RefusedInput(
                f"the input's resize must be one of {', '.join(RESIZES)}, not {self.resize!r}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (self.height, self.width, self.channels)

    def __str__(self) -> str:
        """For people: '28x28 grey, letterbox' (width first, as pictures are named)."""
        kind = "grey" if self.channels == 1 else "colour"
        return f"{self.width}x{self.height} {kind}, {self.resize}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values that `from_json` takes back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> InputSpec:
        """The spec that a model carries. Raises DatasetError for anything else."""
        names = [field.name for field in fields(cls)]
        if not isinstance(value, Mapping) or sorted(value) != sorted(names):
            raise DatasetError(
                f"the model's input must have exactly {', '.join(names)}, not {value!r:.200}"
            )
        try:
            return cls(**value)
        except RefusedInput as error:
            raise DatasetError(f"the model cannot be read: {error.message}") from error


def infer_input(examples: Iterable[Example], size: int | None = None) -> InputSpec:
    """The input that suits these images; `size` asks for a square of that side.

    Images that are all alike keep their size, scaled down to a longer side of LARGEST_INFERRED.
    Mixed ones get a square of the median longer side, to the next 8, no more than that. It
    is grey only if every image is. Raises NotReady without images, RefusedInput for a bad `size`.
    """
    from statistics import median

    seen: dict[tuple[int, int], int] = {}
    grey = True
    for example in examples:
        key = (example.height, example.width)
        seen[key] = seen.get(key, 0) + 1
        grey = grey and example.channels <= 2
    if not seen:
        raise NotReady(
            "there are no images to infer the model's input from",
            hint="Import images first, or widen the query.",
        )
    channels = 1 if grey else 3
    if size is not None:
        return InputSpec(size, size, channels)
    if len(seen) == 1:
        height, width = _scaled_down(*next(iter(seen)))
        return InputSpec(height, width, channels)
    middle = median(side for pair, count in seen.items() for side in [max(pair)] * count)
    side = min(LARGEST_INFERRED, max(8, -(-int(middle) // 8) * 8))
    return InputSpec(side, side, channels)


def _scaled_down(height: int, width: int) -> tuple[int, int]:
    """The same proportions with a longer side of at most LARGEST_INFERRED; a very long and thin
    picture keeps a quarter of that as its shorter side, if it had as much."""
    longer = max(height, width)
    if longer <= LARGEST_INFERRED:
        return height, width

    def scaled(side: int) -> int:
        fitted = round(side * LARGEST_INFERRED / longer)
        return max(fitted, min(side, LARGEST_INFERRED // 4))

    return scaled(height), scaled(width)


def to_array(data: bytes, spec: InputSpec) -> NDArray[np.uint8]:
    """One image file as uint8 [height, width, channels], upright. Raises RefusedInput for bytes
    that are no picture."""
    import numpy as np

    from storage.pictures import open_picture

    picture = open_picture(data, at_least=_FINE * max(spec.height, spec.width))
    array = np.asarray(fit(picture, spec), np.uint8)
    return array.reshape(spec.shape)


def fit(picture: Image, spec: InputSpec) -> Image:
    """A picture in the spec's size and mode ('L' or 'RGB'); the same one if it has them.

    Scaling is bilinear upwards and averages over the whole area downwards, so that it never rings
    and never drops thin strokes.
    """
    from storage.pictures import to_mode

    picture = to_mode(picture, 1 if spec.channels == 1 else 3)
    goal = (spec.width, spec.height)
    if picture.size == goal:
        return picture
    if spec.resize == "stretch":
        return _resized(picture, goal)
    if spec.resize == "crop":
        return _cropped(picture, goal)
    return _letterboxed(picture, goal)


def _resized(
    picture: Image, goal: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Image:
    from PIL.Image import Resampling

    # Pillow's bilinear filter widens with the scale downwards, which makes it an area average.
    return picture.resize(goal, Resampling.BILINEAR, box=box, reducing_gap=3.0)


def _cropped(picture: Image, goal: tuple[int, int]) -> Image:
    scale = min(picture.width / goal[0], picture.height / goal[1])
    # Rounding must not push the box over the picture's edge, which Pillow refuses.
    across, down = min(picture.width, goal[0] * scale), min(picture.height, goal[1] * scale)
    x, y = (picture.width - across) / 2, (picture.height - down) / 2
    box = (x, y, min(picture.width, x + across), min(picture.height, y + down))
    return _resized(picture, goal, box)


def _letterboxed(picture: Image, goal: tuple[int, int]) -> Image:
    import numpy as np
    from PIL import Image as Images

    scale = min(goal[0] / picture.width, goal[1] / picture.height)
    size = (
        max(1, min(goal[0], round(picture.width * scale))),
        max(1, min(goal[1], round(picture.height * scale))),
    )
    fitted = picture if picture.size == size else _resized(picture, size)
    if size == goal:
        return fitted
    colour = border_median(np.asarray(fitted)).tolist()
    page = Images.new(picture.mode, goal, tuple(colour) if isinstance(colour, list) else colour)
    page.paste(fitted, ((goal[0] - size[0]) // 2, (goal[1] - size[1]) // 2))
    return page


def border_median(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The median colour, channel by channel, of the outermost pixels of uint8 [H, W] or
    [H, W, C]: uint8 [] or [C]."""
    import numpy as np

    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return np.asarray(np.median(border, axis=0)).astype(np.uint8)


def decode_many(
    items: Iterable[tuple[int, bytes]],
    count: int,
    spec: InputSpec,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.uint8]:
    """Decode (id, bytes) pairs into one uint8 array [count, height, width, channels], in order.

    `items` is read in the caller's thread, a few chunks ahead. Above IN_MEMORY the array lies in
    an unnamed temporary file. Raises RefusedInput, naming the image's id, for bytes that are no
    picture, NotReady if there are not exactly `count` items, and StorageFull if the temporary
    file does not fit.
    """
    out = _room_for((count, *spec.shape))
    done = 0
    for ids, pixels in decode_stream(items, spec, threads=threads):
        if done + len(ids) > count:
            raise _changed(count, f"more than {count}")
        out[done : done + len(ids)] = pixels
        done += len(ids)
        if progress is not None:
            progress(done, count)
    if done != count:
        raise _changed(count, f"only {done}")
    return out


def decode_stream(
    items: Iterable[tuple[int, bytes]],
    spec: InputSpec,
    *,
    threads: int | None = None,
    chunk: int = CHUNK,
) -> Generator[tuple[list[int], NDArray[np.uint8]]]:
    """Decode (id, bytes) pairs chunk by chunk: the ids, and uint8 [n, height, width, channels].

    The next chunk is read and decoded in the background while the caller works on this one. Holds
    two chunks, each bounded in images and in bytes, however many images come. Raises RefusedInput,
    naming the image's id, for bytes that are no picture.
    """
    workers = threads or available_cpus()
    most = min(chunk, max(16, _CHUNK_BYTES // (spec.height * spec.width * spec.channels)))
    ahead: deque[tuple[list[int], NDArray[np.uint8], list[Future[None]]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for batch in _batches(items, most):
            ahead.append(_start(batch, spec, pool, workers))
            if len(ahead) == 2:
                yield _finish(ahead.popleft())
        while ahead:
            yield _finish(ahead.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def available_cpus() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _batches(items: Iterable[tuple[int, bytes]], most: int) -> Iterator[list[tuple[int, bytes]]]:
    """Runs of up to `most` items and about _CHUNK_BYTES of files."""
    batch: list[tuple[int, bytes]] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item[1])
        if len(batch) == most or size >= _CHUNK_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _start(
    batch: list[tuple[int, bytes]], spec: InputSpec, pool: ThreadPoolExecutor, workers: int
) -> tuple[list[int], NDArray[np.uint8], list[Future[None]]]:
    """Decode a batch: small files here and now, the others by the pool."""
    import numpy as np

    from ml.plain_png import decode_plain, worth_trying

    pixels = np.empty((len(batch), *spec.shape), np.uint8)
    left: Sequence[int] = range(len(batch))
    if worth_trying(spec.height, spec.width):
        left = decode_plain([data for _, data in batch], pixels)
    ids = [image for image, _ in batch]
    if workers == 1 or sum(len(batch[at][1]) for at in left) < _SMALL_FILE * len(left):
        _decode_into(batch, left, spec, pixels)
        return ids, pixels, []
    share = -(-len(left) // (4 * workers))
    parts = [left[at : at + share] for at in range(0, len(left), share or 1)]
    return ids, pixels, [pool.submit(_decode_into, batch, part, spec, pixels) for part in parts]


def _finish(
    started: tuple[list[int], NDArray[np.uint8], list[Future[None]]],
) -> tuple[list[int], NDArray[np.uint8]]:
    ids, pixels, futures = started
    for future in futures:
        future.result()
    return ids, pixels


def _decode_into(
    batch: Sequence[tuple[int, bytes]],
    which: Sequence[int],
    spec: InputSpec,
    pixels: NDArray[np.uint8],
) -> None:
    for at in which:
        image, data = batch[at]
        try:
            pixels[at] = to_array(data, spec)
        except RefusedInput as error:
            raise RefusedInput(
                f"image {image} cannot be decoded: {error.message}",
                hint="'pixshelf db check --deep' finds every damaged image.",
            ) from error


def _changed(count: int, found: str) -> NotReady:
    return NotReady(
        f"{count} images were expected, {found} came",
        hint="The dataset was changed at the same time; start again.",
    )


def _room_for(shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """An array of that shape: in memory, or above IN_MEMORY in a file that has no name."""
    import numpy as np

    size = math.prod(shape)
    if size <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    try:
        with tempfile.TemporaryFile(prefix="pixshelf-") as file:
            if hasattr(os, "posix_fallocate"):
                # A sparse file that meets a full disk ends the process with SIGBUS.
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.uint8, mode="w+", shape=shape)
    except OSError as error:
        raise StorageFull(
            f"{size:,} bytes of decoded images do not fit in {tempfile.gettempdir()}: "
            f"{error.strerror}",
            hint="Set TMPDIR to a folder with more room, or choose fewer images or a smaller size.",
        ) from error
