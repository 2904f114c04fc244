"""Watching a training from the command line: a live bar, plain lines or JSON lines, and Ctrl-C.

The first Ctrl-C asks for a stop at the end of the batch, which keeps the finished epochs; the
second ends the training's process. Both leave with exit code 130.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from cli.output import dumps, line, note
from cli.text import in_time, percent
from ml.events import Done, Epoch, Event, Note, Phase, Started, Step, to_json
from ml.settings import TrainSettings
from ml.training import Training, start_training
from storage.errors import PixshelfError

if TYPE_CHECKING:
    from rich.progress import Progress

PHASES = {
    "starting": "starting TensorFlow, which takes some seconds",
    "decoding": "decoding pictures",
    "training": "training",
    "calibrating": "calibrating the probabilities",
    "converting": "converting the model to LiteRT and comparing the two",
    "saving": "saving the model",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a watched training ended. `done` is None where it was killed."""

    done: Done | None
    interrupted: bool


def train_watched(
    url: str, settings: TrainSettings, *, json: bool, quiet: bool, log: Path | None = None
) -> Outcome:
    """Train in a child process and show it. Raises what the training failed with."""
    view: SilentView
    if json:
        view = JsonView()
    elif quiet:
        view = SilentView()
    elif sys.stderr.isatty():
        view = BarView()
    else:
        view = LinesView()
    done: Done | None = None
    with _interrupts(quiet) as stop, start_training(url, settings, log=log) as training:
        stop.training = training
        events = training.events()
        try:
            with view:
                for event in events:
                    view.show(event)
                    if isinstance(event, Done):
                        done = event
        except BrokenPipeError:
            # Nobody reads any more: end the training as Ctrl-C would, and keep what it has.
            stop.ask()
            for _ in events:
                pass
            raise
        except PixshelfError:
            if stop.count < 2:
                raise
        return Outcome(done, stop.count > 0)


class _Stop:
    """What Ctrl-C does while a training is watched."""

    def __init__(self, quiet: bool) -> None:
        self.count = 0
        self.training: Training | None = None
        self._quiet = quiet

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.training is None:
            raise KeyboardInterrupt
        if self.count == 0:
            note("stopping after this batch; Ctrl-C again to end it at once", quiet=self._quiet)
        self.ask()

    def ask(self) -> None:
        """Ask for a stop; the second time, end the training."""
        # Counted first: a signal may arrive in the middle of either call.
        self.count += 1
        if self.training is not None and self.count == 1:
            self.training.request_stop()
        elif self.training is not None:
            self.training.kill()


@contextmanager
def _interrupts(quiet: bool) -> Iterator[_Stop]:
    stop = _Stop(quiet)
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class SilentView:
    """A way to show events: this one shows none."""

    def show(self, event: Event) -> None:
        """Show an event."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing to give back."""


class JsonView(SilentView):
    """Every event but the last as it came; the last as the bare result."""

    def show(self, event: Event) -> None:
        line(dumps(event.to_json() if isinstance(event, Done) else to_json(event)))
        sys.stdout.flush()


class LinesView(SilentView):
    """A line for each phase and each epoch, on stderr."""

    def __init__(self) -> None:
        # Said before the first event, which takes as long as Python to come.
        self._phase = "starting"
        note(PHASES[self._phase])

    def show(self, event: Event) -> None:
        match event:
            case Phase() if event.name != self._phase:
                self._phase = event.name
                note(PHASES[event.name])
            case Note():
                note(f"{event.level}: {event.text}")
            case Epoch():
                note(_epoch_line(event))


class BarView(SilentView):
    """A live bar on stderr, with the finished epochs standing above it."""

    def __init__(self) -> None:
        self._bar = _make_bar()
        self._phase = "starting"
        self._steps: int | None = None
        self._task = self._bar.add_task(PHASES[self._phase], total=None, figures="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, event: Event) -> None:
        match event:
            case Phase():
                self._enter_phase(event)
            case Started():
                self._steps = event.total_steps
            case Step():
                self._bar.update(
                    self._task,
                    completed=event.step,
                    total=event.total_steps,
                    description=f"epoch {event.epoch}",
                    figures=f"loss {event.loss:.4f}  accuracy {percent(event.accuracy)}  "
                    f"{event.images_per_second:,.0f} images/s",
                )
            case Note():
                self._above(f"{event.level}: {event.text}")
            case Epoch():
                self._above(_epoch_line(event))

    def _enter_phase(self, phase: Phase) -> None:
        total = self._steps if phase.name == "training" else phase.total
        if phase.name != self._phase:
            # A bar of its own for each: rich cannot take the total away from one that had it.
            self._phase = phase.name
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(PHASES[phase.name], total=total, figures="")
        elif phase.done is not None:
            self._bar.update(self._task, completed=phase.done, total=total)

    def _above(self, text: str) -> None:
        from cli.text import printable

        self._bar.console.print(printable(text), markup=False, highlight=False)


def _make_bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[figures]}", markup=False),
        console=Console(file=sys.stderr, highlight=False),
        transient=True,
    )


def _epoch_line(epoch: Epoch) -> str:
    places = len(str(epoch.epochs))
    val = ""
    if epoch.val_loss is not None:
        best = ", kept" if epoch.best else ""
        val = f"  val loss {epoch.val_loss:.4f}  val accuracy {percent(epoch.val_accuracy)}{best}"
    return (
        f"epoch {epoch.epoch:>{places}}/{epoch.epochs}  loss {epoch.train_loss:.4f}  "
        f"accuracy {percent(epoch.train_accuracy)}{val}  {in_time(epoch.seconds)}"
    )
