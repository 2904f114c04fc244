"""One training from beginning to end: plan, decode, train, calibrate, convert, store.

Runs in the child process, on the repository it is given, and tells what happens as events. Every
finished epoch is in the dataset before it is told; whatever ends the run, its status says how, and
`resume` goes on from where it was.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml.beginning import smaller_batches
from ml.calibration import fit_temperature, loss_and_accuracy
from ml.child import import_tensorflow
from ml.convert import PARITY_IMAGES, check_parity, run_litert, to_litert
from ml.events import Done, Event, Note, Phase, Started, Throttle
from ml.fitting import Arrays, Fitting
from ml.keeping import Keeper, Kept, read_kept
from ml.network import build_classifier, join_members
from ml.pacing import paced
from ml.pixels import decode_many
from ml.plan import TrainPlan, plan_again, plan_training
from ml.renaming import current_labels
from ml.settings import TrainSettings
from ml.spec import parameters
from ml.surroundings import cores, differences, versions
from ml.trainer import OutOfMemory, prepare_tensorflow
from ml.weights import to_bytes
from storage.errors import NotReady, PixshelfError
from storage.records import Checkpoint, NewModel, NewRun, RunRecord
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RunFailed(Exception):
    """A run that is stored ended with an error, which is this exception's cause."""

    def __init__(self, run: int) -> None:
        super().__init__(run)
        self.run = run


class _Stopped(Exception):
    """The stop came before there was anything to keep."""


