"""Where the time of a training goes, as a table.

    python -m tests.benchmarks.profile_training DATASET [--minutes N | --epochs N | --steps N]

The training's own process runs with its calls timed; what one of them spends within another is
counted there alone. What TensorFlow does within a step comes from its own profiler, over some
steps, as shares of the time of all operations. The dataset gets a run and a model more. --json
prints the figures, for bench_training.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.measuring import say

TRACED = range(10, 30)
"""The steps that TensorFlow's profiler looks at: of the first epoch, where it has so many."""

IMPORT, FIRST, STEPS = "waiting for TensorFlow", "first step (building)", "steps"
SAVES = ("making checkpoints", "storing checkpoints")

CALLS = (
    ("planning", "ml.plan", "plan_training"),
    ("decoding", "ml.pixels", "decode_many"),
    ("making the networks", "ml.trainer", "Trainer.__init__"),
    ("validation", "ml.trainer", "Trainer.logits"),
    (SAVES[0], "ml.trainer", "Trainer.checkpoint"),
    (SAVES[0], "ml.keeping", "pack_best"),
    (SAVES[1], "storage.sqlite.runs", "SqliteRuns.record_epoch"),
    (SAVES[1], "storage.sqlite.runs", "SqliteRuns.save_checkpoint"),
    (SAVES[1], "ml.keeping", "Keeper.join"),
    ("calibration", "ml.calibration", "fit_temperature"),
    ("building the classifier", "ml.network", "build_classifier"),
    ("conversion to LiteRT", "ml.convert", "to_litert"),
    ("running LiteRT to compare", "ml.convert", "run_litert"),
    ("storing the model", "storage.sqlite.models", "SqliteModels.add"),
)
"""What is timed, and under which name."""

ROWS = ("starting Python", *dict.fromkeys(name for name, _, _ in CALLS[:3]), IMPORT, FIRST, STEPS)
ROWS += (*dict.fromkeys(name for name, _, _ in CALLS[3:]), "everything else")

KINDS = (
    ("normalisation", ("_norm",)),
    ("convolutions, backward", ("Conv2DBackprop",)),
    ("convolutions, forward", ("Conv2D",)),
    ("pooling", ("pool",)),
    ("activations", ("relu",)),
    ("last layer and loss", ("head", "softmax", "Softmax", "one_hot")),
    ("optimizer", ("ResourceApply",)),
    ("moving the averages", ("AssignSub",)),
    ("augmentation", ("ImageProjective", "stateless", "Stateless", "Round")),
)
"""Which operations make up which row, by a part of their names; the first that fits decides."""


class Clock:
    """Seconds by name, of the thread that made it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.steps: list[float] = []
        self.traced = 0.0
        self._thread = threading.current_thread()
        self._inside: list[float] = []

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its time counted less what is counted within it."""

        @functools.wraps(work)
        def run(*positional: Any, **named: Any) -> Any:
            if threading.current_thread() is not self._thread:
                return work(*positional, **named)
            began = time.perf_counter()
            self._inside.append(0.0)
            try:
                return work(*positional, **named)
            finally:
                whole = time.perf_counter() - began
                self.seconds[name] += whole - self._inside.pop()
                if self._inside:
                    self._inside[-1] += whole

        return run

    def stepping(self, run_epoch: Callable[..., Any], folder: Path) -> Callable[..., Any]:
        """Trainer.run_epoch, each of its steps timed without what is done after it."""

        @functools.wraps(run_epoch)
        def run(trainer: Any, images: Any, targets: Any, epoch: int, on_step: Any) -> Any:
            last = time.perf_counter()

            def after(progress: Any) -> Any:
                nonlocal last
                self._step(time.perf_counter() - last, folder)
                answer = on_step(progress)
                last = time.perf_counter()
                return answer

            return run_epoch(trainer, images, targets, epoch, after)

        return run

    def _step(self, seconds: float, folder: Path) -> None:
        from tensorflow import profiler

        self.seconds[STEPS if self.steps else FIRST] += seconds
        self.steps.append(seconds)
        if len(self.steps) == TRACED.start:
            profiler.experimental.start(str(folder))
        elif len(self.steps) == TRACED.stop:
            profiler.experimental.stop()
            self.traced = sum(self.steps[TRACED.start :])


def worker(folder: Path, descriptor: str) -> int:
    """Be the training's process, timed; leaves what was found in `folder`."""
    import importlib

    import ml.worker
    from ml.events import Event, Phase

    clock = Clock()
    for name, module, path in CALLS:
        _replace(importlib.import_module(module), path, functools.partial(clock.timed, name))
    trainer = importlib.import_module("ml.trainer")
    _replace(trainer, "Trainer.run_epoch", functools.partial(clock.stepping, folder=folder))
    phases: list[tuple[str, float]] = []
    tell = ml.worker.EventPipe.tell

    def heard(pipe: ml.worker.EventPipe, event: Event) -> None:
        if isinstance(event, Phase):
            phases.append((event.name, time.perf_counter()))
        tell(pipe, event)

    _replace(ml.worker, "EventPipe.tell", lambda _: heard)
    began = time.perf_counter()
    status = ml.worker.main([descriptor])
    lasted = _lasting(phases, time.perf_counter())
    known = clock.seconds["decoding"] + clock.seconds["making the networks"]
    clock.seconds[IMPORT] = lasted["decoding"] - known
    found = {
        "seconds": clock.seconds,
        "training": lasted["training"],
        "main": time.perf_counter() - began,
        "step": median(clock.steps),
        "operations": operations(folder, clock.traced) if clock.traced else {},
    }
    (folder / "found.json").write_text(json.dumps(found))
    return status


