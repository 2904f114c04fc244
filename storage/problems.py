"""What may be wrong with a picture by its looks: the measures, and the thresholds that judge them.

Measures are stored and thresholds are not, so a threshold that changes needs no picture again. Size
and aspect are judged against the dataset's medians and need no measure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.errors import RefusedInput
from storage.records import Measures

if TYPE_CHECKING:
    from concurrent.futures import Future

    from PIL import Image

    from storage.repository import Repository

VERSION = 1
"""Which definition of the measures this is. Stored beside them: others are taken anew."""

DARK_BELOW = 82
"""Dark: 99 of 100 pixels are below this luma, so that white strokes on black are not."""
BRIGHT_ABOVE = 230
"""Bright: 99 of 100 pixels are above this luma, so that black strokes on white are not."""
BLANK_BELOW = 4.0
"""Blank: every channel's standard deviation is below this, so that there is nothing to see."""
ONE_COLOUR_SPREAD = 2
"""One colour: no channel has two values farther apart than this; a JPEG may be off by so much."""
BLURRY_BELOW = 0.01
"""Blurry: the sharpness is below this, and the picture is not blank. On a photo of 640 px a
Gaussian of 1 px leaves 0.02 to 0.04, one of 2 px 0.003 to 0.004, and none at all 0.2 to 0.8."""
ODD_ASPECT = 3
"""Odd aspect: so many times wider, or narrower, than the median width over the median height."""
ODD_SIZE = 4
"""Odd size: a side so many times longer, or shorter, than the median of that side."""

SHARPNESS_SIDE = 512
"""Sharpness is taken with the longer side at most this, where a learner would look."""

_NONE = [[0] * 256] * 3
_LARGE_PIXELS = 4_000_000
_BATCH = 1_000
_FLIGHT = 64
_FLIGHT_BYTES = 32 * 1024 * 1024
_MOST_THREADS = 4

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(slots=True)
class Measured:
    """How many images were measured, and why others could not be: reasons by id."""

    images: int = 0
    refused: dict[int, str] = field(default_factory=dict)


def measure(data: bytes) -> Measures:
    """The measures of a picture's first frame, upright, alpha laid over white.

    - `low` and `high`: the 1st and 99th percentile (nearest rank) of luma (ITU-R 601-2).
    - `contrast`: the largest standard deviation of a channel (red, green, blue, or luma of a grey
      picture); `spread`: the largest difference between two values of one channel.
    - `sharpness`: the variance of the Laplacian (the four neighbours less four times the pixel,
      inside the picture) over the variance of luma. A large picture is first averaged down to
      SHARPNESS_SIDE. The variance of the Laplacian is LAPV of
      Pech-Pacheco, Cristobal, Chamorro-Martinez, Fernandez-Valdivia: Diatom Autofocusing in
      Brightfield Microscopy, ICPR 2000; it is divided so that a faint picture does not count as
      a blurred one. None for fewer than 3 pixels either way, or where luma does not vary.
    - `animated`: whether there is more than one frame, or page.

    Raises RefusedInput for bytes that are no picture.
    """
    from storage.pictures import open_first

    picture, animated = open_first(data)
    try:
        return _measured(picture, animated=animated)
    except (MemoryError, OSError, ValueError) as error:
        reason = str(error) or "it needs more memory than there is"
        raise RefusedInput(f"the picture cannot be measured: {reason}") from error


