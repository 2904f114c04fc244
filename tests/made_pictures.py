"""Small pictures, made for the tests of importing and exporting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from storage.importing.sources import Entry, Refusal, Source
from storage.opening import open_repository
from storage.repository import Repository


def picture(seed: int = 0, width: int = 12, height: int = 10, kind: str = "PNG") -> bytes:
    """A file of noise: another seed, another picture."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


def lay(root: Path, files: dict[str, bytes | int]) -> Path:
    """Write files under a folder; a number stands for the picture of that seed."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(content) if isinstance(content, int) else content)
    return root


def places(source: Source) -> dict[str, tuple[str | None, str | None]]:
    """Label and split by source, of the entries that are not refused."""
    return {
        entry.source: (entry.label, entry.split)
        for entry in source.entries()
        if isinstance(entry, Entry)
    }


def refusals(source: Source) -> dict[str, str]:
    """Reason by source."""
    return {entry.source: entry.reason for entry in source.entries() if isinstance(entry, Refusal)}


@contextmanager
def dataset(folder: Path) -> Iterator[Repository]:
    """An empty dataset in the folder."""
    with open_repository(folder / "made.db", create=True) as repo:
        yield repo
