"""The app's trainings: start one, watch it, stop it, leave it, and tell everybody how it goes.

One is watched at a time. It lives in a process of its own and outlives the app. What is heard of
it reaches the screens a few times a second, through `changed` and the status lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.signal import Signal

from ml.settings import TrainSettings
from storage.errors import NotReady, PixshelfError
from tui.frame.background import begin, tell_running
from tui.frame.changes import Change
from tui.plain.text import percent, printable
from tui.training.view import running_words
from tui.training.watched import Result, Watched

if TYPE_CHECKING:
    from textual.timer import Timer

    from ml.events import Event
    from ml.run_state import RunState
    from ml.training import Training
    from storage.records import ModelRecord, RunRecord
    from storage.repository import Repository
    from tui.app import PixshelfApp

TICK = 0.25
"""Seconds between two looks at what was heard."""

LOOK = 10.0
"""Seconds between two looks at runs that go on elsewhere, while there are any."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that did not come to its end, and how it stands."""

    record: RunRecord
    state: RunState


class Trainings:
    """What the app knows of trainings. `current` is the one watched now or last."""

    def __init__(self, app: PixshelfApp) -> None:
        self._app = app
        self._timer: Timer | None = None
        self._told: set[int] = set()
        self.current: Watched | None = None
        self.in_sight = False
        """Whether a screen shows the watched training, so that its end need not be announced."""
        self.changed: Signal[Watched] = Signal(app, "training")

    @property
    def watching(self) -> Watched | None:
        """The training that is watched now, if there is one."""
        current = self.current
        return current if current is not None and current.watching else None

    # --- to begin

    def start(self, settings: TrainSettings, name: str = "") -> Watched:
        """Train. `name` is what the plan calls the run. Raises NotReady while a training of one's
        own is watched."""
        self._refuse_second()

        def begin() -> Training:
            from ml.training import start_training

            return start_training(self._url(), settings)

        return self._watch(Watched(begin=begin, name=name))

    def resume(self, record: RunRecord) -> Watched:
        """Go on with a run. Raises NotReady as `start` does."""
        self._refuse_second()

        def begin() -> Training:
            from ml.training import resume_training

            return resume_training(self._url(), record.id)

        return self._watch(Watched(begin=begin, record=record))

    def attach(self, record: RunRecord) -> Watched:
        """Watch a run that another process works on. Raises NotReady as `start` does."""
        current = self.watching
        if current is not None and current.run == record.id:
            return current
        self._refuse_second()

        def follow() -> Iterator[Event]:
            from ml.training import follow_run

            return follow_run(self._url(), record.id)

        return self._watch(Watched(follow=follow, record=record))

    # --- to end

    def stop(self) -> None:
        """Ask the watched training to stop after its batch; everything is kept."""
        current = self.watching
        if current is None:
            return
        if current.own:
            current.request_stop()
        elif current.run is not None:
            current.state = "stopping"
            begin(self._app, self.stop_elsewhere(current.run), group="stop")
        current.say("plain", "stopping after this batch, keeping everything")
        self.changed.publish(current)

    async def stop_elsewhere(self, run: int) -> None:
        """Ask the process that works on a run to stop. What goes wrong is shown."""
        from ml.training import stop_run

        try:
            await self._app.dataset.work(lambda repo: stop_run(repo.url, run))
        except (PixshelfError, OSError) as error:
            current = self.watching
            if current is not None and current.run == run:
                current.state = "running"
            self._app.show_error(error)

    def kill(self) -> None:
        """End the watched training at once, if it is one's own: there will be no model."""
        if self.watching is not None:
            self.watching.kill()

    def leave(self) -> None:
        """Let the watched training go on without us."""
        current = self.watching
        if current is None:
            return
        current.leave()
        if current.run is not None:
            self._told.add(current.run)
        current.say("plain", "it goes on by itself; a watches it again")
        self._rest()
        self.changed.publish(current)
        self.look()

    def farewell(self) -> str:
        """What to say of a training that goes on when the app is left; '' if there is none."""
        current = self.watching
        if current is None:
            return ""
        if current.run is None:
            return "the training goes on by itself"
        words = self._app.command_line("runs", "attach", str(current.run))
        return f"{printable(current.name)} goes on by itself; watch it with: {words}"

    # --- what goes on elsewhere

    def look(self) -> None:
        """See whether other processes train on the dataset, and say so."""
        begin(self._app, self._look(), group="look", exclusive=True)

    async def _look(self) -> None:
        try:
            found = await self._app.dataset.survey(unfinished)
        except (PixshelfError, OSError):
            # Whoever reads the dataset next will meet this, and tell of it.
            return
        if self.watching is not None:
            return
        running = [each.record for each in found if each.state == "running"]
        names = ", ".join(printable(record.name) for record in running[:3])
        keys = self._app.key_of("app.train"), self._app.key_of("train.attach")
        self._tell(f"{names} trains elsewhere ({', '.join(keys)})" if running else "")
        for record in running:
            if record.id not in self._told:
                self._told.add(record.id)
                self._app.notify(
                    f"{printable(record.name)} is being trained by another process. "
                    f"{', then '.join(keys)}, watches it.",
                    markup=False,
                )
        if running:
            self._app.set_timer(LOOK, self.look)

    # --- to watch

    def _url(self) -> str:
        """The dataset's URL as another process needs it."""
        with self._app.dataset.open() as repo:
            return repo.url

    def _refuse_second(self) -> None:
        current = self.watching
        if current is None:
            return
        if not current.own:
            self.leave()
            return
        raise NotReady(
            f"{printable(current.name) or 'a training'} is being trained",
            hint="stop it, or detach it so that it goes on by itself",
        )

    def _watch(self, watched: Watched) -> Watched:
        self.current = watched
        watched.listen()
        self._tell(running_words(watched.figures, 0.0))
        if self._timer is None:
            self._timer = self._app.set_interval(TICK, self._tick)
        self.changed.publish(watched)
        return watched

    def _tell(self, text: str) -> None:
        """Say in every status line how it goes, beside what else is under way."""
        tell_running(self._app, "training", text)

    def _rest(self) -> None:
        self._tell("")
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _tick(self) -> None:
        current = self.watching
        if current is None:
            return
        if current.take():
            self._rest()
            begin(self._app, self._conclude(current), group="conclude")
        else:
            stopping = ", stopping" if current.state == "stopping" else ""
            self._tell(running_words(current.figures, current.elapsed) + stopping)
        self.changed.publish(current)

    async def _conclude(self, watched: Watched) -> None:
        """Find out what came out of it, and tell everybody."""
        done = watched.done
        if done is not None and done.model is not None:
            model = done.model
            try:
                watched.result = await self._app.dataset.survey(lambda repo: result_of(repo, model))
            except PixshelfError as error:
                watched.say("warning", f"its model cannot be compared: {error.message}")
        if not self.in_sight:
            self._app.notify(
                ending(watched),
                title="Training",
                severity="error" if watched.state == "failed" else "information",
                timeout=12,
                markup=False,
            )
        self._app.changes.publish(Change("training"))
        self.changed.publish(watched)


