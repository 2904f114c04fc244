"""One training from beginning to end: plan, decode, train, calibrate, convert, store.

Runs in the child process, on the repository it is given, and tells what happens as events. Every
finished epoch is in the dataset before it is told; whatever ends the run, its status says how.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml.calibration import fit_temperature, loss_and_accuracy
from ml.child import import_tensorflow
from ml.convert import PARITY_IMAGES, check_parity, run_litert, to_litert
from ml.events import CheckpointSaved, Done, Epoch, Event, Phase, Started, Step, Throttle
from ml.pixels import decode_many
from ml.plan import TrainPlan, plan_training
from ml.settings import TrainSettings
from ml.spec import parameters
from ml.weights import from_bytes, to_bytes
from storage.errors import NotReady, PixshelfError
from storage.records import Checkpoint, EpochMetrics, NewModel, NewRun
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml.trainer import Progress, Trainer

LIBRARIES = ("tensorflow", "keras", "numpy", "ai-edge-litert", "safetensors")


@dataclass(frozen=True, slots=True)
class Arrays:
    """The decoded parts of a plan: uint8 images [N, H, W, C] and int32 targets [N]."""

    train: NDArray[np.uint8]
    train_targets: NDArray[np.int32]
    val: NDArray[np.uint8]
    val_targets: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Best:
    """The epoch whose averaged weights are kept, with their logits on the validation images, and
    the highest accuracy of any epoch so far."""

    highest: float
    checkpoint: Checkpoint
    logits: NDArray[np.float32]


def slack(accuracy: float, images: int) -> float:
    """By how much a later epoch may validate worse than the best and still replace it: a standard
    error of the accuracy, or one image.

    Within that, which epoch is ahead is luck, and the later one has the calmer learning rate. On
    8 x 8 digits the plain maximum often was an early epoch that tested a percent worse.
    """
    return max(1.0, math.sqrt(accuracy * (1 - accuracy) * images)) / images + 1e-9


class RunFailed(Exception):
    """A run that is stored ended with an error, which is this exception's cause."""

    def __init__(self, run: int) -> None:
        super().__init__(run)
        self.run = run


class _Stopped(Exception):
    """The stop came before there was anything to keep."""


