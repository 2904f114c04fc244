"""What a run keeps in the dataset while it trains, and where it goes on from after any end.

The 'last' checkpoint is the trainer's state, at an epoch's end or within one. The 'best' one holds
the best averaged weights of the network in training, those of the networks finished before it
(`member1/...`), and, once there is a checkpoint within an epoch, the end of the epoch before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ml.events import CheckpointSaved, Event, Note
from ml.weights import from_bytes, to_bytes, under
from storage.errors import ConnectionLost, DatasetBusy, DatasetError, StorageFull
from storage.opening import open_repository
from storage.records import Checkpoint, EpochMetrics
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Weights = dict[str, NDArray[Any]]

SAVE_EVERY = 7.0
"""Seconds from taking one checkpoint to taking the next, once the one before is written. With the
time that a step and the writing take, a process that is killed loses less than ten seconds of work.
"""

RETRY_AFTER = 1.0
"""Seconds until the next try where another process was writing."""

QUICK, PATIENT = 1.0, 20.0
"""Seconds to wait for other writers: with a checkpoint that others follow, with the last one."""

MAX_LOGITS = 64 * 1024 * 1024
"""The most bytes of a validation that is under way that a checkpoint carries."""


@dataclass(frozen=True, slots=True)
class Best:
    """The epoch whose averaged weights are kept, with their logits on the validation images where
    they are at hand. `epoch` and `step` count over the whole run."""

    epoch: int
    step: int
    weights: Weights
    logits: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run had when it ended: where to go on, and what it had by then.

    `epochs` are the finished ones. `state` is the trainer's, within the epoch after these or at
    their end; None begins the next network. `end` is the state at the end of the last finished
    epoch of the network in training, if it has one. `logits` are those that a validation had.
    `seconds` is how long it has trained.
    """

    epochs: tuple[EpochMetrics, ...] = ()
    finished: tuple[Weights, ...] = ()
    best: Best | None = None
    state: Checkpoint | None = None
    end: Checkpoint | None = None
    logits: NDArray[np.float32] | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Writing:
    """A checkpoint that is being written; `stored` is to be called once it is."""

    outcome: Future[Checkpoint]
    stored: Callable[[], None]


class Keeper:
    """Writes a run's checkpoints within epochs while the training goes on: one at a time, in a
    thread and through a connection of their own. What came of one is told, or raised, where the
    training next asks: by `due`, `save` or `join`. To be used as a context manager, in one thread.
    """

    def __init__(self, repo: Repository, run: int, tell: Callable[[Event], None]) -> None:
        self._url = repo.url
        self._run = run
        self._tell = tell
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._repo: Repository | None = None
        self._writing: _Writing | None = None
        self._next = time.monotonic() + SAVE_EVERY
        self._without = False

    def due(self) -> bool:
        """Whether it is time for a checkpoint, and the one before is written."""
        if self._writing is not None and not self._writing.outcome.done():
            return False
        self.join()
        return time.monotonic() >= self._next

    def kept(self) -> None:
        """Say that a checkpoint was just stored by other means."""
        self._next = time.monotonic() + SAVE_EVERY

    def save(
        self,
        pack: Callable[[], tuple[Checkpoint, Checkpoint | None]],
        stored: Callable[[], None] = lambda: None,
        *,
        patience: float = QUICK,
    ) -> None:
        """Begin to store what `pack` gives, which runs in the thread: the 'last' checkpoint, and
        where there is a new one the 'best'. `stored` is called once they are, by `join`. Where
        others write for all of `patience` seconds, the disk is full, or a server is away, the
        training goes on without."""
        self.join()
        self.kept()
        outcome = self._thread.submit(self._write, pack, patience)
        self._writing = _Writing(outcome, stored)

    def join(self) -> bool:
        """Wait until nothing is being written. Says whether what was is stored; True where there
        was nothing. Raises what went wrong unforeseen."""
        writing, self._writing = self._writing, None
        if writing is None:
            return True
        try:
            last = writing.outcome.result()
        except DatasetBusy:
            self._next = time.monotonic() + RETRY_AFTER
            return False
        except (StorageFull, ConnectionLost) as error:
            if not self._without:
                self._tell(Note("warning", f"no checkpoint is kept for now: {error.message}"))
            self._without = True
            return False
        self._without = False
        writing.stored()
        self._tell(CheckpointSaved(self._run, "last", last.epoch, last.step))
        return True

    def _write(
        self, pack: Callable[[], tuple[Checkpoint, Checkpoint | None]], patience: float
    ) -> Checkpoint:
        deadline = time.monotonic() + patience
        last, best = pack()
        while True:
            try:
                if self._repo is None:
                    self._repo = open_repository(self._url, wait=QUICK)
                self._repo.runs.save_checkpoint(self._run, last, best=best)
            except (DatasetBusy, ConnectionLost):
                if time.monotonic() >= deadline:
                    raise
            else:
                return last

    def _close(self) -> None:
        if self._repo is not None:
            self._repo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._thread:
            closing = self._thread.submit(self._close)
        try:
            self.join()
            closing.result()
        except Exception as second:
            if error is None:
                raise
            error.add_note(f"and its last checkpoint could not be written: {second}")


