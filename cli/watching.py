"""Watching a training from the command line: one of our own, or one that goes on by itself.

Of our own, the first Ctrl-C asks for a stop at the end of the batch, which keeps everything; the
second ends the training's process, which keeps all but the last seconds. Of another's, Ctrl-C only
ends the watching. All leave with exit code 130. When the terminal goes, the training goes on.
"""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import typer

from cli.output import line, note, write_json
from cli.text import printable
from cli.views import View, view_for
from ml.events import Done, Note, Started
from ml.settings import TrainSettings
from ml.training import Training, follow_run, resume_training, start_training
from storage.errors import ExitCode, PixshelfError
from storage.records import EpochMetrics, RunRecord

ONCE = "stopping after this batch, keeping everything; Ctrl-C again ends it at once"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the watching ended. `done` is None where the training was killed, or goes on without
    us; `hint` says what can be done now, where there is something left to do."""

    done: Done | None
    interrupted: bool
    hint: str = ""


def train_watched(
    url: str,
    settings: TrainSettings,
    *,
    json: bool,
    quiet: bool,
    program: str | None = None,
    wait: float | None = None,
) -> Outcome:
    """Train in a child process and show it. Raises what the training failed with. `program` is
    what to type for another command on the dataset, `wait` the seconds that the child waits for
    other writers."""
    return _watched(
        lambda: start_training(url, settings, wait=wait),
        program or f"pixshelf --db {shlex.quote(url)}",
        json=json,
        quiet=quiet,
    )


def resume_watched(
    url: str,
    record: RunRecord,
    *,
    json: bool,
    quiet: bool,
    program: str,
    wait: float | None = None,
) -> Outcome:
    """Go on with a run and show it. Raises what it failed with."""
    return _watched(
        lambda: resume_training(url, record.id, wait=wait),
        program,
        json=json,
        quiet=quiet,
        stored=record.epochs,
    )


def attach_watched(
    url: str, record: RunRecord, *, json: bool, quiet: bool, program: str
) -> Outcome:
    """Show a run that goes on in another process, until its end or Ctrl-C. Raises what the run
    failed with."""
    done: Done | None = None
    run = record.id
    try:
        with view_for(json=json, quiet=quiet) as view:
            view.show_stored(record.epochs)
            for event in follow_run(url, run):
                view.show(event)
                if isinstance(event, Done):
                    done = event
    except KeyboardInterrupt:
        return Outcome(None, True, f"run {run} goes on; stop it with: {program} runs stop {run}")
    except PixshelfError as error:
        _add_hint(error, program, run)
        raise
    return Outcome(done, False, _to_go_on(program, run, done))


def go_alone(training: Training, *, json: bool, quiet: bool, program: str) -> None:
    """Let a training go on by itself once its run is stored, and print how to watch it. Raises
    what it failed with before; Ctrl-C until then ends it."""
    with training:
        started = _until_started(training, quiet=quiet)
        training.detach()
    if json:
        write_json({"run": started.run, "name": started.name, "log": str(training.log)})
        return
    line(f"run {started.run}, {printable(started.name)}, goes on by itself")
    line(f"watch it with: {program} runs attach {started.run}")


def _until_started(training: Training, *, quiet: bool) -> Started:
    for event in training.events():
        if isinstance(event, Note):
            note(f"{event.level}: {event.text}", quiet=quiet)
        if isinstance(event, Started):
            return event
    raise PixshelfError("the training ended before it had begun", hint=f"its log: {training.log}")


def leave(outcome: Outcome, *, quiet: bool) -> None:
    """Say what can be done now; leave with 130 if the watching was interrupted."""
    if outcome.hint:
        note(outcome.hint, quiet=quiet)
    if outcome.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _watched(
    start: Callable[[], Training],
    program: str,
    *,
    json: bool,
    quiet: bool,
    stored: Sequence[EpochMetrics] = (),
) -> Outcome:
    view = view_for(json=json, quiet=quiet)
    done: Done | None = None
    run: int | None = None
    with _interrupts(view) as stop, start() as training:
        stop.training = training
        events = training.events()
        try:
            with view:
                view.show_stored(stored)
                for event in events:
                    view.show(event)
                    match event:
                        case Started():
                            run = event.run
                        case Done():
                            done = event
        except BrokenPipeError:
            # Nobody reads any more: end the training as Ctrl-C would, and keep what it has.
            stop.ask()
            for _ in events:
                pass
            raise
        except OSError:
            # The terminal is gone, which is no reason to end the training.
            training.detach()
            raise
        except PixshelfError as error:
            if stop.count < 2:
                _add_hint(error, program, run)
                raise
        return Outcome(done, stop.count > 0, _to_go_on(program, run, done))


def _to_go_on(program: str, run: int | None, done: Done | None = None) -> str:
    """How to go on with a run that did not come to its end; nothing for any other."""
    if run is None or (done is not None and not done.stopped):
        return ""
    return f"go on with: {program} runs resume {run}"


def _add_hint(error: PixshelfError, program: str, run: int | None) -> None:
    """Say how to go on after a failure, beside what its hint says already."""
    again = _to_go_on(program, run)
    if again and "runs resume" not in (error.hint or ""):
        error.hint = f"{error.hint}; then {again}" if error.hint else again


class _Stop:
    """What Ctrl-C does while our own training is watched."""

    def __init__(self, view: View) -> None:
        self.count = 0
        self.training: Training | None = None
        self._view = view

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.training is None:
            raise KeyboardInterrupt
        if self.count == 0:
            self._view.say_stopping(ONCE)
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
def _interrupts(view: View) -> Iterator[_Stop]:
    stop = _Stop(view)
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
