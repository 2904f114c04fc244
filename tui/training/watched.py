"""One training as the app watches it: a thread that hears its events, and what they come to.

The thread only listens and appends; `take` brings what it heard into the fields, in the event
loop's own time. No method waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ml.events import Done, Epoch, Event, Note, Phase, Started
from ml.figures import Figures
from storage.errors import PixshelfError
from storage.records import ModelRecord, RunRecord
from tui.plain.text import plural, printable
from tui.plain.training_lines import PHASES, epoch_line, metrics_line, result_line

if TYPE_CHECKING:
    from ml.training import Training

State = Literal["running", "stopping", "left", "done", "stopped", "failed"]
"""'left' goes on without being watched. The last four are final."""

Level = Literal["plain", "epoch", "warning", "error"]

MOST_LINES = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log. Its text has no control characters."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """The model that a training gave, and the best one before it that has the same labels."""

    model: ModelRecord
    best: ModelRecord | None


class Watched:
    """A training of one's own, or one that another process works on. To be used by the event
    loop's thread alone."""

    def __init__(
        self,
        *,
        begin: Callable[[], Training] | None = None,
        follow: Callable[[], Iterator[Event]] | None = None,
        record: RunRecord | None = None,
        name: str = "",
    ) -> None:
        """`begin` starts a training of one's own; `follow` gives the events of another's. Both
        are called in the thread. `record` is the run, where it is known; `name` what it will be
        called otherwise."""
        self.figures = Figures()
        self.own = begin is not None
        self.state: State = "running"
        self.run: int | None = None
        self.lines: deque[Line] = deque(maxlen=MOST_LINES)
        self.said = 0
        self.done: Done | None = None
        self.error: PixshelfError | OSError | None = None
        self.result: Result | None = None
        self.entered = time.monotonic()
        self._stored: frozenset[tuple[int, int]] = frozenset()
        self._begin, self._follow = begin, follow
        self._heard: deque[Event | BaseException] = deque()
        self._training: Training | None = None
        self._stop_asked = False
        self._leaving = threading.Event()
        self.figures.name = name
        if record is not None:
            self._take_record(record)

    @property
    def name(self) -> str:
        """What the run is called, as far as that is known."""
        return self.figures.name

    @property
    def watching(self) -> bool:
        """Whether it is still watched: it goes on, as far as is known."""
        return self.state in ("running", "stopping")

    @property
    def elapsed(self) -> float:
        """Seconds since its phase began, as it was seen from here."""
        return time.monotonic() - self.entered

    def listen(self) -> None:
        """Begin to hear of it, in a thread of its own."""
        threading.Thread(target=self._listen, name="pixshelf-training", daemon=True).start()

    def request_stop(self) -> None:
        """Ask a training of one's own to stop after its batch, keeping everything."""
        self._stop_asked = True
        self.state = "stopping"
        if self._training is not None:
            self._training.request_stop()

    def kill(self) -> None:
        """End a training of one's own at once."""
        if self._training is not None:
            self._training.kill()

    def leave(self) -> None:
        """Watch no longer; it goes on by itself."""
        self.state = "left"
        self._leaving.set()

    def take(self) -> bool:
        """Take in what was heard since the last call; whether it has ended. Raises an error that
        nobody expected."""
        while self._heard and self.watching:
            heard = self._heard.popleft()
            if isinstance(heard, BaseException):
                self._fail(heard)
            else:
                self._take_event(heard)
        return not self.watching

    def say(self, level: Level, text: str) -> None:
        """Add a line to the log."""
        self.lines.append(Line(level, printable(text)))
        self.said += 1

    # --- in the thread

    def _listen(self) -> None:
        try:
            for event in self._events():
                self._heard.append(event)
                if self._leaving.is_set():
                    break
        except BaseException as error:  # carried over to `take`
            self._heard.append(error)
        finally:
            # Only whoever reads the pipe may close it.
            if self._training is not None:
                self._training.detach()

    def _events(self) -> Iterator[Event]:
        if self._begin is None:
            return iter(()) if self._follow is None else self._follow()
        training = self._training = self._begin()
        if self._stop_asked:
            training.request_stop()
        return training.events()

    # --- in the event loop

    def _take_record(self, record: RunRecord) -> None:
        self.run, self.figures.name = record.id, record.name
        self.figures.run, self.figures.epochs = record.id, record.total_epochs
        self.figures.total_steps = record.total_steps
        self.figures.take_stored(record.epochs)
        self._stored = frozenset((epoch.epoch, epoch.step) for epoch in record.epochs)
        for epoch in record.epochs[-MOST_LINES // 2 :]:
            self.say("epoch", metrics_line(epoch, record.total_epochs))

    def _take_event(self, event: Event) -> None:
        before = self.figures.phase
        self.figures.take(event)
        if self.figures.phase != before:
            self.entered = time.monotonic()
        match event:
            case Phase() if event.name not in (before, "training"):
                self.say("plain", PHASES[event.name])
            case Note():
                self.say("warning" if event.level == "warning" else "plain", event.text)
            case Started():
                self.run = event.run
                self.say("plain", _started(event))
            case Epoch() if (event.epoch, event.step) not in self._stored:
                self.say("epoch", epoch_line(event))
            case Done():
                self.done = event
                self.state = "stopped" if event.stopped else "done"
                self.say("plain", result_line(event))

    def _fail(self, error: BaseException) -> None:
        if not isinstance(error, PixshelfError | OSError):
            raise error
        self.error, self.state = error, "failed"
        self.say("error", error.message if isinstance(error, PixshelfError) else str(error))
        if hint := getattr(error, "hint", None):
            self.say("plain", hint)


def _started(event: Started) -> str:
    return (
        f"run {event.run}, {event.name}: {plural(event.train, 'image')} to train on, "
        f"{event.val:,} to validate, {event.width}x{event.height}x{event.channels}, "
        f"{event.parameters:,} parameters"
    )
