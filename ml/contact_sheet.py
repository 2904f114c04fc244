"""A contact sheet: a few examples of each side of a dataset in one picture, to show what it is of.

Which images are taken depends on their bytes, their labels and the seed alone: the same in every
copy of a dataset, whatever the ids.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from ml.plots import plain
from storage.errors import NotReady, RefusedInput, UsageError
from storage.exporting.target import new_file
from storage.ordering import natural_key

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

    from storage.query import Query
    from storage.records import Example
    from storage.repository import Repository

SIDE = 3
"""A block has so many rows and columns."""

_CELL, _GAP, _CAPTION, _TITLE, _MARGIN = 160, 14, 26, 44, 32
_PAPER, _INK, _SOFT, _PANEL = "#ffffff", "#1b2530", "#5b6875", "#eef1f4"


@dataclass(frozen=True, slots=True)
class Block:
    """Images, ids with labels in natural order, under a title."""

    title: str
    images: tuple[tuple[int, str | None], ...]


def write_contact_sheet(repo: Repository, query: Query, target: Path, *, seed: int = 0) -> int:
    """Draw nine of the train and nine of the test images that match as a PNG; how many they are.

    Where none of the two matches, nine of each other split that does. Raises UsageError unless
    `target` ends in .png, NotReady if no image matches, RefusedInput if `target` exists or cannot
    be written or an image is no picture, StorageFull.
    """
    if target.suffix.lower() != ".png":
        raise UsageError(
            f"a contact sheet is a PNG, and '{target.name}' does not end in .png",
            hint="Name it sheet.png, for example.",
        )
    blocks = choose(repo.images.examples(query), seed)
    if not blocks:
        raise NotReady("there are no images to show", hint="Import some, or widen the query.")
    buffer = BytesIO()
    _draw(repo, blocks).save(buffer, "PNG", optimize=True)
    with new_file(target) as partial:
        partial.write_bytes(buffer.getvalue())
    return sum(len(block.images) for block in blocks)


def choose(examples: Iterable[Example], seed: int = 0) -> list[Block]:
    """Nine images of train and of test, spread over their labels: one of each label in turn, in an
    order by a seeded hash. Memory is bounded by the number of labels."""
    most = SIDE * SIDE
    key = seed.to_bytes(8, "little", signed=True)
    lowest: dict[str, dict[str | None, list[tuple[int, int]]]] = {}
    for example in examples:
        digest = hashlib.blake2b(example.sha256, key=key, digest_size=8).digest()
        # Negated, since a heap gives its smallest first, and the largest is the one to let go.
        entry = (-int.from_bytes(digest, "big"), example.id)
        heap = lowest.setdefault(example.split or "no split", {}).setdefault(example.label, [])
        if len(heap) < most:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)
    shown: list[str] = [split for split in ("train", "test") if split in lowest]
    shown = shown or sorted(lowest)
    return [Block(split, _spread(lowest[split], key)) for split in shown]


def _spread(
    found: dict[str | None, list[tuple[int, int]]], key: bytes
) -> tuple[tuple[int, str | None], ...]:
    """Up to nine images, one of each label in turn, put in the order of the labels."""

    def place(label: str | None) -> bytes:
        return hashlib.blake2b((label or "").encode(), key=key, digest_size=8).digest()

    chosen: list[tuple[int, str | None]] = []
    queues = [(label, sorted(found[label])) for label in sorted(found, key=place)]
    while len(chosen) < SIDE * SIDE and any(queue for _, queue in queues):
        for label, queue in queues:
            if queue and len(chosen) < SIDE * SIDE:
                chosen.append((queue.pop()[1], label))
    return tuple(sorted(chosen, key=lambda pair: (natural_key(pair[1] or ""), pair[0])))


def _draw(repo: Repository, blocks: Sequence[Block]) -> Image:
    from PIL import Image, ImageDraw

    wide = SIDE * _CELL + (SIDE - 1) * _GAP
    high = _TITLE + SIDE * (_CELL + _CAPTION + _GAP) - _GAP
    width = 2 * _MARGIN + len(blocks) * wide + (len(blocks) - 1) * 2 * _MARGIN
    sheet = Image.new("RGB", (width, high + 2 * _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    title, caption = _font(22), _font(15)
    for at, block in enumerate(blocks):
        left, top = _MARGIN + at * (wide + 2 * _MARGIN), _MARGIN
        draw.text((left, top), block.title, fill=_INK, font=title)
        for place, (image, label) in enumerate(block.images):
            row, column = divmod(place, SIDE)
            x = left + column * (_CELL + _GAP)
            y = top + _TITLE + row * (_CELL + _CAPTION + _GAP)
            draw.rectangle((x, y, x + _CELL - 1, y + _CELL - 1), fill=_PANEL)
            picture = _fitted(repo, image)
            sheet.paste(
                picture, (x + (_CELL - picture.width) // 2, y + (_CELL - picture.height) // 2)
            )
            _write_caption(draw, caption, label, x + _CELL // 2, y + _CELL + 6)
    return sheet


def _fitted(repo: Repository, image: int) -> Image:
    """The picture in a cell: a small one grown by a whole number, so that its pixels stay square
    and alike; a large one scaled down."""
    from PIL import Image

    from storage.pictures import open_picture, to_mode

    try:
        picture = to_mode(open_picture(repo.images.data(image)), 3)
    except RefusedInput as error:
        raise RefusedInput(f"image {image}: {error.message}", hint=error.hint) from error
    longest = max(picture.size)
    if longest > _CELL:
        picture.thumbnail((_CELL, _CELL), Image.Resampling.LANCZOS)
        return picture
    factor = _CELL // longest
    size = (picture.width * factor, picture.height * factor)
    return picture.resize(size, Image.Resampling.NEAREST)


def _write_caption(
    draw: ImageDraw, font: FreeTypeFont, label: str | None, middle: int, top: int
) -> None:
    text = "unlabelled" if label is None else plain(label, 80)
    while len(text) > 1 and font.getlength(text) > _CELL:
        text = text.removesuffix("…")[:-1] + "…"
    draw.text((middle, top), text, fill=_SOFT if label is None else _INK, font=font, anchor="ma")


def _font(size: int) -> FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and knows more letters than Pillow's own font."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