def pack_best(
    best: Best, finished: tuple[Weights, ...], end: Checkpoint | None = None
) -> Checkpoint:
    """The 'best' checkpoint, to be read by `read_kept`."""
    import numpy as np

    arrays = {f"average/{name}": array for name, array in best.weights.items()}
    for number, weights in enumerate(finished, 1):
        arrays |= {f"member{number}/{name}": array for name, array in weights.items()}
    if end is not None:
        arrays |= {f"end/{name}": array for name, array in from_bytes(end.weights).items()}
        arrays["end_at"] = np.array([end.epoch, end.step], np.int64)
    optimizer = b"" if end is None else end.optimizer
    return Checkpoint(best.epoch, best.step, to_bytes(arrays), optimizer)


def with_place(
    state: Checkpoint, seconds: float, logits: NDArray[np.float32] | None = None
) -> Checkpoint:
    """A trainer's state with the seconds of training so far, and what a validation at an epoch's
    end has given so far, if that is not much. To be read by `read_kept`."""
    import numpy as np

    arrays = from_bytes(state.weights) | {"seconds": np.array([seconds])}
    if logits is not None and 0 < logits.nbytes <= MAX_LOGITS:
        arrays["validation"] = logits
    return replace(state, weights=to_bytes(arrays))


def read_kept(repo: Repository, run: int, epochs_per_network: int) -> Kept:
    """What a run has in the dataset. Raises DatasetError where it does not hang together."""
    import numpy as np

    epochs = repo.runs.get(run).epochs
    last, stored = repo.runs.checkpoint(run, "last"), repo.runs.checkpoint(run, "best")
    count = len(epochs)
    if last is None and not epochs:
        return Kept()
    whole = [metrics.epoch for metrics in epochs] == list(range(1, count + 1))
    if last is None or last.epoch not in {count, count + 1} or (epochs and stored is None):
        whole = False
    if not whole or last is None:
        raise DatasetError(
            f"run {run} cannot be gone on with: its epochs and checkpoints do not fit together",
            hint="Train anew.",
        )
    member, begun = divmod(count, epochs_per_network)
    within = last.epoch == count + 1
    arrays = {} if stored is None else from_bytes(stored.weights)
    before = member if begun else member - 1
    finished = tuple(under(arrays, f"member{number}/") for number in range(1, before + 1))
    best = None
    if stored is not None:
        best = Best(stored.epoch, stored.step, under(arrays, "average/"), None)
        if not begun:  # the best of the network before
            finished, best = (*finished, best.weights), None
    end = None
    if begun and within and stored is not None:
        end = _end(arrays, stored, count)
    elif begun:
        end = last
    place = from_bytes(last.weights)
    seconds = epochs[-1].seconds if epochs else 0.0
    if place.get("seconds", np.empty(0)).shape == (1,):
        seconds = max(seconds, float(place["seconds"][0]))
    return Kept(
        epochs=epochs,
        finished=finished,
        best=best,
        state=last if within or begun else None,
        end=end,
        logits=under(place, "validation").get(""),
        seconds=seconds,
    )


def _end(arrays: Weights, stored: Checkpoint, epoch: int) -> Checkpoint:
    at = arrays.get("end_at")
    if at is None or at.shape != (2,) or int(at[0]) != epoch:
        raise DatasetError("the run's best checkpoint does not fit its last one")
    return Checkpoint(epoch, int(at[1]), to_bytes(under(arrays, "end/")), stored.optimizer)