class Running:
    """A training under way. `began` is when the process began, by time.monotonic."""

    def __init__(
        self,
        repo: Repository,
        tell: Callable[[Event], None],
        stopping: Callable[[], bool],
        began: float,
    ) -> None:
        self._repo = repo
        self._tell = tell
        self._stopping = stopping
        self._began = began
        self._throttle = Throttle(time.monotonic)

    def train(self, settings: TrainSettings) -> Done:
        """Do it all. Raises PixshelfError for what cannot be begun, and RunFailed for what went
        wrong after the run was stored (where it is then marked as failed)."""
        self._tell(Phase("starting"))
        plan = plan_training(self._repo, settings)
        run = self._repo.runs.create(_new_run(plan))
        try:
            self._tell(_started(plan, run))
            return self._train(plan, run)
        except Exception as error:
            said = error.message if isinstance(error, PixshelfError) else _internal(error)
            self._repo.runs.finish(run, "failed", error=said)
            raise RunFailed(run) from error

    def _train(self, plan: TrainPlan, run: int) -> Done:
        library = _Import()
        try:
            arrays = self._decode(plan)
        except _Stopped:
            return self._nothing(plan, run)
        finally:
            library.join()
        from ml.trainer import Trainer, prepare_tensorflow

        prepare_tensorflow(plan.settings.threads)
        trainer = Trainer(
            plan.architecture,
            plan.recipe,
            seed=plan.settings.seed,
            steps_per_epoch=plan.steps_per_epoch,
        )
        self._tell(Phase("training"))
        best, epochs = self._epochs(plan, run, trainer, arrays)
        if best is None:
            return self._nothing(plan, run, trainer)
        stopped = epochs < plan.recipe.epochs
        return self._store(plan, run, trainer, arrays, best, epochs, stopped)

    def _decode(self, plan: TrainPlan) -> Arrays:
        import numpy as np

        def progress(done: int, total: int) -> None:
            if self._stopping():
                raise _Stopped
            if self._throttle.ready():
                self._tell(Phase("decoding", before + done, everything))

        def decoded(ids: Sequence[int]) -> NDArray[np.uint8]:
            return decode_many(
                self._repo.images.iter_data(ids),
                len(ids),
                plan.input,
                threads=plan.settings.threads,
                progress=progress,
            )

        before, everything = 0, len(plan.train) + len(plan.val)
        self._tell(Phase("decoding", 0, everything))
        train = decoded(plan.train.ids)
        before = len(plan.train)
        val = decoded(plan.val.ids)
        return Arrays(
            train,
            np.asarray(plan.train.targets, np.int32),
            val,
            np.asarray(plan.val.targets, np.int32),
        )

    def _epochs(
        self, plan: TrainPlan, run: int, trainer: Trainer, arrays: Arrays
    ) -> tuple[Best | None, int]:
        """Train epoch by epoch until the end or a stop; gives the best and how many finished."""
        best: Best | None = None
        clock = time.perf_counter()
        for epoch in range(1, plan.recipe.epochs + 1):
            at_end = trainer.run_epoch(
                arrays.train, arrays.train_targets, epoch, self._on_step(plan)
            )
            if at_end is None:
                return best, epoch - 1
            logits = trainer.logits(arrays.val, alive=self._alive)
            loss, accuracy = loss_and_accuracy(logits, arrays.val_targets)
            metrics = EpochMetrics(
                epoch=epoch,
                step=at_end.step,
                seconds=time.perf_counter() - clock,
                learning_rate=at_end.learning_rate,
                train_loss=at_end.loss,
                train_accuracy=at_end.accuracy,
                val_loss=loss,
                val_accuracy=accuracy,
            )
            last = trainer.checkpoint(epoch)
            highest = max(accuracy, best.highest) if best else accuracy
            better = best is None or accuracy >= highest - slack(highest, len(arrays.val))
            if best is None or better:
                best = Best(highest, last, logits)
            else:
                best = replace(best, highest=highest)
            self._repo.runs.record_epoch(run, metrics, last=last, best=last if better else None)
            self._tell_epoch(plan, run, metrics, better)
            if self._stopping():
                return best, epoch
        return best, plan.recipe.epochs

    def _on_step(self, plan: TrainPlan) -> Callable[[Callable[[], Progress]], bool]:
        def on_step(progress: Callable[[], Progress]) -> bool:
            if self._throttle.ready():
                now = progress()
                self._tell(
                    Step(
                        epoch=now.epoch,
                        step=now.step,
                        total_steps=plan.total_steps,
                        loss=now.loss,
                        accuracy=now.accuracy,
                        learning_rate=now.learning_rate,
                        images_per_second=now.images_per_second,
                        seconds=now.seconds,
                    )
                )
            return not self._stopping()

        return on_step

    def _alive(self, done: int) -> None:
        """Shows the watcher that long work goes on, so that a stop is not thought to hang."""
        if self._throttle.ready():
            self._tell(Phase("training"))

    def _tell_epoch(self, plan: TrainPlan, run: int, metrics: EpochMetrics, better: bool) -> None:
        self._tell(
            Epoch(
                run=run,
                epoch=metrics.epoch,
                epochs=plan.recipe.epochs,
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
        self._tell(CheckpointSaved(run, "last", metrics.epoch, metrics.step))
        if better:
            self._tell(CheckpointSaved(run, "best", metrics.epoch, metrics.step))

    def _store(
        self,
        plan: TrainPlan,
        run: int,
        trainer: Trainer,
        arrays: Arrays,
        best: Best,
        epochs: int,
        stopped: bool,
    ) -> Done:
        """Make a model of the best weights: calibrated, converted, compared, stored."""
        import numpy as np

        from ml.network import build_classifier
        from ml.trainer import averaged

        train_seconds = self._repo.runs.get(run).epochs[-1].seconds
        self._tell(Phase("calibrating"))
        temperature = fit_temperature(best.logits, arrays.val_targets)
        loss, accuracy = loss_and_accuracy(best.logits, arrays.val_targets, temperature)

        self._tell(Phase("converting"))
        weights = averaged(from_bytes(best.checkpoint.weights))
        classifier = build_classifier(plan.architecture, weights, temperature)
        litert = to_litert(classifier)
        sample = arrays.val[:PARITY_IMAGES]
        if len(sample) < PARITY_IMAGES:
            sample = np.concatenate([sample, arrays.train[: PARITY_IMAGES - len(sample)]])
        expected = classifier(sample, training=False).numpy()
        check_parity(expected, run_litert(litert, sample, plan.settings.threads))

        self._tell(Phase("saving"))
        stored = to_bytes(weights)
        model = self._repo.models.add(
            NewModel(
                name=plan.name,
                labels=plan.labels,
                spec=plan.architecture.to_json(),
                parameters=trainer.parameters,
                weights=stored,
                litert=litert,
                temperature=temperature,
                run=run,
                val_accuracy=accuracy,
                val_loss=loss,
            )
        )
        self._repo.runs.finish(run, "stopped" if stopped else "done")
        return Done(
            run=run,
            model=model,
            epochs=epochs,
            steps=trainer.steps,
            seconds=time.monotonic() - self._began,
            train_seconds=train_seconds,
            val_accuracy=accuracy,
            val_loss=loss,
            seed=plan.settings.seed,
            weights_sha256=hashlib.sha256(stored).hexdigest(),
            stopped=stopped,
        )

    def _nothing(self, plan: TrainPlan, run: int, trainer: Trainer | None = None) -> Done:
        """The end of a run that was stopped before its first epoch was finished."""
        self._repo.runs.finish(run, "stopped")
        return Done(
            run=run,
            model=None,
            epochs=0,
            steps=trainer.steps if trainer else 0,
            seconds=time.monotonic() - self._began,
            train_seconds=trainer.seconds if trainer else 0.0,
            val_accuracy=None,
            val_loss=None,
            seed=plan.settings.seed,
            weights_sha256=None,
            stopped=True,
        )


class _Import:
    """TensorFlow's import in a thread: much of it is loading libraries, while others decode."""

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="import")
        self._thread.start()

    def _run(self) -> None:
        try:
            import_tensorflow()
        except BaseException as error:
            self._error = error

    def join(self) -> None:
        """Wait for the import. Raises NotReady if TensorFlow is not there or does not load."""
        self._thread.join()
        if self._error is not None:
            raise NotReady(
                f"TensorFlow cannot be loaded: {self._error}", hint="look with: pixshelf doctor"
            ) from self._error


def _started(plan: TrainPlan, run: int) -> Started:
    return Started(
        run=run,
        name=plan.name,
        pid=os.getpid(),
        seed=plan.settings.seed,
        preset=plan.settings.preset,
        labels=plan.labels,
        train=len(plan.train),
        val=len(plan.val),
        height=plan.input.height,
        width=plan.input.width,
        channels=plan.input.channels,
        batch=plan.recipe.batch,
        epochs=plan.recipe.epochs,
        steps_per_epoch=plan.steps_per_epoch,
        total_steps=plan.total_steps,
        parameters=parameters(plan.architecture),
    )


def _new_run(plan: TrainPlan) -> NewRun:
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return NewRun(
        name=plan.name,
        seed=plan.settings.seed,
        settings=plan.to_run(),
        labels=plan.labels,
        data_digest=plan.data_digest,
        versions=versions | {"python": platform.python_version()},
        total_epochs=plan.recipe.epochs,
        total_steps=plan.total_steps,
        pid=os.getpid(),
    )


def _internal(error: BaseException) -> str:
    return f"internal: {type(error).__name__}: {error}"
