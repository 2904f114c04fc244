"""What is known of a training, from its events: where it stands, how fast, how good, how long yet.

Pure and bounded: `take` costs next to nothing, however often it is called, and a training of any
length needs no more memory than a short one. What draws a training only reads these fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ml.events import Done, Epoch, Event, Phase, PhaseName, Started, Step
from storage.records import EpochMetrics

MOST_POINTS = 512
"""The points that a trace holds at most: more than any terminal has columns of dots."""

_PACE = 10
"""The epochs by whose time the time left is told: one alone may have been disturbed."""


class Trace:
    """A series that grows: (x, y) in ascending x, of which at most `most` are kept.

    When they get too many, each two neighbours become their mean.
    """

    __slots__ = ("_most", "_points", "_stride", "_waiting")

    def __init__(self, most: int = MOST_POINTS) -> None:
        """Raises ValueError unless `most` is even and positive."""
        if most < 2 or most % 2:
            raise ValueError(f"most={most}: expected an even number from 2")
        self._most = most
        self._stride = 1
        self._points: list[tuple[float, float]] = []
        self._waiting: list[tuple[float, float]] = []

    def add(self, x: float, y: float) -> None:
        """Add a point. Those at `x` and beyond go: a training that went back draws over them."""
        while self._waiting and self._waiting[-1][0] >= x:
            self._waiting.pop()
        while self._points and self._points[-1][0] >= x:
            self._points.pop()
        self._waiting.append((x, y))
        if len(self._waiting) >= self._stride:
            self._points.append(_mean(self._waiting))
            self._waiting.clear()
        if len(self._points) >= self._most:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [_mean(pair) for pair in pairs]
            self._stride *= 2

    @property
    def points(self) -> list[tuple[float, float]]:
        """The points, the newest included."""
        return [*self._points, *([_mean(self._waiting)] if self._waiting else [])]


def _mean(points: Iterable[tuple[float, float]]) -> tuple[float, float]:
    xs, ys = zip(*points, strict=True)
    return sum(xs) / len(xs), sum(ys) / len(ys)


@dataclass(slots=True)
class Figures:
    """The state of a training. Losses in nats, accuracies as shares of 1, None while unknown.

    `step` of `total_steps` and `epoch` of `epochs` count over the whole run. The training figures
    are those of the epoch so far; the traces hold what was measured since the point before.
    `seconds_left` is for the training itself; making the model of it takes some seconds more.
    """

    phase: PhaseName = "starting"
    phase_done: int | None = None
    phase_total: int | None = None
    run: int | None = None
    name: str = ""
    step: int = 0
    total_steps: int | None = None
    epoch: int = 0
    epochs: int | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None
    train_loss: float | None = None
    train_accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    best_accuracy: float | None = None
    train_losses: Trace = field(default_factory=Trace)
    train_accuracies: Trace = field(default_factory=Trace)
    val_losses: Trace = field(default_factory=Trace)
    val_accuracies: Trace = field(default_factory=Trace)
    _batch: int = 1
    _ends: list[tuple[int, float]] = field(default_factory=list)
    _step_seconds: float | None = None
    _before: tuple[int, float, float] | None = None

    def take(self, event: Event) -> None:
        """Follow one event."""
        match event:
            case Phase():
                self.phase = event.name
                self.phase_done, self.phase_total = event.done, event.total
            case Started():
                self.run, self.name = event.run, event.name
                self.epochs, self.total_steps = event.epochs, event.total_steps
                self._batch = event.batch
            case Step():
                self._take_step(event)
            case Epoch():
                self.epochs = event.epochs
                self._take_epoch(event)
            case Done():
                self.seconds_left = None

    def take_stored(self, epochs: Iterable[EpochMetrics]) -> None:
        """Begin with the epochs that a run had finished before it was gone on with."""
        for epoch in epochs:
            self._take_epoch(epoch)

    def _take_step(self, step: Step) -> None:
        self._go_back(step.step)
        self.phase = "training"
        self.step, self.total_steps, self.epoch = step.step, step.total_steps, step.epoch
        self.images_per_second = step.images_per_second
        self.train_loss, self.train_accuracy = step.loss, step.accuracy
        self._trace(step.step, step.loss, step.accuracy)
        per_step = self._step_seconds
        if per_step is None and step.images_per_second > 0:
            per_step = self._batch / step.images_per_second
        if per_step is not None:
            self.seconds_left = per_step * max(0, step.total_steps - step.step)

    def _trace(self, step: int, loss: float, accuracy: float) -> None:
        """Put what was measured since the point before into the traces.

        The events carry means over the epoch so far. Of two such, the mean of what lies between
        follows (but for images left over at an epoch's end, which a batch more or less hides).
        """
        count = step - (self._ends[-1][0] if self._ends else 0)
        if count < 1:
            return
        seen, losses, rights = self._before or (0, 0.0, 0.0)
        if count > seen:
            self.train_losses.add(step, max(0.0, (loss * count - losses) / (count - seen)))
            right = (accuracy * count - rights) / (count - seen)
            self.train_accuracies.add(step, min(1.0, max(0.0, right)))
        self._before = (count, loss * count, accuracy * count)

    def _take_epoch(self, epoch: Epoch | EpochMetrics) -> None:
        self._go_back(epoch.step)
        self.step, self.epoch = epoch.step, epoch.epoch
        self.train_loss, self.train_accuracy = epoch.train_loss, epoch.train_accuracy
        self._trace(epoch.step, epoch.train_loss, epoch.train_accuracy)
        if self._ends:
            # The first epoch is left out: it has the tracing of the network in it.
            step, seconds = self._ends[-_PACE:][0]
            if epoch.step > step and epoch.seconds > seconds:
                self._step_seconds = (epoch.seconds - seconds) / (epoch.step - step)
        self._ends.append((epoch.step, epoch.seconds))
        self._before = None
        if epoch.val_loss is not None:
            self.val_loss = epoch.val_loss
            self.val_losses.add(epoch.step, epoch.val_loss)
        if epoch.val_accuracy is not None:
            self.val_accuracy = epoch.val_accuracy
            self.val_accuracies.add(epoch.step, epoch.val_accuracy)
            self.best_accuracy = max(self.best_accuracy or 0.0, epoch.val_accuracy)

    def _go_back(self, step: int) -> None:
        """What was beyond `step` is forgotten: the training went back to an earlier checkpoint."""
        if step >= self.step:
            return
        self._before = None
        while self._ends and self._ends[-1][0] >= step:
            self._ends.pop()
