"""The epochs of a run: train, validate, keep the best, and go on after what went wrong.

A Fitting stands at a place in a run, wherever that run was interrupted, and takes it to its end or
to a stop. What it does depends on the place and not on the way there, so an interrupted run ends
with the very weights of one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml import schedule
from ml.beginning import bare_trainer, new_trainer, smaller_batches, validating
from ml.calibration import loss_and_accuracy
from ml.events import CheckpointSaved, Epoch, Event, Note, Phase, Step, Throttle
from ml.keeping import PATIENT, QUICK, Best, Keeper, Kept, pack_best, with_place
from ml.network import put_weights
from ml.plan import TrainPlan
from ml.trainer import EVAL_PIXELS, Diverged, OutOfMemory, Progress, Trainer, averaged
from ml.weights import from_bytes
from storage.records import Checkpoint, EpochMetrics
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml.keeping import Weights

LEAST_RATE = 1 / 64
"""A training that comes apart even at this share of its learning rate is given up."""

_CHUNK = 4
"""Validation looks up from its work after so many batches."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """The decoded parts of a plan: uint8 images [N, H, W, C] and int32 targets [N]."""

    train: NDArray[np.uint8]
    train_targets: NDArray[np.int32]
    val: NDArray[np.uint8]
    val_targets: NDArray[np.int32]


def slack(accuracy: float, images: int) -> float:
    """By how much a later epoch may validate worse than the best and still replace it: a standard
    error of the accuracy, or one image.

    Within that, which epoch is ahead is luck, and the later one has the calmer learning rate. On
    8 x 8 digits the plain maximum often was an early epoch that tested a percent worse.
    """
    return max(1.0, math.sqrt(accuracy * (1 - accuracy) * images)) / images + 1e-9


class Fitting:
    """A run's training from where `kept` says. `store_plan` puts a changed plan, and the
    checkpoint that goes with it, into the dataset."""

    def __init__(
        self,
        repo: Repository,
        run: int,
        plan: TrainPlan,
        arrays: Arrays,
        kept: Kept,
        keeper: Keeper,
        *,
        tell: Callable[[Event], None],
        stopping: Callable[[], bool],
        store_plan: Callable[[TrainPlan, Checkpoint], None],
    ) -> None:
        self.plan = plan
        self.epochs = list(kept.epochs)
        self._repo = repo
        self._run = run
        self._arrays = arrays
        self._keeper = keeper
        self._tell = tell
        self._stopping = stopping
        self._store_plan = store_plan
        self._finished = list(kept.finished)
        self._finished_logits: list[NDArray[np.float32] | None] = [None] * len(kept.finished)
        self._best = kept.best
        self._end = kept.end
        self._end_kept = kept.state is not kept.end
        self._logits = kept.logits
        self._throttle = Throttle(time.monotonic)
        self._clock = time.perf_counter() - kept.seconds
        self._trainer: Trainer | None = None
        if kept.state is not None:
            self._trainer = self._restored(kept.state)

    @property
    def trainer(self) -> Trainer:
        """The trainer of the network in training, made when it is first needed."""
        if self._trainer is None:
            tell = None if self.epochs else self._tell
            run, images = self._run, self._arrays.train
            self._trainer = new_trainer(self._repo, run, self.plan, images, self._member, tell)
        return self._trainer

    @property
    def steps(self) -> int:
        """The steps taken in all."""
        if self.done:
            return self.plan.total_steps
        if self._trainer is None:
            return len(self._finished) * self.plan.recipe.steps
        return self._steps_before() + self._trainer.steps

    @property
    def _seconds(self) -> float:
        """How long the run has trained, in this process and before."""
        return time.perf_counter() - self._clock

    @property
    def done(self) -> bool:
        """Whether every epoch of every network is finished."""
        return len(self.epochs) == self.plan.recipe.epochs * self.plan.recipe.members

    def run(self) -> None:
        """Train until the end or a stop, which keeps the exact step. Raises Diverged and
        OutOfMemory where no calmer training and no smaller batch help."""
        while not self.done and not self._stopping():
            try:
                self._one_epoch()
            except Diverged as error:
                self._calm_down(error)
            except (OutOfMemory, MemoryError) as error:
                self._take_less(error)

    def networks(self) -> list[tuple[Weights, NDArray[np.float32]]]:
        """The best weights of each network so far with their logits on the validation images."""
        found = list(zip(self._finished, self._finished_logits, strict=True))
        if self._best is not None:
            found.append((self._best.weights, self._best.logits))
        return [
            (weights, self._logits_of(weights) if logits is None else logits)
            for weights, logits in found
        ]

    # Where it is

    @property
    def _member(self) -> int:
        """Which network is in training, from 0."""
        return min(len(self._finished), self.plan.recipe.members - 1)

    @property
    def _epoch(self) -> int:
        """The epoch in training, counted from 1 within its network."""
        return len(self.epochs) - self._member * self.plan.recipe.epochs + 1

    def _steps_before(self) -> int:
        return self._member * self.plan.recipe.steps

    def _in_run(self, state: Checkpoint) -> Checkpoint:
        """A trainer's checkpoint, with epoch and step counted over the whole run."""
        epoch = self._member * self.plan.recipe.epochs + state.epoch
        return replace(state, epoch=epoch, step=self._steps_before() + state.step)

    def _in_network(self, state: Checkpoint) -> Checkpoint:
        epoch = state.epoch - self._member * self.plan.recipe.epochs
        return replace(state, epoch=epoch, step=state.step - self._steps_before())

    # One epoch

    def _one_epoch(self) -> None:
        """Train and validate until an epoch is stored, or a stop."""
        trainer, epoch = self.trainer, self._epoch
        recipe, images = self.plan.recipe, self._arrays.train
        if trainer.steps < min(epoch * self.plan.steps_per_epoch, recipe.steps):
            targets = self._arrays.train_targets
            if trainer.run_epoch(images, targets, epoch, self._on_step) is None:
                return
        state = trainer.checkpoint(epoch)
        logits = self._validate(state)
        if logits is not None:
            self._record(state, logits)

    def _on_step(self, progress: Callable[[], Progress]) -> bool:
        """Tells where the training is, and keeps a checkpoint when it is time; whether to go on."""
        if self._throttle.ready():
            now = progress()
            self._tell(
                Step(
                    epoch=self._member * self.plan.recipe.epochs + now.epoch,
                    step=self._steps_before() + now.step,
                    total_steps=self.plan.total_steps,
                    loss=now.loss,
                    accuracy=now.accuracy,
                    learning_rate=now.learning_rate,
                    images_per_second=now.images_per_second,
                    seconds=now.seconds,
                )
            )
        stopping = self._stopping()
        if stopping or self._keeper.due():
            self._keep(self.trainer.checkpoint(self._epoch), stopping=stopping)
        return not stopping

    def _keep(
        self, state: Checkpoint, logits: NDArray[np.float32] | None = None, *, stopping: bool
    ) -> None:
        """Begin to store a state within an epoch; with `stopping`, also end that. The first one
        takes along the end of the epoch before, whose place it takes."""
        seconds, last = self._seconds, self._in_run(state)
        best, finished = self._best, tuple(self._finished)
        end = None if self._end_kept else self._end

        def pack() -> tuple[Checkpoint, Checkpoint | None]:
            place = with_place(last, seconds, logits)
            if best is None or end is None:
                return place, None
            return place, pack_best(best, finished, end)

        def stored() -> None:
            self._end_kept = True

        self._keeper.save(pack, stored, patience=PATIENT if stopping else QUICK)
        if stopping and not self._keeper.join():
            text = "the work since the last checkpoint is lost: it could not be written"
            self._tell(Note("warning", text))

    def _validate(self, state: Checkpoint) -> NDArray[np.float32] | None:
        """The logits on the validation images; None if a stop came first. In pieces of a fixed
        size, so that it ends alike from wherever it goes on. Raises Diverged for logits that are no
        numbers, which weights that are may give."""
        import numpy as np

        val, spec = self._arrays.val, self.plan.input
        chunk = _CHUNK * max(1, EVAL_PIXELS // (spec.height * spec.width))
        out = np.empty((len(val), len(self.plan.labels)), np.float32)
        begin = 0
        earlier, self._logits = self._logits, None
        if earlier is not None and earlier.shape[1:] == out.shape[1:]:
            self._refuse_no_numbers(earlier)
            begin = min(len(earlier), len(out))
            out[:begin] = earlier[:begin]
        for start in range(begin, len(val), chunk):
            end = min(start + chunk, len(val))
            with validating():
                out[start:end] = self.trainer.logits(val[start:end], alive=self._alive)
            self._refuse_no_numbers(out[start:end])
            stopping = self._stopping() and end < len(val)
            if stopping or self._keeper.due():
                self._keep(state, out[:end].copy(), stopping=stopping)
            if stopping:
                return None
        return out

    def _refuse_no_numbers(self, logits: NDArray[np.float32]) -> None:
        import numpy as np

        if not np.isfinite(logits).all():
            raise Diverged(
                f"the training came apart by step {self.trainer.steps}: its network's answers are "
                "no longer numbers",
                hint="try another --seed, or a larger --batch",
            )

    def _alive(self, done: int) -> None:
        """Shows the watcher that long work goes on, so that a stop is not thought to hang."""
        if self._throttle.ready():
            self._tell(Phase("training"))

    def _record(self, state: Checkpoint, logits: NDArray[np.float32]) -> None:
        """Store a finished epoch, and decide whether it is the best so far."""
        import numpy as np

        recipe, val = self.plan.recipe, self._arrays.val_targets
        loss, accuracy = loss_and_accuracy(logits, val)
        rows = (self.trainer.steps - (state.epoch - 1) * self.plan.steps_per_epoch) * recipe.batch
        train_loss, right = (float(x) / rows for x in np.asarray(_slots(state)["sums"]))
        place = schedule.one_cycle((self.trainer.steps - 1) / recipe.steps)
        last = self._in_run(state)
        metrics = EpochMetrics(
            epoch=last.epoch,
            step=last.step,
            seconds=self._seconds,
            learning_rate=recipe.peak_rate * self.trainer.rate_scale * place,
            train_loss=train_loss,
            train_accuracy=right,
            val_loss=loss,
            val_accuracy=accuracy,
        )
        earlier = [each.val_accuracy or 0.0 for each in self.epochs[self._member * recipe.epochs :]]
        highest = max([accuracy, *earlier])
        better = self._best is None or accuracy >= highest - slack(highest, len(val))
        best = self._best
        if best is None or better:
            best = Best(last.epoch, last.step, averaged(from_bytes(state.weights)), logits)
        stored = pack_best(best, tuple(self._finished)) if better else None
        self._keeper.join()
        self._repo.runs.record_epoch(self._run, metrics, last=last, best=stored)
        self._keeper.kept()
        self.epochs.append(metrics)
        self._best, self._end, self._end_kept = best, last, False
        self._tell_epoch(metrics, better)
        if state.epoch == recipe.epochs and self._member < recipe.members - 1:
            self._finished.append(best.weights)
            self._finished_logits.append(best.logits)
            self._trainer = self._best = self._end = None

    def _tell_epoch(self, metrics: EpochMetrics, better: bool) -> None:
        self._tell(
            Epoch(
                run=self._run,
                epoch=metrics.epoch,
                epochs=self.plan.recipe.epochs * self.plan.recipe.members,
                step=metrics.step,
                seconds=metrics.seconds,
                learning_rate=metrics.learning_rate,
                train_loss=metrics.train_loss,
                train_accuracy=metrics.train_accuracy,
                val_loss=metrics.val_loss,
                val_accuracy=metrics.val_accuracy,
                best=better,
            )
        )
        self._tell(CheckpointSaved(self._run, "last", metrics.epoch, metrics.step))
        if better:
            self._tell(CheckpointSaved(self._run, "best", metrics.epoch, metrics.step))

    # When it goes wrong

    def _calm_down(self, error: Diverged) -> None:
        """Go back to the end of the last finished epoch, and on with half the learning rate. That
        place, unlike the last checkpoint, does not depend on the clock."""
        rate = self.trainer.rate_scale / 2
        if rate < LEAST_RATE:
            raise error
        self._trainer = None
        state = self._go_back(rate)
        self._repo.runs.save_checkpoint(self._run, with_place(self._in_run(state), self._seconds))
        self._tell(
            Note(
                "warning",
                f"{error.message}; going back to {self._place()}, with {rate:g} of the learning "
                "rate",
            )
        )

    def _take_less(self, error: BaseException) -> None:
        """Go back to the end of the last finished epoch, and on with half the batch."""
        batch = self.plan.recipe.batch
        rate = 1.0 if self._trainer is None else self._trainer.rate_scale
        self._trainer = None
        end = None if self._end is None else self._in_network(self._end)
        self.plan = smaller_batches(self.plan, error)
        recipe = self.plan.recipe
        if end is not None:
            step = min(recipe.steps, end.epoch * self.plan.steps_per_epoch)
            self._end = self._in_run(replace(end, step=step))
        last = self._in_run(self._go_back(rate))
        self._store_plan(self.plan, with_place(last, self._seconds))
        self._tell(
            Note(
                "warning",
                f"a batch of {batch} does not fit in memory; going back to {self._place()}, with "
                f"batches of {recipe.batch}",
            )
        )

    def _go_back(self, rate: float) -> Checkpoint:
        """A new trainer at the end of the last finished epoch; gives its state. Whoever stores that
        has nothing written after it."""
        self._keeper.join()
        self._trainer = None if self._end is None else self._restored(self._end)
        trainer = self.trainer
        trainer.rate_scale = rate
        self._end_kept = False
        return trainer.checkpoint(self._epoch if self._end is None else self._epoch - 1)

    def _restored(self, state: Checkpoint) -> Trainer:
        """A trainer of the network in training, where it was; what it began with is not needed."""
        trainer = bare_trainer(self.plan, self._member)
        trainer.restore(self._in_network(state))
        return trainer

    def _place(self) -> str:
        epoch = len(self.epochs)
        return "the beginning" if self._end is None else f"the end of epoch {epoch}"

    def _logits_of(self, weights: Weights) -> NDArray[np.float32]:
        """The logits of a network that was trained earlier."""
        if self._trainer is None:
            self._trainer = bare_trainer(self.plan, self._member)
        put_weights(self._trainer.average, weights)
        with validating():
            return self._trainer.logits(self._arrays.val, alive=self._alive)


def _slots(state: Checkpoint) -> Weights:
    return from_bytes(state.optimizer)