def measure_images(
    repo: Repository,
    image_ids: Sequence[int],
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Measured:
    """Measure the images and store what was found, in batches: what was done before an
    interruption stays done. An image whose bytes cannot be decoded is named with the reason.
    Raises NotFound at an id that is gone."""
    report = Measured()
    batch: dict[int, Measures] = {}

    def store() -> None:
        repo.measurements.save(batch, version=VERSION)
        report.images += len(batch)
        batch.clear()

    try:
        for image_id, answer in _answers(repo, image_ids, threads or _processors()):
            if isinstance(answer, str):
                report.refused[image_id] = answer
            else:
                batch[image_id] = answer
            if len(batch) >= _BATCH:
                store()
            if progress is not None:
                progress(report.images + len(batch) + len(report.refused), len(image_ids))
    finally:
        if batch:
            store()
    return report


def _answers(
    repo: Repository, image_ids: Sequence[int], threads: int
) -> Iterator[tuple[int, Measures | str]]:
    """Each image's measures, or why there are none, in order; reads ahead within bounds."""
    from concurrent.futures import ThreadPoolExecutor

    flight: deque[tuple[int, int, Future[Measures | str]]] = deque()
    size = 0
    with ThreadPoolExecutor(threads, "measure") as pool:
        try:
            for image_id, data in repo.images.iter_data(image_ids):
                flight.append((image_id, len(data), pool.submit(_answer, data)))
                size += len(data)
                while flight and (len(flight) > _FLIGHT or size > _FLIGHT_BYTES):
                    first, length, future = flight.popleft()
                    size -= length
                    yield first, future.result()
            while flight:
                first, _, future = flight.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _answer(data: bytes) -> Measures | str:
    from storage import pictures

    try:
        large = pictures.claimed_pixels(data) > _LARGE_PIXELS
        with pictures.one_large if large else nullcontext():
            return measure(data)
    except RefusedInput as error:
        return error.message


def _measured(picture: Image.Image, *, animated: bool) -> Measures:
    from PIL import Image as Pillow

    from storage.picture_modes import bands, flat, span_of

    width, height = picture.size
    factor = max(1, max(width, height) // SHARPNESS_SIDE)
    span = span_of(picture)
    small = Pillow.new("L", (-(-width // factor), -(-height // factor)))
    luma: list[int] = [0] * 256
    channels: list[list[int]] = []
    for top, band in bands(picture, factor):
        plain = flat(band, span)
        grey = plain.convert("L")
        luma = _added(luma, grey.histogram())
        if plain.mode not in ("1", "L"):
            values = plain.convert("RGB").histogram()
            parts = [values[at : at + 256] for at in (0, 256, 512)]
            channels = [_added(*pair) for pair in zip(channels or _NONE, parts, strict=True)]
        small.paste(grey.reduce(factor), (0, top // factor))
    channels = channels or [luma]
    return Measures(
        low=_percentile(luma, 0.01),
        high=_percentile(luma, 0.99),
        contrast=max(_variance(channel) for channel in channels) ** 0.5,
        spread=max(_spread(channel) for channel in channels),
        sharpness=_sharpness(_within(small, SHARPNESS_SIDE)),
        animated=animated,
    )


def _within(grey: Image.Image, side: int) -> Image.Image:
    """The picture averaged down until no side is longer."""
    from PIL import Image as Pillow

    longer = max(grey.size)
    if longer <= side:
        return grey
    width, height = (max(1, round(length * side / longer)) for length in grey.size)
    return grey.resize((width, height), Pillow.Resampling.BOX)


def _added(left: Sequence[int], right: Sequence[int]) -> list[int]:
    return [one + other for one, other in zip(left, right, strict=True)]


def _percentile(histogram: Sequence[int], share: float) -> int:
    """The value of nearest rank: the least that at least `share` of all do not exceed."""
    wanted = share * sum(histogram)
    seen = 0
    for value, count in enumerate(histogram):
        seen += count
        if seen and seen >= wanted:
            return value
    return 255


def _variance(histogram: Sequence[int]) -> float:
    count = sum(histogram)
    total = sum(value * times for value, times in enumerate(histogram))
    squares = sum(value * value * times for value, times in enumerate(histogram))
    # Whole numbers to the end, so that one colour has no variance at all.
    return (squares * count - total * total) / (count * count)


def _spread(histogram: Sequence[int]) -> int:
    present = [value for value, count in enumerate(histogram) if count]
    return present[-1] - present[0]


def _sharpness(grey: Image.Image) -> float | None:
    import numpy as np

    if min(grey.size) < 3:
        return None
    values = np.asarray(grey, np.float32)
    spread = float(values.var(dtype=np.float64))
    if not spread:
        return None
    laplacian = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    laplacian -= 4 * values[1:-1, 1:-1]
    return float(laplacian.var(dtype=np.float64)) / spread


def _processors() -> int:
    import os
    import sys

    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return min(_MOST_THREADS, usable or 1)