class Running:
    """A training under way. `began` is when the process began, by time.monotonic; `held` hears of
    the run as soon as this process holds it, before any event that is about it."""

    def __init__(
        self,
        repo: Repository,
        tell: Callable[[Event], None],
        stopping: Callable[[], bool],
        began: float,
        held: Callable[[int], None] = lambda run: None,
    ) -> None:
        self._held = held
        self._repo = repo
        self._tell = tell
        self._stopping = stopping
        self._began = began
        self._throttle = Throttle(time.monotonic)
        self._threads = 1
        self._paced: dict[str, Any] | None = None

    def train(self, settings: TrainSettings) -> Done:
        """Do it all. Raises PixshelfError for what cannot be begun, and RunFailed for what went
        wrong after the run was stored (where it is then marked as failed)."""
        self._tell(Phase("starting"))
        plan = plan_training(self._repo, settings)
        self._threads = settings.threads or cores()
        run = self._repo.runs.create(self._new_run(plan))
        with self._repo.runs.hold(run):
            self._held(run)
            return self._guarded(plan, run, Kept())

    def resume(self, run: int) -> Done:
        """Go on with a run that was stopped, failed or was interrupted, to the weights that it
        would have had without; from its beginning where it has no checkpoint. Raises NotReady for
        a run that is done or whose images have changed, DatasetBusy for one that a process works
        on, NotFound, and else what `train` raises."""
        self._tell(Phase("starting"))
        runs = self._repo.runs
        _refuse_done(runs.get(run))
        with runs.hold(run):
            self._held(run)
            record = runs.get(run)  # anew: another process may just have finished it
            _refuse_done(record)
            plan = plan_again(self._repo, record)
            if plan.data_digest != record.data_digest:
                raise NotReady(
                    f"run {run} cannot be gone on with: images, labels or splits have changed "
                    "since it began",
                    hint="Undo the changes (see 'pixshelf history'), or train anew.",
                )
            kept = read_kept(self._repo, run, plan.recipe.epochs)
            self._threads = _threads_of(record, plan)
            self._paced = record.settings.get("paced")
            for note in differences(record):
                self._tell(note)
            runs.reopen(run, os.getpid())
            return self._guarded(plan, run, kept)

    def _guarded(self, plan: TrainPlan, run: int, kept: Kept) -> Done:
        try:
            self._tell(_started(plan, run))
            if kept.state is not None or kept.epochs:
                self._tell(Note("info", _where(plan, kept)))
            return self._train(plan, run, kept)
        except Exception as error:
            said = error.message if isinstance(error, PixshelfError) else _internal(error)
            try:
                self._repo.runs.finish(run, "failed", error=said)
            except PixshelfError as second:
                # Often for the same reason, such as a full disk: the first is the one to tell.
                self._tell(Note("warning", f"how the run ended is not stored: {second.message}"))
            raise RunFailed(run) from error

    def _train(self, plan: TrainPlan, run: int, kept: Kept) -> Done:
        library = _Import()
        try:
            images, val = self._decode(plan)
        except _Stopped:
            return self._nothing(plan, run, kept)
        finally:
            library.join()
        import numpy as np

        prepare_tensorflow(self._threads)
        arrays = Arrays(
            images,
            np.asarray(plan.train.targets, np.int32),
            val,
            np.asarray(plan.val.targets, np.int32),
        )
        self._tell(Phase("training"))
        try:
            plan = self._pace(plan, run, arrays)
        except _Stopped:
            return self._nothing(plan, run, kept)
        with Keeper(self._repo, run, self._tell) as keeper:
            fitting = Fitting(
                self._repo,
                run,
                plan,
                arrays,
                kept,
                keeper,
                tell=self._tell,
                stopping=self._stopping,
                store_plan=lambda plan, last: self._revise(plan, run, last),
            )
            fitting.run()
        return self._store(run, fitting, arrays)

    def _decode(self, plan: TrainPlan) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The images to train on and those to validate with."""

        def progress(done: int, total: int) -> None:
            if self._stopping():
                raise _Stopped
            if self._throttle.ready():
                self._tell(Phase("decoding", before + done, everything))

        def decoded(ids: Any) -> NDArray[np.uint8]:
            return decode_many(
                self._repo.images.iter_data(ids),
                len(ids),
                plan.input,
                threads=self._threads,
                progress=progress,
            )

        before, everything = 0, len(plan.train) + len(plan.val)
        self._tell(Phase("decoding", 0, everything))
        try:
            train = decoded(plan.train.ids)
            before = len(plan.train)
            return train, decoded(plan.val.ids)
        except MemoryError as error:
            size = f"{plan.input.width}x{plan.input.height}"
            raise NotReady(
                f"{everything:,} pictures of {size} do not fit in memory",
                hint="Choose a smaller --size, or fewer images with --on.",
            ) from error

    def _pace(
        self, plan: TrainPlan, run: int, arrays: Arrays, *, repeatable: bool = True
    ) -> TrainPlan:
        """With a budget of minutes: the plan with the number of steps that it allows, which is
        decided and stored once. `repeatable`: with that number the settings give this very plan."""
        minutes = plan.settings.minutes
        if minutes is None or self._paced is not None:
            return plan
        end = self._began + 60 * minutes
        try:
            plan, facts = paced(self._repo, run, plan, arrays, end=end, stopping=self._stopping)
        except (OutOfMemory, MemoryError) as error:
            smaller = smaller_batches(plan, error)
            text = f"a batch of {plan.recipe.batch} does not fit in memory; trying half of it"
            self._tell(Note("warning", text))
            return self._pace(smaller, run, arrays, repeatable=False)
        if self._stopping():
            raise _Stopped
        self._paced = facts
        self._revise(plan, run, None)
        steps = plan.recipe.steps
        how = f"; --steps {steps} repeats this run" if repeatable else ""
        self._tell(Note("info", f"{steps:,} steps fit into {minutes:g} minutes{how}"))
        return plan

    def _revise(self, plan: TrainPlan, run: int, last: Checkpoint | None) -> None:
        self._repo.runs.revise(
            run,
            settings=self._settings(plan),
            total_epochs=plan.recipe.epochs * plan.recipe.members,
            total_steps=plan.total_steps,
            last=last,
        )

    def _store(self, run: int, fitting: Fitting, arrays: Arrays) -> Done:
        """Make a model of the best weights: calibrated, converted, compared, stored."""
        import numpy as np

        networks = fitting.networks()
        plan = fitting.plan
        if not networks:
            return self._nothing(plan, run, Kept(), fitting.steps)
        self._tell(Phase("calibrating"))
        logits = np.stack([each for _, each in networks]).mean(axis=0)
        temperature = fit_temperature(logits, arrays.val_targets)
        loss, accuracy = loss_and_accuracy(logits, arrays.val_targets, temperature)

        self._tell(Phase("converting"))
        spec = replace(plan.architecture, members=len(networks))
        weights = join_members([each for each, _ in networks])
        classifier = build_classifier(spec, weights, temperature)
        litert = to_litert(classifier)
        sample = arrays.val[:PARITY_IMAGES]
        if len(sample) < PARITY_IMAGES:
            sample = np.concatenate([sample, arrays.train[: PARITY_IMAGES - len(sample)]])
        expected = classifier(sample, training=False).numpy()
        check_parity(expected, run_litert(litert, sample, self._threads))

        self._tell(Phase("saving"))
        stored = to_bytes(weights)
        model = self._repo.models.add(
            NewModel(
                name=plan.name,
                labels=current_labels(self._repo, plan),
                spec=spec.to_json(),
                parameters=parameters(spec),
                weights=stored,
                litert=litert,
                temperature=temperature,
                run=run,
                val_accuracy=accuracy,
                val_loss=loss,
            )
        )
        self._repo.runs.finish(run, "done" if fitting.done else "stopped")
        return Done(
            run=run,
            model=model,
            epochs=len(fitting.epochs),
            steps=fitting.steps,
            seconds=time.monotonic() - self._began,
            train_seconds=fitting.epochs[-1].seconds,
            val_accuracy=accuracy,
            val_loss=loss,
            seed=plan.settings.seed,
            weights_sha256=hashlib.sha256(stored).hexdigest(),
            stopped=not fitting.done,
        )

    def _nothing(self, plan: TrainPlan, run: int, kept: Kept, steps: int = 0) -> Done:
        """The end of a run that was stopped before there was an epoch to make a model of, or
        before it could go on."""
        self._repo.runs.finish(run, "stopped")
        return Done(
            run=run,
            model=None,
            epochs=len(kept.epochs),
            steps=kept.state.step if kept.state is not None else steps,
            seconds=time.monotonic() - self._began,
            train_seconds=kept.epochs[-1].seconds if kept.epochs else 0.0,
            val_accuracy=None,
            val_loss=None,
            seed=plan.settings.seed,
            weights_sha256=None,
            stopped=True,
        )

    def _settings(self, plan: TrainPlan) -> dict[str, Any]:
        """What the run stores of how it is done: enough to go on with it, and to repeat it."""
        paced = {} if self._paced is None else {"paced": self._paced}
        return plan.to_run() | {"threads": self._threads} | paced

    def _new_run(self, plan: TrainPlan) -> NewRun:
        return NewRun(
            name=plan.name,
            seed=plan.settings.seed,
            settings=self._settings(plan),
            labels=plan.labels,
            data_digest=plan.data_digest,
            versions=versions(),
            total_epochs=plan.recipe.epochs * plan.recipe.members,
            total_steps=plan.total_steps,
            pid=os.getpid(),
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
        epochs=plan.recipe.epochs * plan.recipe.members,
        steps_per_epoch=plan.steps_per_epoch,
        total_steps=plan.total_steps,
        parameters=plan.parameters,
    )


def _refuse_done(record: RunRecord) -> None:
    if record.status == "done":
        raise NotReady(
            f"run {record.id} is done: there is nothing to go on with",
            hint="Train more from its model with: pixshelf train --from MODEL",
        )


def _where(plan: TrainPlan, kept: Kept) -> str:
    """From where a run goes on, in words."""
    step = kept.state.step if kept.state is not None else kept.epochs[-1].step
    epochs = plan.recipe.epochs * plan.recipe.members
    return (
        f"going on after step {step:,} of {plan.total_steps:,}, with {len(kept.epochs)} of "
        f"{epochs} epochs finished"
    )


def _threads_of(record: RunRecord, plan: TrainPlan) -> int:
    """The threads that the run began with: with others, sums are taken in another order."""
    threads = record.settings.get("threads")
    if isinstance(threads, int) and 1 <= threads <= 1024:
        return threads
    return plan.settings.threads or cores()


def _internal(error: BaseException) -> str:
    return f"internal: {type(error).__name__}: {error}"
