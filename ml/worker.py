"""The child process that trains: `python -m ml.worker EVENTS`, EVENTS being a descriptor's number.

The first line on stdin is the request, JSON with url, began, and settings or the run to resume; a
later line 'stop', or SIGTERM, asks for a stop at the end of the batch. Events go out on EVENTS and
into the run's journal. That nobody reads or writes any more ends nothing: what is trained is
stored in the dataset.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from ml.events import Event, Failed, Phase, Step, encode
from ml.journal import Journal
from ml.running import RunFailed, Running
from ml.settings import TrainSettings
from storage.errors import PixshelfError, UsageError
from storage.opening import open_repository

MAX_REQUEST = 1 << 20
"""The most bytes a request may have."""

PATIENCE = 600.0
"""Seconds to wait for others that write, unless the request says otherwise: an epoch is worth more
than a prompt error."""

_BACKLOG = 100
"""With this many events unread, the fleeting ones are no longer kept."""

NICENESS = 5
"""How far a training stands back behind a person who works at the machine meanwhile. On one that
does nothing else it takes nothing from the training."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be trained: settings for a new run, or the id of one to resume. `began` is when
    the parent started this process, by the system's monotonic clock; `wait` is in seconds."""

    url: str
    began: float
    settings: TrainSettings | None
    resume: int | None
    wait: float

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """The request that a line says. Raises UsageError for anything else."""
        try:
            body = json.loads(line)
            resume, wait = body.get("resume"), body.get("wait")
            return cls(
                url=str(body["url"]),
                began=min(float(body["began"]), time.monotonic()),
                settings=None if resume is not None else TrainSettings.from_json(body["settings"]),
                resume=None if resume is None else int(resume),
                wait=PATIENCE if wait is None else float(wait),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"the training got a request that it cannot read: {error}") from error


class EventPipe:
    """Sends events from a thread of its own, so that a slow or stopped reader holds up nothing."""

    def __init__(self, descriptor: int) -> None:
        os.fstat(descriptor)
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # Daemonic, so that a reader that never reads does not keep an interrupted child alive.
        self._thread = threading.Thread(target=self._send, name="events", daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        """Send an event soon. A Step or Phase is left out when too many are waiting."""
        if isinstance(event, Step | Phase) and self._waiting.qsize() > _BACKLOG:
            return
        self._waiting.put(encode(event))

    def close(self) -> None:
        """Wait until everything told is read, or nobody reads any more."""
        self._waiting.put(None)
        self._thread.join()

    def _send(self) -> None:
        try:
            while (line := self._waiting.get()) is not None:
                while line:
                    line = line[os.write(self._descriptor, line) :]
        except BrokenPipeError:
            # The watcher is gone; the training goes on, and is found in the dataset.
            print("events: nobody reads any more", file=sys.stderr)  # noqa: T201  (to the log)


class Requests:
    """stdin: one request, then perhaps 'stop'. Read by descriptor, since a thread blocked in
    sys.stdin could not be left behind at the process's end."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._rest = b""

        signal.signal(signal.SIGTERM, lambda number, frame: self._stop.set())
        # Ctrl-C and a closed terminal are for the parent to decide about.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def first(self) -> Request:
        """The request. Raises UsageError for anything else."""
        line = b""
        while b"\n" not in line:
            part = os.read(0, 65_536)
            line += part
            if not part or len(line) > MAX_REQUEST:
                raise UsageError("the training got no request on its stdin")
        line, _, self._rest = line.partition(b"\n")
        return Request.parse(line)

    def watch(self) -> None:
        """From now on, hear 'stop'."""
        threading.Thread(target=self._listen, name="requests", daemon=True).start()

    def stopping(self) -> bool:
        """Whether a stop has been asked for."""
        return self._stop.is_set()

    def _listen(self) -> None:
        heard = self._rest
        while not self._stop.is_set():
            if b"stop\n" in heard:
                self._stop.set()
                return
            heard = heard[-8:]
            part = os.read(0, 4_096)
            if not part:
                return  # the parent is gone, which is no reason to stop
            heard += part


def main(arguments: list[str]) -> int:
    """Train as asked; gives the exit status: 0, or 1 after a Failed event."""
    requests = Requests()
    pipe = EventPipe(int(arguments[0]))
    journal = Journal()

    def tell(event: Event) -> None:
        journal.write(event)
        pipe.tell(event)

    try:
        _serve(requests, journal, tell)
        return 0
    except RunFailed as error:
        tell(_failed(error.__cause__, error.run))
        return 1
    except Exception as error:
        tell(_failed(error, None))
        return 1
    finally:
        journal.close()
        pipe.close()


def _serve(requests: Requests, journal: Journal, tell: Callable[[Event], None]) -> None:
    request = requests.first()
    requests.watch()
    with open_repository(request.url, wait=request.wait) as repo:
        running = Running(
            repo,
            tell,
            requests.stopping,
            request.began,
            held=lambda run: journal.begin(repo.url, run),
        )
        if request.resume is not None:
            done = running.resume(request.resume)
        else:
            done = running.train(request.settings or TrainSettings())
    tell(done)


def _failed(error: BaseException | None, run: int | None) -> Failed:
    if isinstance(error, PixshelfError):
        return Failed(type(error).__name__, error.message, error.hint, run)
    traceback.print_exception(error)
    return Failed(
        "internal",
        f"the training failed: {type(error).__name__}: {error}",
        "the log has more",
        run,
    )


if __name__ == "__main__":
    os.nice(NICENESS)
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # The dataset is closed and the events are sent. What a regular end would do from here is to
    # take TensorFlow apart, for a second or more.
    os._exit(status)
