"""A training killed at a random moment and gone on with: how much work it lost.

The loss is the time that the killed run had needed from the step at which the resumed one begins
to the moment of the kill. The weights in the end are compared with those of a run left alone.
"""

from __future__ import annotations

import bisect
import json
import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Aim, Book, Failure, measured, pixshelf, started
from tests.benchmarks.training_data import Given, digits_28, imported
from tests.benchmarks.trainings import train

AIMS = (Aim("resume", "lost", "at most", 10.0, "worst"),)
KILLS, EPOCHS = 3, 2


def resume(given: Given, scratch: Path, book: Book) -> None:
    """Three runs, each killed with SIGKILL at a moment of its own, between the first step and the
    end of the training, and resumed to the end."""
    clean = scratch / "mnist.db"
    imported(digits_28(given, scratch), clean, scratch)
    dice = random.Random(0)
    alone = train(_copied(clean, "alone"), scratch, "--epochs", EPOCHS)
    for number in range(KILLS):
        dataset = _copied(clean, f"killed{number}")
        wait = dice.uniform(0, alone.done["train_seconds"])
        run, seen, killed = _killed(dataset, scratch, wait)
        ran = measured(pixshelf(dataset, "runs", "resume", run, "--json"), scratch)
        *events, done = (json.loads(line) for line in ran.output.splitlines())
        if done["weights_sha256"] != alone.done["weights_sha256"]:
            raise Failure(f"killed after {wait:.1f} s: the weights are not those of a whole run")
        # One that was killed after its last step has none to take again.
        steps = [event["step"] - 1 for event in events if event["event"] == "step"]
        lost = killed - _reached(seen, min(steps, default=done["steps"]))
        book.add("resume", "pixshelf", number, lost=lost)


def _copied(dataset: Path, name: str) -> Path:
    copy = dataset.with_name(f"{name}.db")
    shutil.copy(dataset, copy)
    return copy


def _killed(
    dataset: Path, scratch: Path, wait: float
) -> tuple[int, list[tuple[int, float]], float]:
    """Train, and kill the training's process `wait` seconds after its first step: the run, when
    each step that was told of came, and when it was killed."""
    seen: list[tuple[int, float]] = []
    run: dict[str, Any] = {}
    with started(pixshelf(dataset, "train", "--epochs", EPOCHS, "--json"), scratch) as child:
        assert child.stdout is not None
        for line in child.stdout:
            event, now = json.loads(line), time.perf_counter()
            if event.get("event") == "started":
                run = event
            elif event.get("event") == "step":
                seen.append((event["step"], now))
            if seen and now - seen[0][1] >= wait:
                os.kill(run["pid"], signal.SIGKILL)
                return run["run"], seen, now
    raise Failure(f"the training ended before it was killed after {wait:.1f} s")


def _reached(seen: list[tuple[int, float]], step: int) -> float:
    """When the killed run had taken `step` steps, between the two that it told of."""
    at = bisect.bisect([known for known, _ in seen], step)
    if at == len(seen):
        return seen[-1][1]
    step_after, after = seen[at]
    step_before, before = seen[at - 1] if at else (0, seen[0][1])
    return before + (after - before) * (step - step_before) / (step_after - step_before)
