"""Start a training in a process of its own, watch it, and stop it.

The parent's side: it never imports TensorFlow. The child (`python -m ml.worker`) has a session of
its own and goes on if the parent vanishes; what it stores is in the dataset, what it prints is in
its log.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from ml.events import Done, Event
from ml.settings import TrainSettings

STOP_GRACE = 30.0
"""Seconds of silence after which a training that was asked to stop is pressed harder."""


class Training:
    """A training in its child process. `events` is for one thread; the rest may be called from
    any. As a context manager it ends the child at the end of the block, if it still runs."""

    @property
    def pid(self) -> int:
        """The child's process id."""
        raise NotImplementedError

    @property
    def log(self) -> Path:
        """Where the child's output goes."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Whether the child still runs."""
        raise NotImplementedError

    def events(self) -> Iterator[Event]:
        """Every event as it comes, the last one being Done.

        Raises the PixshelfError that the child failed with. If the child died without a word,
        marks its run as failed in the dataset and raises a PixshelfError with the last lines of
        the log. Enforces the stop that `request_stop` asked for.
        """
        raise NotImplementedError

    def request_stop(self) -> None:
        """Ask for a stop at the end of the batch; finished epochs are kept. Returns at once. A
        child that then gives no sign of life for the grace time is sent SIGTERM, and after the
        same time again SIGKILL, by whoever iterates `events`. Safe to call twice, or late."""
        raise NotImplementedError

    def kill(self) -> None:
        """End the child now. Finished epochs are in the dataset; there will be no model. The next
        event raises. Safe to call late."""
        raise NotImplementedError

    def detach(self) -> None:
        """Stop watching and let the child go on."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        raise NotImplementedError


def start_training(
    url: str,
    settings: TrainSettings,
    *,
    log: Path | None = None,
    stop_grace: float = STOP_GRACE,
) -> Training:
    """Start a training on the dataset at `url` (see Repository.url) and return at once.

    `log` is the file for the child's output; by default a new one under the user's log folder.
    Raises PixshelfError if the process or its log cannot be made.
    """
    raise NotImplementedError


def train(url: str, settings: TrainSettings, *, log: Path | None = None) -> Done:
    """Train and wait for the end, without watching. Raises what `Training.events` raises."""
    with start_training(url, settings, log=log) as training:
        done = [event for event in training.events() if isinstance(event, Done)]
    return done[-1]
