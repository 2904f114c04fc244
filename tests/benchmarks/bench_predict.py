"""What prediction costs, against Keras and against Pillow, in one run. Run by hand.

- `pixshelf predict one.png`, started cold, against a script that imports Keras, loads the same
  network's .keras file and predicts the same picture: at most 0.15 of its time, under 200 MB.
- 10,000 stored images, read and decoded, against Keras' `predict` in batches of 512 on an array
  that is already in memory: at most 1.0.
- Decoding alone against a bare Pillow loop: at most 1.1 / processors.

What is compared takes turns, so that a busy moment falls on all of it; medians are compared.
Without --idx the pictures are scikit-learn's digits, enlarged and disturbed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SIZE = 28
BATCH = 2_000

MAKE = """
import sys
from pathlib import Path
from ml.convert import to_litert
from ml.network import build_classifier, build_network, take_weights
from ml.pixels import InputSpec
from ml.spec import design

spec = design(InputSpec(28, 28, 1), classes=10, width=32)
model = build_classifier(spec, take_weights(build_network(spec)), 1.0)
model.save(sys.argv[1])
Path(sys.argv[2]).write_bytes(to_litert(model))
"""

KERAS_ONE = """
import sys
import keras, numpy as np
from PIL import Image

model = keras.saving.load_model(sys.argv[1])
pixels = np.asarray(Image.open(sys.argv[2]))[None, :, :, None]
print(model(pixels).numpy().argmax())
"""

KERAS_MANY = """
import sys, time
import keras, numpy as np

model = keras.saving.load_model(sys.argv[1])
pixels = np.load(sys.argv[2])
model.predict(pixels[:512], batch_size=512, verbose=0)
for _ in sys.stdin:
    started = time.perf_counter()
    model.predict(pixels, batch_size=512, verbose=0)
    print(time.perf_counter() - started, flush=True)
"""

PIXSHELF_MANY = """
import sys, time
from ml.predicting import load_predictor, predict_stored
from storage.opening import open_repository
from storage.query import parse

with open_repository(sys.argv[1]) as repo:
    predictor = load_predictor(repo)
    for line in sys.stdin:
        started = time.perf_counter()
        chunks = predict_stored(repo, predictor, repo.images.ids(parse("")), save=line == "save\\n")
        count = sum(len(ids) for ids, _ in chunks)
        print(time.perf_counter() - started, flush=True)
        assert count == int(sys.argv[2])
"""


@dataclass(frozen=True)
class Made:
    """The files that everything is measured on."""

    dataset: Path
    keras: Path
    array: Path
    picture: Path
    files: list[bytes]


def pictures(idx: Path | None, count: int) -> NDArray[np.uint8]:
    """uint8 [count, 28, 28], no two alike."""
    import numpy as np

    if idx is not None:
        raw = gzip.decompress(idx.read_bytes())
        return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, SIZE, SIZE)[:count].copy()
    from sklearn.datasets import load_digits

    dice = np.random.default_rng(0)
    small = (load_digits().images * 15.9375).astype(np.uint8)
    large = np.pad(small.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    made = large[dice.integers(0, len(large), count)]
    strokes = made > 100
    made[strokes] -= dice.integers(0, 90, int(strokes.sum()), dtype=np.uint8)
    return made


def make(folder: Path, idx: Path | None, count: int) -> Made:
    """Write the dataset with a model, the same network for Keras, and the pictures as an array."""
    import numpy as np

    from ml.pixels import InputSpec
    from storage.opening import open_repository
    from storage.pictures import describe, encode_png
    from storage.records import NewImage, NewModel

    array = pictures(idx, count)
    files = [encode_png(each) for each in array]
    made = Made(folder / "d.db", folder / "m.keras", folder / "a.npy", folder / "one.png", files)
    np.save(made.array, array[..., None])
    made.picture.write_bytes(files[0])
    litert = folder / "m.tflite"
    subprocess.run(
        [sys.executable, "-c", MAKE, str(made.keras), str(litert)],
        check=True,
        cwd=ROOT,
        capture_output=True,
    )
    facts = describe(files[0])
    with open_repository(made.dataset, create=True) as repo:
        import_id = repo.images.begin_import("benchmark", {})
        for start in range(0, count, BATCH):
            batch = [
                NewImage(
                    data=data,
                    sha256=(digest := hashlib.sha256(data).digest()),
                    pixel_hash=digest[:16],
                    dhash=0,
                    width=facts.width,
                    height=facts.height,
                    channels=facts.channels,
                    format=facts.format,
                    source="made.png",
                )
                for data in files[start : start + BATCH]
            ]
            repo.images.add(batch, import_id=import_id)
        repo.models.add(
            NewModel(
                name="benchmark",
                labels=tuple("0123456789"),
                spec={"input": InputSpec(SIZE, SIZE, 1).to_json()},
                parameters=243_114,
                weights=b"none",
                litert=litert.read_bytes(),
                temperature=1.0,
            )
        )
    return made


def once(command: list[str]) -> tuple[float, float]:
    """Seconds from start to exit, and the peak memory in MB. Raises if the command fails."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stderr is not None
        said = child.stderr.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if child.returncode:
        raise RuntimeError(said)
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return seconds, kilobytes / 1024


