"""Images as a list with a column of small pictures, where standard output is a terminal.

Anywhere else the pictures are left out and the rest is a plain table. A picture that cannot be
decoded leaves its place empty.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.text import in_bytes, in_columns, printable, shorten
from storage.errors import RefusedInput

if TYPE_CHECKING:
    from storage.records import ImageRecord
    from storage.repository import Repository

COLUMNS = 8
ROWS = 4
_GAP = 2
_TITLES = ("id", "label", "split", "size", "bytes", "source")


def listing(
    repo: Repository, image_ids: Sequence[int], marks: Sequence[str] = (), title: str = ""
) -> list[str]:
    """The images in the order given, as lines with a heading; `marks` are the cells of a last
    column under `title`, one an image. Raises NotFound."""
    cells = [_cells(repo.images.get(image_id)) for image_id in image_ids]
    titles = [*_TITLES, title] if marks else [*_TITLES]
    if marks:
        cells = [(*row, mark) for row, mark in zip(cells, marks, strict=True)]
    right = [name in ("id", "size", "bytes") for name in titles]
    heading, *lines = in_columns(titles, cells, right=right)
    if not sys.stdout.isatty():
        return [heading, *lines]
    margin = COLUMNS + _GAP
    room = max(20, shutil.get_terminal_size((80, 24)).columns - margin)
    out = [" " * margin + shorten(heading, room)]
    for image_id, text in zip(image_ids, lines, strict=True):
        drawn = picture(repo, image_id) or [""]
        out.append(_padded(drawn[0], margin) + shorten(text, room))
        out += drawn[1:]
    return out


def beside_each_other(repo: Repository, image_ids: Sequence[int]) -> list[str]:
    """Small pictures in a row, or in several, with their ids below."""
    from tui.plain.halfblocks import side_by_side

    blocks = [(picture(repo, image_id), str(image_id)) for image_id in image_ids]
    return side_by_side(blocks, shutil.get_terminal_size((80, 24)).columns)


def picture(repo: Repository, image_id: int) -> list[str]:
    """An image in at most COLUMNS by ROWS cells; no line at all for one that is no picture.
    Raises NotFound."""
    from cli.pictures import picture_lines

    data = repo.images.thumbnail(image_id) or repo.images.data(image_id)
    try:
        return picture_lines(data, COLUMNS, ROWS)
    except RefusedInput:
        # What is wrong with it is for `db check` and `problems` to say.
        return []


def _cells(image: ImageRecord) -> tuple[str, ...]:
    return (
        str(image.id),
        "-" if image.label is None else printable(image.label),
        image.split or "-",
        f"{image.width}x{image.height}",
        in_bytes(image.bytes),
        printable(image.source),
    )


def _padded(text: str, cells: int) -> str:
    from tui.plain.halfblocks import cell_width

    return text + " " * (cells - cell_width(text))
