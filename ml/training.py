"""Start a training in a process of its own, watch it, and stop it.

The parent's side: it never imports TensorFlow. The child (`python -m ml.worker`) has a session of
its own and goes on if the parent vanishes; what it stores is in the dataset, what it prints is in
its log, and its journal lets others follow it.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ml.child import environment
from ml.events import MAX_LINE, Done, Event, EventError, Failed, Started, decode, to_error
from ml.following import await_end, follow_run, stop_run
from ml.journal import log_folder, remove_oldest
from ml.settings import TrainSettings
from storage.errors import PixshelfError
from storage.opening import child_environment
from storage.records import RunStatus

__all__ = [
    "Training",
    "await_end",
    "follow_run",
    "last_lines",
    "resume_training",
    "start_child",
    "start_training",
    "stop_run",
    "train",
]

STOP_GRACE = 30.0
"""Seconds of silence after which a training that was asked to stop is pressed harder."""

_LAST_LINES = 5
_POLL = 0.5


class Training:
    """A training in its child process. `events` is for one thread; the rest may be called from
    any. As a context manager it ends the child at the end of the block, if it still runs."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        pipe: int,
        url: str,
        log: Path,
        *,
        stop_grace: float = STOP_GRACE,
    ) -> None:
        """Use start_training. `pipe` is the end of the events' pipe that is read."""
        self._child = child
        self._pipe = pipe
        self._url = url
        self._log = log
        self._grace = stop_grace
        self._lock = threading.Lock()
        self._asked = False
        self._killed = False
        self._run: int | None = None
        self._heard = time.monotonic()
        self._pressed = 0

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def log(self) -> Path:
        """Where the child's output goes."""
        return self._log

    @property
    def running(self) -> bool:
        """Whether the child still runs."""
        return self._child.poll() is None

    def events(self) -> Iterator[Event]:
        """Every event as it comes, the last one being Done.

        Raises the PixshelfError that the child failed with. If the child died without a word,
        marks its run as failed in the dataset and raises a PixshelfError with the last lines of
        the log. Enforces the stop that `request_stop` asked for.
        """
        for line in self._lines():
            try:
                event = decode(line)
            except EventError:
                self.kill()
                self._mark_run("failed", "its events could not be understood")
                raise
            if isinstance(event, Failed):
                self._child.wait()
                raise to_error(event)
            if isinstance(event, Started):
                self._run = event.run
            yield event
            if isinstance(event, Done):
                self._child.wait()
                return
        raise self._died()

    def request_stop(self) -> None:
        """Ask for a stop at the end of the batch; everything is kept. Returns at once. A
        child that then gives no sign of life for the grace time is sent SIGTERM, and after the
        same time again SIGKILL, by whoever iterates `events`. Safe to call twice, or late."""
        with self._lock:
            if self._asked:
                return
            self._asked = True
            self._heard = time.monotonic()
            self._say(b"stop\n")

    def kill(self) -> None:
        """End the child now. What it stored last, some seconds ago at most, is in the dataset;
        there will be no model. The next event raises. Safe to call late."""
        self._killed = True
        self._child.kill()

    def detach(self) -> None:
        """Stop watching and let the child go on."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pipe >= 0 and self.running:
            self.kill()
            self._child.wait()
            self._mark_run("stopped", "the training was ended by whoever watched it")
        self._close()

    def _lines(self) -> Iterator[bytes]:
        """The lines from the pipe, until the child closes it."""
        rest = b""
        while self._pipe >= 0:
            ready, _, _ = select.select([self._pipe], [], [], _POLL)
            if not ready:
                self._press()
                continue
            part = os.read(self._pipe, 65_536)
            if not part:
                return
            self._heard = time.monotonic()
            *lines, rest = (rest + part).split(b"\n")
            yield from lines
            if len(rest) > MAX_LINE:
                yield rest

    def _press(self) -> None:
        """Where a stop was asked for and nothing is heard: SIGTERM, and later SIGKILL."""
        silent = time.monotonic() - self._heard
        if not self._asked or silent < self._grace * (self._pressed + 1):
            return
        self._pressed += 1
        if self._pressed == 1:
            self._child.send_signal(signal.SIGTERM)
        else:
            self.kill()

    def _died(self) -> PixshelfError:
        """What to raise for a child that ended without Done or an error."""
        code = self._child.wait()
        if self._killed:
            self._mark_run("stopped", "killed before it was finished")
            return PixshelfError(
                "the training was killed before it was finished; there is no model",
                hint=self._how_to_go_on(),
            )
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        last = last_lines(self._log)
        said = f"; its last words: {' / '.join(last)}" if last else ""
        memory = -code == signal.SIGKILL
        self._mark_run("failed", f"the process died ({how})")
        return PixshelfError(
            f"the training's process died ({how}){said}",
            hint="the machine may be short of memory: try a smaller --batch or --size"
            if memory
            else f"{self._how_to_go_on()}; its log is {self._log}",
        )

    def _how_to_go_on(self) -> str:
        if self._run is None:
            return "nothing was stored"
        return f"what it had is kept: pixshelf runs resume {self._run}"

    def _mark_run(self, status: RunStatus, error: str) -> None:
        if self._run is None:
            return
        from storage.opening import open_repository

        with open_repository(self._url) as repo:
            # A child that was ended in its very last moment may have finished the run itself, and
            # another process may have gone on with it since.
            record = repo.runs.get(self._run)
            if record.status == "running" and record.pid in {None, self.pid}:
                repo.runs.finish(self._run, status, error=error)

    def _say(self, line: bytes) -> None:
        entry = self._child.stdin
        if entry is None or entry.closed:
            return
        try:
            while line:
                line = line[entry.write(line) :]
        except BrokenPipeError:
            return  # it has ended already, which is what was asked for

    def _close(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        if self._child.stdin is not None:
            self._child.stdin.close()


def start_training(
    url: str,
    settings: TrainSettings,
    *,
    log: Path | None = None,
    stop_grace: float = STOP_GRACE,
    wait: float | None = None,
) -> Training:
    """Start a training on the dataset at `url` (see Repository.url) and return at once.

    `log` is the file for the child's output; by default a new one under the user's log folder.
    `wait` is how many seconds the child's writes wait for other writers, by default long. Once
    Started has come, `detach` lets the training go on by itself, also after this process's end.
    Raises PixshelfError if the process or its log cannot be made.
    """
    return start_child(WORKER, url, settings, log, stop_grace, wait=wait)


def resume_training(
    url: str,
    run_id: int,
    *,
    log: Path | None = None,
    stop_grace: float = STOP_GRACE,
    wait: float | None = None,
) -> Training:
    """Go on with a run, in a process of its own; as start_training in everything else. What cannot
    be resumed is raised by `Training.events` (see Running.resume)."""
    return start_child(WORKER, url, run_id, log, stop_grace, wait=wait)


WORKER = (sys.executable, "-P", "-m", "ml.worker")


def start_child(
    command: Sequence[str],
    url: str,
    what: TrainSettings | int,
    log: Path | None = None,
    stop_grace: float = STOP_GRACE,
    *,
    wait: float | None = None,
) -> Training:
    """Start any program that speaks the worker's protocol: `command`, then a descriptor's number.

    It gets the request as its first line on stdin: settings to train by, or a run to resume.
    Raises PixshelfError as start_training does.
    """
    log = _new_log() if log is None else log
    request: dict[str, Any] = {"url": url, "began": time.monotonic(), "wait": wait}
    if isinstance(what, TrainSettings):
        request["settings"] = what.to_json()
    else:
        request["resume"] = what
    reading, writing = os.pipe()
    try:
        with log.open("ab") as output:
            child = subprocess.Popen(
                [*command, str(writing)],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[writing],
                start_new_session=True,
                env=environment() | child_environment(url),
            )
    except OSError as error:
        os.close(reading)
        raise PixshelfError(f"the training cannot be started: {error}") from error
    finally:
        os.close(writing)
    training = Training(child, reading, url, log, stop_grace=stop_grace)
    training._say(json.dumps(request).encode() + b"\n")
    return training


def train(url: str, settings: TrainSettings, *, log: Path | None = None) -> Done:
    """Train and wait for the end, without watching. Raises what `Training.events` raises."""
    with start_training(url, settings, log=log) as training:
        done = [event for event in training.events() if isinstance(event, Done)]
    return done[-1]


_CHATTER = re.compile(r"[IW]\d{4} |[\d-]+ [\d:.]+: [IW] |WARNING: All log messages before")
"""How the lines begin that TensorFlow writes to every log."""


def last_lines(log: Path, most: int = _LAST_LINES) -> list[str]:
    """The last lines of a log that say something, shortened and without control characters."""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 8_192))
        text = file.read().decode("utf-8", "replace")
    lines = [
        "".join(c if c.isprintable() else " " for c in line).strip() for line in text.split("\n")
    ]
    return [line[:300] for line in lines if line and not _CHATTER.match(line)][-most:]


def _new_log() -> Path:
    """A new file in the user's log folder, the oldest of many others being removed."""
    folder = log_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_oldest(folder, "train-*.log")
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        descriptor, name = tempfile.mkstemp(".log", f"train-{stamp}-", folder)
    except OSError as error:
        raise PixshelfError(
            f"{folder}: the training's log cannot be made: {error.strerror or error}"
        ) from error
    os.close(descriptor)
    return Path(name)