def operations(folder: Path, seconds: float) -> dict[str, float]:
    """What the profiler saw in steps of so many `seconds` altogether, as shares of that."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(next(folder.rglob("*.xplane.pb")).read_bytes())
    plane = next(plane for plane in space.planes if plane.name == "/host:CPU")
    spent: dict[str, float] = defaultdict(float)
    for line in plane.lines:
        for event in line.events:
            name = plane.event_metadata[event.metadata_id].name
            spent[name] += event.duration_ps / 1e12
    # Of the graphs that were run, the step's took the longest.
    inside = max(took for name, took in spent.items() if "Execute: __inference" in name) / seconds
    # An operation is 'place:Kind'; other entries are TensorFlow's own goings-on.
    work = {name: took for name, took in spent.items() if re.fullmatch(r"[^:]+:\w+", name)}
    shares: dict[str, float] = defaultdict(float)
    for name, took in work.items():
        shares[_kind(name)] += inside * took / sum(work.values())
    shares["gathering the batch, Python"] = 1 - inside
    return shares


def profile(dataset: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Train on the dataset; gives the seconds of ROWS, the whole and the training's, a step's
    median, the operations' shares, and what the training gave."""
    from ml.events import Done
    from ml.settings import TrainSettings
    from ml.training import start_child
    from storage.opening import open_repository

    with open_repository(dataset) as repo:
        url = repo.url
    with TemporaryDirectory() as name:
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", name]
        log = Path(name) / "log.txt"
        with start_child(command, url, TrainSettings.from_json(settings), log) as training:
            done = [event for event in training.events() if isinstance(event, Done)][-1]
            # It is through with training, and writes down what it found.
            while training.running:
                time.sleep(0.05)
        found: dict[str, Any] = json.loads((Path(name) / "found.json").read_text())
    seconds = defaultdict(float, found["seconds"])
    seconds["starting Python"] = max(0.0, done.seconds - found.pop("main"))
    seconds["everything else"] = max(0.0, done.seconds - sum(seconds.values()))
    found["seconds"] = {row: seconds[row] for row in ROWS}
    return {**found, "whole": done.seconds, "done": done.to_json()}


def main() -> int:
    """Train as asked, and print the table."""
    if sys.argv[1:2] == ["--worker"]:
        return worker(Path(sys.argv[2]), sys.argv[3])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    for name, kind in {"preset": str, "augment": str, "epochs": int, "steps": int}.items():
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args())
    dataset, as_json = given.pop("dataset"), given.pop("json")
    found = profile(dataset, {name: value for name, value in given.items() if value is not None})
    if as_json:
        say(json.dumps(found))
        return 0
    whole, done = found["whole"], found["done"]
    say(f"{done['steps']} steps, {found['step'] * 1000:.1f} ms each, {done['epochs']} epochs\n")
    say(f"| {'part':27} | {'seconds':>9} | {'share':>7} |\n| --- | --- | --- |")
    for row, seconds in found["seconds"].items():
        say(f"| {row:27} | {seconds:7.2f} s | {seconds / whole:7.1%} |")
    say(f"| {'the whole process':27} | {whole:7.2f} s |         |\n")
    say(f"| {'of a step':27} | {'share':>7} |\n| --- | --- |")
    for row, share in sorted(found["operations"].items(), key=lambda item: -item[1]):
        say(f"| {row:27} | {share:7.1%} |")
    return 0


def _replace(module: Any, path: str, change: Callable[[Any], Any]) -> None:
    """Put a changed function or method in its place, wherever the package knows it by name."""
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, module)
    old = getattr(owner, name)
    new = change(old)
    setattr(owner, name, new)
    for other in [known for key, known in sys.modules.items() if key.startswith("ml.")]:
        for key in [key for key, value in vars(other).items() if value is old]:
            setattr(other, key, new)


def _lasting(phases: list[tuple[str, float]], end: float) -> dict[str, float]:
    """How long each phase was, from the moments at which they were told."""
    lasted: dict[str, float] = defaultdict(float)
    for (name, at), (_, until) in zip(phases, [*phases[1:], ("end", end)], strict=True):
        lasted[name] += until - at
    return lasted


def _kind(operation: str) -> str:
    for row, parts in KINDS:
        if any(part in operation for part in parts):
            return row
    return "other operations"


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # As the training's process itself does, not to take TensorFlow apart.
    os._exit(code)