def served(program: str, *words: str) -> subprocess.Popen[str]:
    """A program that measures itself once for every line that it is sent."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ask(child: subprocess.Popen[str], line: str) -> float:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{line}\n")
    child.stdin.flush()
    return float(child.stdout.readline())


def report(what: str, ours: list[float], theirs: list[float], target: float | None) -> None:
    mine, yours = statistics.median(ours), statistics.median(theirs)
    verdict = ""
    if target is not None:
        verdict = "  met" if mine <= target * yours else "  MISSED"
        verdict += f", target {target:.2f}"
    sys.stdout.write(
        f"{what:34} {mine:7.3f} s against {yours:7.3f} s  {mine / yours:5.2f} x"
        f" (best runs {min(ours) / min(theirs):.2f} x){verdict}\n"
    )


def cold(made: Made, runs: int) -> None:
    """One picture, from nothing."""
    ours = [sys.executable, "-m", "cli", "--db", str(made.dataset), "predict", str(made.picture)]
    theirs = [sys.executable, "-c", KERAS_ONE, str(made.keras), str(made.picture)]
    for command in (ours, theirs):
        once(command)
    pairs = [(once(ours), once(theirs)) for _ in range(runs)]
    report("predict one.png, cold", [a[0] for a, _ in pairs], [b[0] for _, b in pairs], 0.15)
    peak, other = max(a[1] for a, _ in pairs), max(b[1] for _, b in pairs)
    verdict = "met" if peak < 200 else "MISSED"
    sys.stdout.write(
        f"{'  peak memory':34} {peak:7.0f} MB against {other:5.0f} MB  {verdict}, target 200 MB\n"
    )


def many(made: Made, runs: int, count: int) -> None:
    """Every stored image, in processes that are warm."""
    with (
        served(PIXSHELF_MANY, str(made.dataset), str(count)) as ours,
        served(KERAS_MANY, str(made.keras), str(made.array)) as theirs,
    ):
        rows = [(ask(ours, "read"), ask(ours, "save"), ask(theirs, "go")) for _ in range(runs + 1)][
            1:
        ]
        for child in (ours, theirs):
            assert child.stdin is not None
            child.stdin.close()
    reading, saving, keras = (list(column) for column in zip(*rows, strict=True))
    report(f"predict {count:,} stored images", reading, keras, 1.0)
    report("  and store the predictions", saving, keras, None)


def decoding(made: Made, runs: int) -> None:
    """The dataset's files into one array."""
    import numpy as np
    from PIL import Image

    from ml.pixels import InputSpec, available_cpus, decode_many

    def bare() -> Any:
        out = np.empty((len(made.files), SIZE, SIZE), np.uint8)
        for at, data in enumerate(made.files):
            out[at] = np.asarray(Image.open(io.BytesIO(data)))
        return out

    def ours() -> Any:
        return decode_many(enumerate(made.files), len(made.files), InputSpec(SIZE, SIZE, 1))

    assert (ours()[..., 0] == bare()).all()
    pairs = [(timed(ours), timed(bare)) for _ in range(runs)]
    target = 1.1 / available_cpus()
    report(f"decode {len(made.files):,} files", *map(list, zip(*pairs, strict=True)), target)


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print one line for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idx", type=Path, help="pictures of 28x28 in a gzipped IDX file")
    parser.add_argument("--count", type=int, default=10_000, help="how many pictures")
    parser.add_argument("--runs", type=int, default=5, help="runs of each comparison")
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder), given.idx, given.count)
        cold(made, given.runs)
        many(made, given.runs, len(made.files))
        decoding(made, given.runs)


if __name__ == "__main__":
    main()
