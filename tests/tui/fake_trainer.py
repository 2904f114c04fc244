"""A program that speaks the worker's protocol and stores a run, without training anything:
`python fake_trainer.py MODE ml.worker EVENTS`.

MODE 'quick' comes to its end by itself, 'waits' when it is told to stop, 'deaf' never; 'dies'
leaves without a word after an epoch, 'refuses' says why it cannot begin.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from typing import Any

from ml.events import Done, Epoch, Event, Failed, Note, Phase, Started, Step, encode
from ml.journal import Journal
from storage.opening import open_repository
from storage.records import Checkpoint, EpochMetrics, NewModel, NewRun
from storage.repository import Repository

LABELS = tuple("0123456789")
EPOCHS, STEPS = 3, 10
LONGEST = 60.0
"""Seconds after which it leaves whatever it was told."""


class Trainer:
    """One training that is played."""

    def __init__(self, pipe: int, repo: Repository, request: dict[str, Any]) -> None:
        self._pipe, self._repo = pipe, repo
        self._journal = Journal()
        settings = request.get("settings") or {}
        self._name = settings.get("name") or f"{settings.get('preset')}-{settings.get('seed')}"
        self._resumed = request.get("resume")
        self._stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def tell(self, event: Event) -> None:
        self._journal.write(event)
        try:
            os.write(self._pipe, encode(event))
        except BrokenPipeError:
            return  # nobody watches any more

    def play(self, mode: str) -> None:
        self.tell(Phase("starting"))
        if mode == "refuses":
            self.tell(Failed("NotReady", "no image has a label", "label some"))
            return
        run = self._begin()
        with self._repo.runs.hold(run):
            self._journal.begin(self._repo.url, run)
            self.tell(self._started(run))
            self.tell(Note("info", "a [bold]note\x1b[31m"))
            for epoch in range(self._first(run), EPOCHS + 1):
                self._epoch(run, epoch)
                if epoch == 1 and mode == "dies":
                    os._exit(3)
                if epoch == 1 and mode in ("waits", "deaf") and self._resumed is None:
                    self._wait(deaf=mode == "deaf")
                    break
            self._end(run)

    def _begin(self) -> int:
        if self._resumed is not None:
            self._repo.runs.reopen(self._resumed, os.getpid())
            return int(self._resumed)
        settings = {"chosen": {"preset": "quick"}}
        run = NewRun(
            self._name, 0, settings, LABELS, b"\0" * 32, {}, EPOCHS, EPOCHS * STEPS, os.getpid()
        )
        return self._repo.runs.create(run)

    def _first(self, run: int) -> int:
        return len(self._repo.runs.get(run).epochs) + 1

    def _started(self, run: int) -> Started:
        name = self._repo.runs.get(run).name
        return Started(
            *(run, name, os.getpid(), 0, "quick", LABELS, 36, 4, 8, 8, 1, 4),
            *(EPOCHS, STEPS, EPOCHS * STEPS, 123),
        )

    def _epoch(self, run: int, epoch: int) -> None:
        first = (epoch - 1) * STEPS
        for step in range(first + 1, first + STEPS + 1):
            self.tell(Step(epoch, step, EPOCHS * STEPS, 1.0 / step, 0.5, 0.01, 400.0, step / 100))
        step, share = epoch * STEPS, 0.9 + epoch / 100
        metrics = EpochMetrics(epoch, step, step / 100, 0.01, 0.5, share, 0.4, share)
        last = Checkpoint(epoch, step, b"weights", b"optimizer")
        self._repo.runs.record_epoch(run, metrics, last=last, best=last)
        self.tell(Epoch(run, epoch, EPOCHS, step, step / 100, 0.01, 0.5, share, 0.4, share, True))

    def _wait(self, *, deaf: bool) -> None:
        """Until a stop is asked for, by stdin or by a signal; its end on stdin is none."""
        end, readable = time.monotonic() + LONGEST, [0]
        while time.monotonic() < end and (deaf or not self._stopped):
            if select.select(readable, [], [], 0.02)[0]:
                said = os.read(0, 100)
                readable = [0] if said else []
                self._stopped = self._stopped or b"stop" in said
            if not readable:
                time.sleep(0.02)

    def _end(self, run: int) -> None:
        record = self._repo.runs.get(run)
        model = NewModel(
            *(record.name, LABELS, {"input": {}}, 123, b"weights", b"litert", 1.0, run),
            val_accuracy=record.epochs[-1].val_accuracy,
            val_loss=0.4,
        )
        made = self._repo.models.add(model)
        self._repo.runs.finish(run, "stopped" if self._stopped else "done")
        last = record.epochs[-1]
        self.tell(
            Done(
                *(run, made, last.epoch, last.step, 2.0, 1.0, last.val_accuracy, 0.4, 0, "00"),
                self._stopped,
            )
        )


def main() -> None:
    request = json.loads(sys.stdin.buffer.raw.readline())
    with open_repository(request["url"]) as repo:
        Trainer(int(sys.argv[-1]), repo, request).play(sys.argv[1])


if __name__ == "__main__":
    main()