def unfinished(repo: Repository) -> tuple[Unfinished, ...]:
    """The runs that go on, or can be gone on with; the newest first."""
    from ml.run_state import RESUMABLE, run_state

    found = ((record, run_state(repo, record)) for record in repo.runs.all())
    return tuple(
        Unfinished(record, state)
        for record, state in found
        if state == "running" or state in RESUMABLE
    )


def result_of(repo: Repository, model_id: int) -> Result:
    """The model, and the best other one that has the same labels, by validation accuracy. Raises
    NotFound."""
    model = repo.models.get(model_id)
    labels = set(model.labels)

    def rank(each: ModelRecord) -> float:
        return -1.0 if each.val_accuracy is None else each.val_accuracy

    others = [
        each
        for each in repo.models.all()
        if each.id < model.id and set(each.labels) == labels and each.val_accuracy is not None
    ]
    return Result(model, max(others, key=rank, default=None))


def ending(watched: Watched) -> str:
    """How a training ended, in a sentence or two."""
    name = printable(watched.name) or "the training"
    if watched.error is not None:
        error = watched.error
        said = error.message if isinstance(error, PixshelfError) else str(error)
        again = "" if watched.run is None else " F4, then r, goes on with it."
        return f"{name} failed: {printable(said)[:300]}.{again}"
    if watched.result is None:
        return f"{name} was stopped; there is no model yet"
    return f"{name}: {comparison(watched.result)}"


def comparison(result: Result) -> str:
    """The model's validation accuracy beside the best one before it."""
    mine, best = result.model.val_accuracy, result.best
    if mine is None:
        return "the model is ready"
    words = f"{percent(mine)} of the validation images are right"
    if best is None or best.val_accuracy is None:
        return f"{words}; the first model of these labels"
    points = 100 * (mine - best.val_accuracy)
    than = f"{printable(best.name)}, the best before ({percent(best.val_accuracy)})"
    if abs(points) < 0.005:
        return f"{words}, as many as {than}"
    return f"{words}, {abs(points):.2f} points {'more' if points > 0 else 'fewer'} than {than}"
