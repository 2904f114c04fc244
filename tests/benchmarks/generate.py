"""Makes a dataset file of any size for the benchmarks: `generate.py 1000000 million.db`.

Every image is a valid PNG of its own with its true sha256; there are 100 labels, three splits, a
few tags, and predictions of two models (one good, one weak) for every image. The file is as
`pixshelf import` would leave it; only the road there is shorter: plain SQL in id order, with the
indexes that come in no such order built at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sqlite3
import struct
import sys
import time
import zlib
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from storage.opening import open_repository  # noqa: E402 - a script finds the project first
from storage.records import NewModel  # noqa: E402
from storage.sqlite.schema import LARGE, LARGE_INDEXES  # noqa: E402

LABELS = tuple(f"class {number:03}" for number in range(100))
_SPLITS = ("train",) * 8 + ("val", "test")
_BATCH = 20_000
_ROW = (
    "INSERT INTO image (id, sha256, pixel_hash, dhash, label_id, split, width, height, channels, "
    "format, bytes, import_id, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ANSWER = (
    "INSERT INTO prediction (id, model_id, image_id, label_id, confidence, margin, truth_id, "
    "wrong, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def main() -> None:
    """Make one file, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, help="how many images")
    parser.add_argument("path", type=Path, help="the dataset file to make")
    given = parser.parse_args()
    started = time.perf_counter()
    make(given.path, given.count)
    seconds = time.perf_counter() - started
    size = given.path.stat().st_size
    sys.stdout.write(f"{given.count:,} images in {seconds:.1f} s, {size / 1e6:,.0f} MB\n")


def make(path: Path, count: int, *, seed: int = 0) -> None:
    """Make a dataset file of `count` images; equal arguments, equal images. Raises
    FileExistsError."""
    if path.exists():
        raise FileExistsError(f"{path} is already there")
    with open_repository(path, create=True) as repository:
        for name in ("good", "weak"):
            repository.models.add(_model(name))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-524288")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("BEGIN")
        indexes = _drop_indexes(connection)
        _images(connection, count, random.Random(seed))
        for model in (1, 2):
            _predictions(connection, count, model, random.Random(seed + model))
        for statement in (*indexes, *(LARGE_INDEXES if count >= LARGE else ())):
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL").fetchone()
    finally:
        connection.close()


def png(width: int, height: int, pixels: bytes) -> bytes:
    """An 8-bit grey PNG, made without any library."""
    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def _model(name: str) -> NewModel:
    return NewModel(
        name=name,
        labels=LABELS,
        spec={"kind": "none"},
        parameters=1,
        weights=b"weights of " + name.encode(),
        litert=b"litert of " + name.encode(),
        temperature=1.0,
    )


def _drop_indexes(connection: sqlite3.Connection) -> list[str]:
    """Take away the indexes that rows would come to in no order; gives what makes them again."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
        "AND tbl_name IN ('image', 'prediction', 'image_tag')"
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}")
    return [sql for _, sql in rows]


def _images(connection: sqlite3.Connection, count: int, source: random.Random) -> None:
    connection.execute(
        "INSERT INTO import (id, started_at, location, settings) VALUES (1, 0, 'made', '{}')"
    )
    tags = [(name,) for name in ("blurred", "rare")]
    connection.executemany("INSERT INTO tag (name) VALUES (?)", tags)
    labels = dict(connection.execute("SELECT name, id FROM label"))
    ids = [labels[name] for name in LABELS]
    made = _made(count, ids, source)
    while batch := list(islice(made, _BATCH)):
        connection.executemany(_ROW, (row for row, _ in batch))
        connection.executemany(
            "INSERT INTO image_data (image_id, data) VALUES (?, ?)",
            ((row[0], data) for row, data in batch),
        )
    connection.execute("INSERT INTO image_tag SELECT 1, id FROM image WHERE id % 50 = 0")
    connection.execute("INSERT INTO image_tag SELECT 2, id FROM image WHERE id % 5000 = 0")
    connection.execute("INSERT INTO trash SELECT id, 0 FROM image WHERE id % 10000 = 7")


def _made(
    count: int, labels: list[int], source: random.Random
) -> Iterator[tuple[tuple[Any, ...], bytes]]:
    """The rows of `image` with their bytes. One image in a thousand has no label or no split."""
    noise = source.randbytes(65_536)
    below = source.random
    for image in range(1, count + 1):
        width, height = 8 + int(below() * 9), 8 + int(below() * 9)
        start = int(below() * 65_000)
        pixels = image.to_bytes(4, "big") + noise[start : start + width * height - 4]
        data = png(width, height, pixels)
        sha256 = hashlib.sha256(data).digest()
        label = labels[int(below() * 100)] if image % 1000 else None
        split = _SPLITS[sha256[0] % 10] if (image + 1) % 1000 else None
        row = (
            *(image, sha256, sha256[16:], int.from_bytes(sha256[8:16], "big", signed=True)),
            *(label, split, width, height, 1, "png", len(data), 1),
            f"{image // 1000:04}/{image:07}.png",
        )
        yield row, data


def _predictions(
    connection: sqlite3.Connection, count: int, model: int, source: random.Random
) -> None:
    """The good model is wrong for 1 in 50 and mostly sure, the weak one for 3 in 10 and is as
    often at any confidence."""
    below = source.random
    wrongs, power = ((0.02, 8.0), (0.3, 1.0))[model - 1]
    ids = [row[0] for row in connection.execute("SELECT id FROM label WHERE name LIKE 'class %'")]
    probabilities = array("f", [0.01] * len(LABELS)).tobytes()
    first = (model - 1) * count
    truths = iter(connection.execute("SELECT id, label_id FROM image ORDER BY id").fetchall())
    while batch := list(islice(truths, _BATCH)):
        rows = []
        for image, truth in batch:
            answer = truth if truth is not None and below() >= wrongs else ids[int(below() * 100)]
            confidence = 1 - 0.99 * below() ** power
            rows.append(
                (
                    *(first + image, model, image, answer, confidence, confidence * below()),
                    *(truth, None if truth is None else int(answer != truth), 0),
                )
            )
        connection.executemany(_ANSWER, rows)
        connection.executemany(
            "INSERT INTO prediction_probabilities VALUES (?, ?)",
            ((row[0], probabilities) for row in rows),
        )


if __name__ == "__main__":
    main()
