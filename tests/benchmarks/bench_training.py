"""Training on MNIST's 60,000 digits against keras-io's mnist_convnet, and on 1,797 small ones.

    python -m tests.benchmarks.bench_training --mnist DIR [--skip-reference] [--seeds N]

DIR holds MNIST's four IDX files, gzipped or not. Both sides are timed as whole processes, start-up
included, one after the other in one run; the ratio is what counts. The digits are scikit-learn's.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from ml.child import environment
from ml.convert import run_litert
from ml.events import Done
from ml.settings import TrainSettings
from ml.training import train
from storage.opening import open_repository
from storage.pictures import describe, encode_png
from storage.records import NewImage, Split
from storage.repository import Repository
from storage.splitting import assign_split

REFERENCE = """
import os, sys
import numpy as np
import keras
from keras import layers

data = np.load(sys.argv[1])
x_train = np.expand_dims(data["x_train"].astype("float32") / 255, -1)
x_test = np.expand_dims(data["x_test"].astype("float32") / 255, -1)
y_train = keras.utils.to_categorical(data["y_train"], 10)
y_test = keras.utils.to_categorical(data["y_test"], 10)
model = keras.Sequential([
    keras.Input(shape=(28, 28, 1)),
    layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
    layers.MaxPooling2D(pool_size=(2, 2)),
    layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
    layers.MaxPooling2D(pool_size=(2, 2)),
    layers.Flatten(),
    layers.Dropout(0.5),
    layers.Dense(10, activation="softmax"),
])
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=15, validation_split=0.1, verbose=2)
print("accuracy", model.evaluate(x_test, y_test, verbose=0)[1])
"""
"""keras-io's examples/vision/mnist_convnet, reading its arrays from a file."""

TARGET_RATIO, TARGET_MNIST, TARGET_DIGITS, TARGET_SECONDS = 0.45, 0.993, 0.98, 30.0

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def main() -> int:
    """Run both parts; the exit status is 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="the folder with MNIST's four IDX files")
    parser.add_argument("--skip-reference", action="store_true", help="leave the 150 s out")
    parser.add_argument("--skip-digits", action="store_true")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the training on MNIST")
    parser.add_argument("--seeds", type=int, default=5, help="trainings on the small digits")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = chosen.skip_digits or digits(folder, chosen.seeds)
        if chosen.mnist is not None:
            good = mnist(folder, chosen.mnist, chosen.seed, chosen.skip_reference) and good
    return 0 if good else 1


def mnist(folder: Path, source: Path, seed: int, skip_reference: bool) -> bool:
    """Three epochs of the standard preset against the reference's fifteen."""
    learn, check = idx(source, "train"), idx(source, "t10k")
    with open_repository(folder / "mnist.db", create=True) as repository:
        store(repository, *learn, "train")
        store(repository, *check, "test")
        began = time.perf_counter()
        done = train(repository.url, TrainSettings(epochs=3, seed=seed), log=folder / "log.txt")
        ours = time.perf_counter() - began
        accuracy = tested(repository, done, check)
    say(f"mnist   pixshelf   {ours:6.1f} s  test accuracy {accuracy:.4f}")
    say(f"        of that in training {done.train_seconds:.1f} s, {done.steps} steps")
    if skip_reference:
        return accuracy >= TARGET_MNIST
    np.savez(
        folder / "mnist.npz", x_train=learn[0], y_train=learn[1], x_test=check[0], y_test=check[1]
    )
    began = time.perf_counter()
    said = subprocess.run(
        [sys.executable, "-c", REFERENCE, str(folder / "mnist.npz")],
        check=True,
        capture_output=True,
        text=True,
        env=environment(),
    )
    theirs = time.perf_counter() - began
    say(f"        reference  {theirs:6.1f} s  test {said.stdout.splitlines()[-1]}")
    say(f"        ratio {ours / theirs:.3f} (target: at most {TARGET_RATIO})")
    return accuracy >= TARGET_MNIST and ours <= TARGET_RATIO * theirs


def digits(folder: Path, seeds: int) -> bool:
    """Each preset that the demonstration may use, over several seeds of split and training."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    images = np.round(loaded.images * 255 / 16).astype(np.uint8)
    good = True
    for preset in ("quick", "standard"):
        for seed in range(seeds):
            with open_repository(folder / f"{preset}{seed}.db", create=True) as repository:
                kept = store(repository, images, loaded.target, seed)
                settings = TrainSettings.from_json({"preset": preset, "seed": seed})
                began = time.perf_counter()
                done = train(repository.url, settings, log=folder / "log.txt")
                seconds = time.perf_counter() - began
                accuracy = tested(repository, done, kept)
            good = good and accuracy >= TARGET_DIGITS and seconds <= TARGET_SECONDS
            say(
                f"digits  {preset:9} seed {seed}  {seconds:5.1f} s  test accuracy {accuracy:.4f} "
                f"of {len(kept[0])}"
            )
    return good


def say(line: str) -> None:
    """A line of the result, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tested(repository: Repository, done: Done, check: Arrays) -> float:
    """The accuracy of the stored LiteRT model."""
    if done.model is None:
        raise SystemExit("the training gave no model")
    litert = repository.models.litert(done.model)
    labels = np.array(repository.models.get(done.model).labels).astype(int)
    right = 0
    for start in range(0, len(check[0]), 1_000):
        images = check[0][start : start + 1_000, :, :, None]
        said = labels[run_litert(litert, images, None).argmax(axis=1)]
        right += int((said == check[1][start : start + 1_000]).sum())
    return right / len(check[0])


def store(repository: Repository, images: Any, targets: Any, split: Split | int) -> Arrays:
    """Store arrays as PNG, all in one split or divided by a seed; gives the test images."""
    imported = repository.images.begin_import("arrays", {})
    test: list[int] = []

    def made() -> Iterator[NewImage]:
        import hashlib

        for at, (image, target) in enumerate(zip(images, targets, strict=True)):
            data = encode_png(image)
            facts = describe(data)
            side = split
            if isinstance(side, int):
                side = assign_split(facts.pixel_hash, side)
                if side == "test":
                    test.append(at)
            yield NewImage(
                data=data,
                sha256=hashlib.sha256(data).digest(),
                source=f"#{at}",
                label=str(target),
                split=side,
                **{name: getattr(facts, name) for name in facts.__slots__},
            )

    batch = list(made())
    for start in range(0, len(batch), 1_000):
        repository.images.add(batch[start : start + 1_000], import_id=imported)
    return images[test], np.asarray(targets)[test]


def idx(folder: Path, part: str) -> Arrays:
    """MNIST's images [N, 28, 28] and labels [N] of one part."""

    def raw(kind: str) -> bytes:
        for path in sorted(folder.glob(f"{part}-{kind}*")):
            data = path.read_bytes()
            return gzip.decompress(data) if path.suffix == ".gz" else data
        raise SystemExit(f"{folder}: no {part}-{kind} file")

    images = np.frombuffer(raw("images-idx3-ubyte"), np.uint8, offset=16)
    labels = np.frombuffer(raw("labels-idx1-ubyte"), np.uint8, offset=8)
    return images.reshape(-1, 28, 28), labels


if __name__ == "__main__":
    sys.exit(main())
