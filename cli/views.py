"""Ways to show a training's events: not at all, as JSON lines, as plain lines, or live.

`view_for` picks one. A view is entered before the first event and left after the last one; Ctrl-C
is told to it from a signal handler, so `say_stopping` may come in the middle of anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from cli.output import dumps, line, note
from ml.events import Done, Epoch, Event, Note, Phase, to_json
from storage.records import EpochMetrics
from tui.plain.training_lines import PHASES, epoch_line


class View:
    """A way to show events: this one shows none."""

    def show(self, event: Event) -> None:
        """Show an event."""

    def show_stored(self, epochs: Sequence[EpochMetrics]) -> None:
        """Take into account the epochs that a run has had. Comes before any event."""

    def say_stopping(self, text: str) -> None:
        """Show what was asked for by Ctrl-C."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing to give back."""


class JsonView(View):
    """Every event but the last as it came; the last as the bare result."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def show(self, event: Event) -> None:
        line(dumps(event.to_json() if isinstance(event, Done) else to_json(event)))
        sys.stdout.flush()

    def say_stopping(self, text: str) -> None:
        if not self._quiet:
            note_from_handler(text)


class LinesView(View):
    """A line for each phase and each epoch, on stderr."""

    def __init__(self) -> None:
        self._phase = ""

    def __enter__(self) -> Self:
        # Said before the first event, which takes as long as Python to come.
        self._enter_phase("starting")
        return self

    def show(self, event: Event) -> None:
        match event:
            case Phase():
                self._enter_phase(event.name)
            case Note():
                note(f"{event.level}: {event.text}")
            case Epoch():
                note(epoch_line(event))

    def say_stopping(self, text: str) -> None:
        note_from_handler(text)

    def _enter_phase(self, name: str) -> None:
        if name != self._phase:
            self._phase = name
            note(PHASES[name])


def view_for(*, json: bool, quiet: bool) -> View:
    """JSON lines if they are asked for, nothing if quiet, the live view on a terminal that can
    show it, plain lines anywhere else."""
    if json:
        return JsonView(quiet=quiet)
    if quiet:
        return View()
    if can_redraw():
        from cli.live import LiveView

        return LiveView()
    return LinesView()


def can_redraw() -> bool:
    """Whether stderr is a terminal that moves its cursor and knows braille letters."""
    encoding = (getattr(sys.stderr, "encoding", None) or "").lower()
    return (
        sys.stderr.isatty()
        and os.environ.get("TERM", "").lower() not in ("", "dumb", "unknown")
        and encoding.startswith("utf")
    )


def note_from_handler(text: str) -> None:
    """A note from within a signal handler, which may have come in the middle of another note."""
    try:
        note(text)
    except RuntimeError:  # Python refuses a second write within a first
        os.write(2, (text + "\n").encode())
