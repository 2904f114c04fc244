"""A dataset for pictures of the app: digits, two models and their answers, runs, and a history.

Nothing of it depends on the machine: the clock stands where it is put, and the files of the images
are written without compression, whose bytes differ between versions of zlib.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.pixels import InputSpec
from ml.predicting import load_predictor, predict_stored
from storage.opening import open_repository
from storage.pictures import describe
from storage.records import Checkpoint, EpochMetrics, NewImage, NewModel, NewRun, Split
from storage.repository import Repository
from tests.ml_fixtures import DIGITS, digits, digits_model, digits_weights, linear_litert

NAME = "digits.db"
FOLDER = "scans"
"""What there is to import and to classify, in the folder of the dataset."""

BEGINNING = 1_772_355_600
"""1 March 2026, 9:00 UTC."""

IMAGES = 170
_TEST, _TRAIN, _VAL = 80, 56, 18
_ACTOR = "tui:you"


class Clock:
    """A clock that stands still, to be put in the place of `time.time`."""

    def __init__(self) -> None:
        self.now = float(BEGINNING)

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Put it forward."""
        self.now += seconds


def plain_png(pixels: NDArray[np.uint8]) -> bytes:
    """A grey picture, uint8 [H, W], as a PNG that is not compressed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    block = b"\x01" + struct.pack("<HH", len(rows), 0xFFFF ^ len(rows)) + rows
    stream = b"\x78\x01" + block + struct.pack(">I", zlib.adler32(rows))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


def make(folder: Path, clock: Clock) -> None:
    """Put the dataset NAME and the pictures in FOLDER into a folder. `clock` is what `time.time`
    asks meanwhile."""
    with open_repository(folder / NAME, create=True) as repo:
        ids = _store(repo)
        clock.pass_by(600)
        _train(repo, clock)
        for name in ("quick-0", "standard-0"):
            for _ in predict_stored(repo, load_predictor(repo, name), ids[:_TEST], save=True):
                pass
        _edit(repo, ids, clock)
    images, targets = digits()
    for at in (*range(1200, 1206), 1214):
        path = folder / FOLDER / str(targets[at]) / f"page-{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain_png(images[at]))
    (folder / FOLDER / "[notes].txt").write_text("no picture")


def _store(repo: Repository) -> list[int]:
    """The images: those of test first, the last without label and split."""
    images, targets = digits()
    parts: list[Split | None] = ["test"] * _TEST + ["train"] * _TRAIN + ["val"] * _VAL
    parts += [None] * (IMAGES - len(parts))
    news = []
    for at, split in enumerate(parts):
        data = plain_png(images[1300 + at])
        facts = describe(data)
        label = str(targets[1300 + at]) if split else None
        news.append(
            NewImage(
                data=data,
                sha256=hashlib.sha256(data).digest(),
                source=f"digits/{1300 + at}.png",
                label=label,
                split=split,
                **{name: getattr(facts, name) for name in facts.__slots__},
            )
        )
    import_id = repo.images.begin_import("digits", {})
    return [added.id for added in repo.images.add(news, import_id=import_id)]


def _train(repo: Repository, clock: Clock) -> None:
    """Three runs: one that gave a model that says 1 too often, one that gave a good model, and
    one that was stopped."""
    good = digits_model("standard-0")
    weights, bias = digits_weights()
    skewed = bias.copy()
    skewed[1] += 6
    litert = linear_litert(weights, skewed, InputSpec(8, 8, 1))
    _run(repo, clock, "quick-0", epochs=3, of=3, model=replace(good, name="quick-0", litert=litert))
    _run(repo, clock, "standard-0", epochs=8, of=8, model=good)
    _run(repo, clock, "thorough-0", epochs=4, of=20, model=None)


def _run(
    repo: Repository, clock: Clock, name: str, *, epochs: int, of: int, model: NewModel | None
) -> None:
    settings = {"chosen": {"preset": name.partition("-")[0]}}
    new = NewRun(name, 0, settings, DIGITS, b"\0" * 32, {"pixshelf": "0.1.0"}, of, of * 7, None)
    run = repo.runs.create(new)
    share = 0.0
    for epoch in range(1, epochs + 1):
        clock.pass_by(4)
        share = 0.95 - 0.6 / (epoch + 1)
        loss = 1.4 / epoch
        metrics = EpochMetrics(
            *(epoch, epoch * 7, epoch * 4.0, 0.01, loss, share - 0.02, loss + 0.1, share)
        )
        last = Checkpoint(epoch, epoch * 7, b"weights", b"optimizer")
        repo.runs.record_epoch(run, metrics, last=last, best=last)
    if model is not None:
        made = replace(model, run=run, val_accuracy=share, val_loss=1.4 / epochs + 0.1)
        repo.models.add(made)
    repo.runs.finish(run, "stopped" if model is None else "done")
    clock.pass_by(900)


def _edit(repo: Repository, ids: list[int], clock: Clock) -> None:
    """What a person did in the app: tags, three labels that are wrong, images put away."""
    repo.images.add_tag([ids[1], ids[5], ids[8]], "smudged", actor=_ACTOR)
    clock.pass_by(60)
    repo.images.add_tag([ids[3]], "check again", actor=_ACTOR)
    for at, label in ((2, "8"), (9, "7"), (30, "1")):
        clock.pass_by(75)
        repo.images.set_label([ids[at]], label, actor=_ACTOR)
    clock.pass_by(3600)
    repo.images.set_split(dict.fromkeys(ids[-16:-12], "val"), actor=_ACTOR, summary="move to val")
    clock.pass_by(30)
    repo.images.delete(ids[-2:], actor=_ACTOR)
    clock.pass_by(20)
    repo.images.set_label(ids[-16:-12], "3", actor=_ACTOR)
    repo.history.undo()
    clock.pass_by(86_400)
