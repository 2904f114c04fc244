"""The facts of a training's plan that its form shows, made in a process of their own.

To plan for a million images takes seconds and hundreds of megabytes, which the app can spare
neither: `plan_in_child` has `python -m tui.training.plan_facts` do it, and ends it when it is
cancelled.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any, Self

from ml.child import environment
from ml.events import Failed, Note, decode, encode, to_error
from ml.plan import TrainPlan, plan_training
from ml.remarks import LabelCount
from ml.settings import TrainSettings
from storage.errors import PixshelfError
from storage.opening import child_environment, open_repository
from tui.plain.plan_lines import input_line, length_line, network_line, time_line, weights_words
from tui.plain.text import printable, shorten

MOST_LABELS = 500
"""The labels that are listed with their counts; of more, the first."""

_NICE = 5
"""A plan may take its time: whoever looks at the app may not have to."""


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the form shows of a plan. `facts` are (word, text); `counts` those of the first labels
    of `labels`; `unset` is what an empty field of the form comes to, by its name."""

    name: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    labels: int
    counts: tuple[LabelCount, ...]
    unset: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` gives equal facts back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The facts that `to_json` gave."""
        return cls(
            value["name"],
            tuple((word, text) for word, text in value["facts"]),
            tuple(Note(**note) for note in value["notes"]),
            value["labels"],
            tuple(LabelCount(**count) for count in value["counts"]),
            value["unset"],
        )


def facts_of(plan: TrainPlan) -> PlanFacts:
    """What is shown of a plan."""
    held = " (held out)" if plan.held_out else ""
    test = f", {plan.test:,} test left for later" if plan.test else ""
    weights = weights_words(plan).removesuffix(", ")
    facts = [
        ("name", printable(plan.name)),
        ("time", time_line(plan)),
        ("images", f"{len(plan.train):,} train, {len(plan.val):,} val{held}{test}"),
        ("labels", _labels(plan)),
        ("input", input_line(plan)),
        ("network", network_line(plan)),
        ("length", f"{length_line(plan)}, batch {plan.recipe.batch}"),
        ("augment", plan.recipe.augment + (", mirrored too" if plan.recipe.flips else "")),
        *([("weights", weights)] if weights else []),
    ]
    return PlanFacts(
        plan.name,
        tuple(facts),
        plan.notes,
        len(plan.labels),
        plan.counts[:MOST_LABELS],
        _unset(plan),
    )


def _labels(plan: TrainPlan) -> str:
    least = min(plan.counts, key=lambda count: count.train)
    most = max(plan.counts, key=lambda count: count.train)
    return (
        f"{len(plan.labels):,}, of {least.train:,} ({shorten(printable(least.label), 16)}) to "
        f"{most.train:,} ({shorten(printable(most.label), 16)}) to train on"
    )


def _unset(plan: TrainPlan) -> dict[str, str]:
    recipe, spec = plan.recipe, plan.input
    size = str(spec.width) if spec.width == spec.height else f"{spec.width}x{spec.height}"
    found = {
        "size": size,
        "batch": str(recipe.batch),
        "ensemble": str(recipe.members),
        "threads": f"all {os.cpu_count() or 1}",
        "name": printable(plan.name),
    }
    if plan.settings.minutes is None:
        found |= {"epochs": str(recipe.epochs), "steps": f"{recipe.steps:,}"}
    return found


async def plan_in_child(url: str, settings: TrainSettings) -> PlanFacts:
    """Plan a training on the dataset at `url` (see Repository.url). A call that is cancelled ends
    its process. Raises what plan_training raises; a QueryError as a UsageError."""
    request = json.dumps({"url": url, "settings": settings.to_json()}).encode()
    child = _Child(request, environment() | child_environment(url))
    try:
        return await asyncio.wrap_future(child.start())
    finally:
        child.end()


class _Child:
    """A process that plans, and the thread that waits for it: a process of asyncio's own would
    need the loop to be there at its end."""

    def __init__(self, request: bytes, variables: Mapping[str, str]) -> None:
        self._request = request
        self._variables = variables
        self._unwanted = False
        self._process: subprocess.Popen[bytes] | None = None
        self._future: Future[PlanFacts] = Future()

    def start(self) -> Future[PlanFacts]:
        """Begin, and give what will hold the answer."""
        self._future.set_running_or_notify_cancel()
        threading.Thread(target=self._run, name="pixshelf-plan", daemon=True).start()
        return self._future

    def end(self) -> None:
        """End the process, if it still runs."""
        self._unwanted = True
        if self._process is not None:
            self._process.kill()

    def _run(self) -> None:
        try:
            self._future.set_result(self._answer())
        except BaseException as error:  # carried over to whoever awaits
            self._future.set_exception(error)

    def _answer(self) -> PlanFacts:
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.training.plan_facts"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._variables,
        ) as process:
            self._process = process
            if self._unwanted:
                process.kill()
            answer, said = process.communicate(self._request)
        if process.returncode == 0:
            return PlanFacts.from_json(json.loads(answer))
        event = decode(answer) if answer else None
        if isinstance(event, Failed):
            raise to_error(event)
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise PixshelfError(f"the plan cannot be made: {printable(' '.join(last))[:300]}")


def main() -> int:
    """Answer the one request on stdin: the facts, or a Failed event and status 1."""
    os.nice(_NICE)
    request = json.load(sys.stdin)
    try:
        settings = TrainSettings.from_json(request["settings"])
        with open_repository(request["url"]) as repo:
            facts = facts_of(plan_training(repo, settings))
    except PixshelfError as error:
        failed = Failed(type(error).__name__, error.message, error.hint)
        sys.stdout.write(encode(failed).decode())
        return 1
    sys.stdout.write(json.dumps(facts.to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
