"""The live view of a training on a terminal: figures, curves and notes, redrawn in place.

A thread redraws some times a second, whatever comes, so that events cost next to nothing and a
long silence is seen to be one. Finished epochs are printed above and stay. When the terminal's size
changes, the screen is cleared and drawn anew.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.text import Text

from cli.text import in_time, percent, printable, shorten
from cli.views import View
from ml.events import Epoch, Event, Note
from ml.figures import Figures, Trace
from storage.records import EpochMetrics
from tui.plain.curve import CURVE, MARK, bounds_of, curve_lines, styled
from tui.plain.training_lines import PHASES, epoch_line

REDRAWS = 4
"""Redraws a second."""

NOTES = 2
"""The notes that stand below the curves; older ones are printed above."""

ABOVE = 200
"""The printed lines that are kept, to be printed again when the terminal's size has changed."""

CHART_HEIGHT = 6
_GUTTER = 7
_WORST = 0.1
"""The share of the worst values, mostly those of the beginning, that the scales leave out."""

_LEAST_CHART = 24
_ROOM = 12
"""The lines of a terminal that the view with its curves wants."""


class LiveView(View):
    """Figures, curves and notes on stderr, with the finished epochs standing above them."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr, highlight=False)
        self._figures = Figures()
        self._notes: deque[Note] = deque()
        self._above: deque[str] = deque(maxlen=ABOVE)
        self._size = self._console.size
        self._stopping = ""
        self._entered = time.monotonic()
        self._lock = threading.Lock()
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=REDRAWS,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()
        for each in self._notes:
            self._print(_note_line(each))

    def show_stored(self, epochs: Sequence[EpochMetrics]) -> None:
        with self._lock:
            self._figures.take_stored(epochs)

    def show(self, event: Event) -> None:
        with self._lock:
            before = self._figures.phase
            self._figures.take(event)
            if self._figures.phase != before:
                self._entered = time.monotonic()
        match event:
            case Epoch():
                self._print(epoch_line(event))
            case Note():
                self._notes.append(event)
                if len(self._notes) > NOTES:
                    self._print(_note_line(self._notes.popleft()))

    def say_stopping(self, text: str) -> None:
        # The next redraw shows it: to print from a signal handler would break into one.
        self._stopping = text

    def _print(self, text: str) -> None:
        self._after_resize()
        self._above.append(printable(text))
        self._console.print(self._above[-1], markup=False, highlight=False, soft_wrap=True)

    def _after_resize(self) -> None:
        """Begin anew on an empty screen when the terminal has another size: it has wrapped the
        lines, or not, and nobody can tell where those to be drawn over are now."""
        size = self._console.size
        if size == self._size:
            return
        self._size = size
        room = max(0, size.height - _ROOM - NOTES - 1)
        self._console.control(Control.clear(), Control.home())
        for text in list(self._above)[max(0, len(self._above) - room) :]:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _draw(self) -> Group:
        self._after_resize()
        width, height = self._size
        with self._lock:
            lines = screen(
                self._figures,
                width=width - 1,
                height=height - 1,
                elapsed=time.monotonic() - self._entered,
            )
        notes = [*map(_note_line, list(self._notes)), *filter(None, [self._stopping])]
        lines += [Text(shorten(printable(each), width - 1), style="yellow") for each in notes]
        return Group(*lines)


def screen(figures: Figures, *, width: int, height: int, elapsed: float) -> list[Text]:
    """The state of a training in lines of at most `width` cells, the curves among them where the
    terminal's `height` allows. `elapsed` is how many seconds its phase has lasted."""
    lines = [_headline(figures, width, elapsed)]
    if figures.train_loss is None:
        return lines
    lines.append(Text(shorten(_losses(figures), width)))
    if height < _ROOM + NOTES or width < _GUTTER + _LEAST_CHART:
        return lines
    x = (0.0, float(figures.total_steps or figures.step or 1))
    loss = (figures.train_losses, figures.val_losses)
    accuracy = (figures.train_accuracies, figures.val_accuracies)
    side = (width - 2) // 2 - _GUTTER
    if side < _LEAST_CHART:
        return lines + _chart("accuracy", accuracy, x, width - _GUTTER)
    left = _chart("loss", loss, x, side)
    right = _chart("accuracy", accuracy, x, side)
    return lines + [
        Text.assemble(first, " " * (side + _GUTTER + 2 - first.cell_len), second)
        for first, second in zip(left, right, strict=True)
    ]


def _headline(figures: Figures, width: int, elapsed: float) -> Text:
    if figures.phase != "training" or figures.total_steps is None:
        words = PHASES[figures.phase]
        if figures.phase_total:
            words += f"  {figures.phase_done or 0:,}/{figures.phase_total:,}"
        return Text(shorten(f"{words}  {in_time(elapsed)}", width), style="bold")
    parts = [f"step {figures.step:,}/{figures.total_steps:,}"]
    if figures.images_per_second is not None:
        parts.append(f"{figures.images_per_second:,.0f} images/s")
    if figures.seconds_left is not None:
        parts.append(f"{in_time(math.ceil(figures.seconds_left))} left")
    first, rest = f"epoch {figures.epoch}/{figures.epochs}", "  ".join(parts)
    room = min(24, width - len(first) - len(rest) - 4)
    if room < 6:
        return Text(shorten(f"{first}  {rest}", width), style="bold")
    full = round(room * min(1.0, figures.step / max(1, figures.total_steps)))
    return Text.assemble(
        (first, "bold"),
        "  ",
        ("━" * full, "green"),
        ("┄" * (room - full), "dim"),
        "  ",
        (rest, "bold"),
    )


def _losses(figures: Figures) -> str:
    text = f"train loss {figures.train_loss:.4f}  accuracy {percent(figures.train_accuracy)}"
    if figures.val_loss is not None:
        text += f"    val loss {figures.val_loss:.4f}  accuracy {percent(figures.val_accuracy)}"
    return text


def _chart(
    title: str, traces: tuple[Trace, Trace], across: tuple[float, float], width: int
) -> list[Text]:
    """A chart below its title, with the highest and the lowest value at its left."""
    train, val = (trace.points for trace in traces)
    of_loss = title == "loss"
    number = _in_nats if of_loss else _in_percent
    low, high = (
        bounds_of(train, val, highest=_WORST) if of_loss else bounds_of(train, val, lowest=_WORST)
    )
    rows = curve_lines(
        train, val, width=width, height=CHART_HEIGHT, across=across, bounds=(low, high)
    )
    scale = [number(high), *[""] * (CHART_HEIGHT - 2), number(low)]
    head = Text.assemble((f"{title:>{_GUTTER - 1}}  ", "dim"), styled(CURVE), (" train  ", "dim"))
    head.append_text(Text.assemble(styled(MARK), (" val", "dim")) if val else Text())
    return [
        head,
        *(
            Text.assemble((f"{edge:>{_GUTTER - 1}} ", "dim"), styled(row))
            for edge, row in zip(scale, rows, strict=True)
        ),
    ]


def _in_nats(value: float) -> str:
    return f"{value:.3g}"


def _in_percent(value: float) -> str:
    return percent(value, 1).replace(" ", "")


def _note_line(event: Note) -> str:
    return f"{event.level}: {event.text}"
