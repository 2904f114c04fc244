"""One training by pixshelf's own command line, as a whole process, with all that it told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Failure, Ran, measured, pixshelf


@dataclass(frozen=True, slots=True)
class Trained:
    """The process of `pixshelf train`, its events, and the object that it printed last."""

    ran: Ran
    events: list[dict[str, Any]]
    done: dict[str, Any]


def train(dataset: Path, scratch: Path, *options: object) -> Trained:
    """`pixshelf train --json` with these options. Raises Failure."""
    ran = measured(pixshelf(dataset, "train", "--json", *options), scratch)
    *events, done = (json.loads(line) for line in ran.output.splitlines())
    if done.get("model") is None:
        raise Failure(f"train {' '.join(map(str, options))} gave no model: {done}")
    return Trained(ran, events, done)


def tested(dataset: Path, scratch: Path, model: int) -> dict[str, Any]:
    """What `pixshelf eval --json` says of a model on the test split. Raises Failure."""
    ran = measured(pixshelf(dataset, "eval", "--model", model, "--json"), scratch)
    answer: dict[str, Any] = json.loads(ran.output)
    return answer


def speeds(events: list[dict[str, Any]]) -> list[float]:
    """Images a second of every epoch but the first, which builds the graph: what the last step
    that was told of each said."""
    last = {event["epoch"]: event for event in events if event["event"] == "step"}
    return [event["images_per_second"] for epoch, event in last.items() if epoch > 1]
