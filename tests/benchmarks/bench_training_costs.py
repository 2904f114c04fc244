"""What a training's parts cost: its steps against Keras' own loop, decoding, and checkpoints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

from tests.benchmarks.measuring import ROOT, Aim, Book, measured, program
from tests.benchmarks.profile_training import SAVES
from tests.benchmarks.references import fit_speeds, said
from tests.benchmarks.training_data import Given, Source, digits_28, imported, objects_32, photos
from tests.benchmarks.trainings import speeds, train

AIMS = (
    Aim("throughput", "ratio", "at least", 0.9),
    Aim("decode-mnist", "ratio", "at most", 1.1),
    Aim("decode-cifar", "ratio", "at most", 1.1),
    Aim("decode-photos", "ratio", "at most", 1.1),
    Aim("checkpoints", "share", "at most", 0.03),
)
TURNS, EPOCHS = 2, 3

ARRAYS = """
import json, sys
import numpy as np
from ml.plan import plan_training
from ml.settings import TrainSettings
from storage.opening import open_repository

data = np.load(sys.argv[2])
with open_repository(sys.argv[1]) as repo:
    plan = plan_training(repo, TrainSettings())
np.savez(
    sys.argv[3],
    images=data["x_train"],
    targets=data["y_train"].astype(np.int32),
    spec=json.dumps(plan.architecture.to_json()),
)
print(json.dumps(plan.recipe.batch))
"""
"""The arrays and the network that pixshelf would train, for Keras' loop; prints the batch."""

DECODE = """
import io, json, sys, time
import numpy as np
from PIL import Image
from ml.pixels import available_cpus, decode_many
from ml.plan import plan_training
from ml.settings import TrainSettings
from storage.opening import open_repository

with open_repository(sys.argv[1]) as repo:
    plan = plan_training(repo, TrainSettings())
    ids = [int(image) for image in plan.train.ids]
    files = [data for _, data in repo.images.iter_data(ids)]
    goal, mode = (plan.input.width, plan.input.height), "L" if plan.input.channels == 1 else "RGB"
    def bare():
        out = np.empty((len(files), *plan.input.shape), np.uint8)
        for at, data in enumerate(files):
            picture = Image.open(io.BytesIO(data)).convert(mode)
            if picture.size != goal:
                picture = picture.resize(goal, Image.Resampling.BILINEAR)
            out[at] = np.asarray(picture).reshape(plan.input.shape)
    def ours():
        decode_many(repo.images.iter_data(ids), len(ids), plan.input)
    times = {"bare": [], "ours": []}
    for turn in range(3):
        for name, work in (("bare", bare), ("ours", ours)):
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
print(json.dumps({"cores": available_cpus(), "images": len(ids), **times}))
"""
"""The training images from the dataset file into one array, and Pillow in a loop over their bytes
in memory, in one process, taking turns."""


def throughput(given: Given, scratch: Path, book: Book) -> None:
    """Images a second of the steps, without and with augmentation, against `model.fit` of the same
    network with AdamW, the faster of with and without XLA; whole processes, taking turns."""
    source = digits_28(given, scratch)
    dataset, arrays = _dataset("mnist", source, scratch), scratch / "loop.npz"
    batch = int(said(measured(program(ARRAYS, dataset, source.arrays, arrays), scratch)))
    seen: dict[str, list[float]] = {}
    # Once is enough for XLA, which is several times slower on processors.
    seen["keras, XLA"] = fit_speeds(arrays, scratch, batch=batch, epochs=2, xla=True)
    for _ in range(TURNS):
        found = fit_speeds(arrays, scratch, batch=batch, epochs=EPOCHS, xla=False)
        seen.setdefault("keras", []).extend(found)
        for augment in ("none", "light"):
            trained = train(dataset, scratch, "--augment", augment, "--epochs", EPOCHS)
            seen.setdefault(f"augment {augment}", []).extend(speeds(trained.events))
    speed = {name: median(found) for name, found in seen.items()}
    for name in ("keras", "keras, XLA"):
        book.add("throughput", name, 0, speed=speed[name])
    peer = max(speed["keras"], speed["keras, XLA"])
    book.add(
        "throughput",
        "pixshelf",
        0,
        speed=speed["augment none"],
        ratio=speed["augment none"] / peer,
    )
    light = speed["augment light"]
    book.add("throughput", "light", 0, speed=light, ratio=light / peer)


def decoding(given: Given, scratch: Path, book: Book) -> None:
    """Each kind of picture that is given: ours against the bare loop over the cores."""
    if given.mnist is not None:
        _decode("mnist", digits_28(given, scratch), scratch, book)
    if given.cifar is not None:
        _decode("cifar", objects_32(given, scratch), scratch, book)
    if given.photos is not None:
        _decode("photos", photos(given, scratch, 0), scratch, book)


def checkpoints(given: Given, scratch: Path, book: Book) -> None:
    """The share of the training's time that is spent in making and storing checkpoints, those at
    the end of an epoch included, as the profile of a training finds it."""
    dataset = _dataset("mnist", digits_28(given, scratch), scratch)
    script = ROOT / "tests/benchmarks/profile_training.py"
    command = [sys.executable, str(script), str(dataset), "--epochs", "2", "--json"]
    ran = measured(command, scratch)
    found = json.loads(ran.output)
    spent = sum(found["seconds"][name] for name in SAVES)
    book.add("checkpoints", "pixshelf", 0, seconds=spent, share=spent / found["training"])


def _decode(name: str, source: Source, scratch: Path, book: Book) -> None:
    dataset = scratch / f"{name}{'0' if name == 'photos' else ''}.db"
    imported(source, dataset, scratch)
    found = said(measured(program(DECODE, dataset), scratch))
    bare, ours = median(found["bare"]), median(found["ours"])
    count = found["images"]
    book.add(f"decode-{name}", "bare loop", 0, seconds=bare, speed=count / bare)
    book.add(
        f"decode-{name}",
        "pixshelf",
        0,
        seconds=ours,
        speed=count / ours,
        ratio=ours / (bare / found["cores"]),
    )


def _dataset(name: str, source: Source, scratch: Path) -> Path:
    dataset = scratch / f"{name}.db"
    imported(source, dataset, scratch)
    return dataset
