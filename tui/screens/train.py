"""Training: a form with its plan beside it, and the training that is watched.

The plan is made anew, in a process of its own, when the values have rested for a moment or the
dataset has changed. The training itself is the app's (tui/training/trainings.py): it outlives
this screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, ContentSwitcher, Input, RichLog, Static

from ml.settings import TrainSettings
from storage.errors import NotReady, PixshelfError
from tui.actions import bindings_of
from tui.evaluation.evaluations import model_words
from tui.frame.changes import Change
from tui.frame.section import Section
from tui.models.actions import (
    compare,
    evaluate,
    model_commands,
    open_mistakes,
    run_commands,
)
from tui.plain.text import printable, shorten
from tui.training.form import fault, field_at_fault, train_words
from tui.training.form_widget import TrainForm
from tui.training.panel import TrainingPanel
from tui.training.plan_pane import PlanPane
from tui.training.trainings import Unfinished, unfinished
from tui.training.watched import Watched

if TYPE_CHECKING:
    from storage.records import ModelRecord, RunRecord
    from storage.repository import Repository

REST = 0.3
"""Seconds without a change after which a plan is made."""


class TrainScreen(Section):
    """The form and the training that is watched, in each other's place."""

    NAME = "train"
    AUTO_FOCUS = "#start"
    BINDINGS: ClassVar = bindings_of("train")
    DEFAULT_CSS = """
    TrainScreen #offer { height: auto; padding: 0 1; color: $text-accent; display: none; }
    TrainScreen ContentSwitcher { height: 1fr; }
    TrainScreen #form { height: 100%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._settings: TrainSettings | None = TrainSettings()
        self._planned: TrainSettings | None = None
        self._resting: Timer | None = None
        self._stale = False
        self._seen: Watched | None = None
        self._unfinished: tuple[Unfinished, ...] = ()
        self._words: dict[int, str] = {}

    def body(self) -> ComposeResult:
        yield Static(id="offer")
        with ContentSwitcher(initial="form"):
            with Horizontal(id="form"):
                yield TrainForm()
                yield PlanPane()
            yield TrainingPanel()

    def on_mount(self) -> None:
        self.pixshelf.changes.subscribe(self, self._on_change)
        self.pixshelf.trainings.changed.subscribe(self, self._on_training)
        self.refresh_data()
        if self.pixshelf.trainings.watching is not None:
            self._show("watch")

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        if self._stale:
            self.refresh_data()
        current = self.pixshelf.trainings.current
        if current is not None and current is not self._seen:
            self._show("watch")
        elif current is not None:
            self._panel.show(current)
        self.pixshelf.trainings.in_sight = self._showing == "watch"
        self.refresh_bindings()

    def on_screen_suspend(self) -> None:
        self.pixshelf.trainings.in_sight = False

    def refresh_data(self) -> None:
        """Plan anew, and look for runs that did not come to their end."""
        self._stale = False
        self._planned = None
        self._plan_soon()
        self.start(self._look(), group="look")

    # --- what is shown

    @property
    def _form(self) -> TrainForm:
        return self.query_one(TrainForm)

    @property
    def _panel(self) -> TrainingPanel:
        return self.query_one(TrainingPanel)

    @property
    def _showing(self) -> str:
        return self.query_one(ContentSwitcher).current or "form"

    def _show(self, what: str) -> None:
        """Show the form or, as 'watch', the training."""
        current = self.pixshelf.trainings.current
        if what == "watch" and current is None:
            return
        self.query_one(ContentSwitcher).current = what
        if what == "watch" and current is not None:
            self._seen = current
            self._panel.show(current)
            self._panel.query_one(RichLog).focus()
        else:
            self.query_one("#start", Button).focus()
        self.pixshelf.trainings.in_sight = self._showing == "watch"
        self._offer()
        self.refresh_bindings()

    def _on_training(self, watched: Watched) -> None:
        if watched is self.pixshelf.trainings.current and self.is_current:
            self._panel.show(watched)
            self.refresh_bindings()

    def _on_change(self, change: Change) -> None:
        if change.what == "edit":
            return
        if self.is_current:
            self.refresh_data()
        else:
            self._stale = True

    async def _look(self) -> None:
        """Find runs to attach to and to go on with, and the models to start from."""

        def look(repo: Repository) -> tuple[tuple[Unfinished, ...], dict[int, str]]:
            return unfinished(repo), model_words(repo.models.all())

        self._unfinished, self._words = await self.pixshelf.dataset.survey(look)
        self._form.suggest_models(self._words.values())
        self._offer()
        self.refresh_bindings()

    def _offer(self) -> None:
        """Say above the form what else can be trained."""
        line = self.query_one("#offer", Static)
        words = offer(self._elsewhere(), self._resumable())
        line.update(Content(words))
        line.display = bool(words) and self._showing == "form"

    def _elsewhere(self) -> list[RunRecord]:
        """The runs that other processes work on and that are not watched."""
        watching = self.pixshelf.trainings.watching
        return [
            each.record
            for each in self._unfinished
            if each.state == "running" and (watching is None or watching.run != each.record.id)
        ]

    def _resumable(self) -> list[RunRecord]:
        return [each.record for each in self._unfinished if each.state != "running"]

    # --- the plan

    def on_train_form_changed(self, event: TrainForm.Changed) -> None:
        self._settings = event.settings
        self._plan_soon()

    def _plan_soon(self) -> None:
        if self._resting is not None:
            self._resting.stop()
        pane = self.query_one(PlanPane)
        pane.stale = True
        pane.show()
        self._resting = self.set_timer(REST, self._plan_now)

    def _plan_now(self) -> None:
        if self._settings is not None:
            self.start(self._plan(self._settings), group="plan")

    async def _plan(self, settings: TrainSettings) -> None:
        from tui.training.plan_facts import plan_in_child

        pane = self.query_one(PlanPane)
        if settings != self._planned:
            url = await self.pixshelf.dataset.read(lambda repo: repo.url)
            try:
                pane.facts = await plan_in_child(url, settings)
            except PixshelfError as error:
                self._refused(error, settings)
            else:
                pane.trouble = None
                self._form.show_unset(pane.facts.unset)
                self._form.read()
            self._planned = settings
        pane.stale = False
        pane.show()

    def _refused(self, error: PixshelfError, settings: TrainSettings) -> None:
        pane = self.query_one(PlanPane)
        name = field_at_fault(error, settings)
        if name is None:
            pane.trouble = error
        else:
            self._form.refuse(name, fault(error))
            pane.trouble = PixshelfError("see the field marked with !")

    # --- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        if not self.is_mounted:
            return True
        trainings = self.pixshelf.trainings
        current, form = trainings.current, self._showing == "form"
        ended = current is not None and not form and current.result is not None
        can = {
            "start": form,
            "clear": form,
            "next_field": form,
            "previous_field": form,
            "stop": trainings.watching is not None and not form,
            "detach": trainings.watching is not None and not form,
            "switch": current is not None,
            "attach": bool(self._elsewhere()),
            "resume": trainings.watching is None and bool(self._resumable()),
            "compare": ended and self._best() is not None,
            "evaluate": ended,
            "mistakes": ended,
        }
        return can.get(action, True)

    def on_train_form_start(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Train with the values of the form."""
        settings = self._form.read()
        pane = self.query_one(PlanPane)
        if settings is None:
            self._form.focus_wrong()
            return
        if settings == self._planned and pane.trouble is not None:
            # It is known already that it cannot be; the form says where.
            self.pixshelf.show_error(pane.trouble)
            return
        fresh = pane.facts is not None and not pane.stale and settings == self._planned
        name = pane.facts.name if fresh and pane.facts is not None else settings.name or ""
        self._begin(lambda: self.pixshelf.trainings.start(settings, name))

    def _begin(self, begin: Callable[[], Watched]) -> None:
        try:
            begin()
        except NotReady as error:
            self.pixshelf.show_error(error)
            return
        self._show("watch")

    def action_stop(self) -> None:
        """Stop after the batch; when asked again, at once."""
        current = self.pixshelf.trainings.watching
        if current is None:
            return
        if current.state == "running" or not current.own:
            self.pixshelf.trainings.stop()
            return
        from tui.frame.dialogs import Question

        def answered(answer: str | None) -> None:
            if answer == "End it":
                self.pixshelf.trainings.kill()

        self.pixshelf.push_screen(
            Question(
                "It stops after this batch and makes a model of what it has. End it at once?",
                ("Wait", "End it"),
                hint="What it stored last is kept, and can be gone on with.",
            ),
            answered,
        )

    def action_detach(self) -> None:
        """Let the training go on by itself."""
        self.pixshelf.trainings.leave()
        self.start(self._look(), group="look")

    def action_attach(self) -> None:
        """Watch a run that another process trains."""
        self._choose("Attach to", self._elsewhere(), self.pixshelf.trainings.attach)

    def action_resume(self) -> None:
        """Go on with the run that was watched last, or one of those that can be gone on with."""
        runs = self._resumable()
        current = self.pixshelf.trainings.current
        if self._showing == "watch" and current is not None:
            runs = [record for record in runs if record.id == current.run] or runs
        self._choose("Resume", runs, self.pixshelf.trainings.resume)

    def _choose(
        self, title: str, runs: Sequence[RunRecord], then: Callable[[RunRecord], Watched]
    ) -> None:
        """Do it with the only run, or with the one that is picked."""
        if len(runs) == 1:
            self._begin(lambda: then(runs[0]))
            return
        if not runs:
            return
        from tui.frame.dialogs import Choice

        names = {f"{record.id}  {printable(record.name)}": record for record in runs}

        def picked(answer: str | None) -> None:
            if answer is not None:
                self._begin(lambda: then(names[answer]))

        self.pixshelf.push_screen(Choice(title, list(names)), picked)

    def action_switch(self) -> None:
        """Change between the form and the training."""
        self._show("watch" if self._showing == "form" else "form")

    def action_next_field(self) -> None:
        self._form.move(1)

    def action_previous_field(self) -> None:
        self._form.move(-1)

    def action_back(self) -> None:
        """Leave the field; from the training, go back to the form."""
        if self._showing == "watch" or isinstance(self.focused, Input):
            self._show("form")
        else:
            self.query_one("#start", Button).focus()

    def action_clear(self) -> None:
        """Give every field its first value."""
        self._form.clear()

    def action_compare(self) -> None:
        """Compare the new model with the best before it."""
        mine, best = self._mine(), self._best()
        if mine is not None and best is not None:
            compare(self.pixshelf, best, mine)

    def action_evaluate(self) -> None:
        """Measure the new model."""
        mine = self._mine()
        if mine is not None:
            evaluate(self.pixshelf, mine)

    def action_mistakes(self) -> None:
        """Open what the new model is wrong about."""
        mine = self._mine()
        if mine is not None:
            self.start(open_mistakes(self.pixshelf, mine), group="mistakes")

    def commands(self) -> list[tuple[str, str]]:
        app = self.pixshelf
        found = []
        if self._settings is not None:
            words = train_words(self._settings)
            found = [
                ("train with these values", app.command_line(*words)),
                ("show the plan", app.command_line(*words, "--dry-run")),
                ("train by itself", app.command_line(*words, "--detach")),
            ]
        running = [each.record for each in self._unfinished if each.state == "running"]
        found += run_commands(app, running, self._resumable())
        mine = self._mine()
        return found + ([] if mine is None else model_commands(app, mine, self._best()))

    def _mine(self) -> str | None:
        current = self.pixshelf.trainings.current
        return (
            None if current is None or current.result is None else self._word(current.result.model)
        )

    def _best(self) -> str | None:
        current = self.pixshelf.trainings.current
        if current is None or current.result is None or current.result.best is None:
            return None
        return self._word(current.result.best)

    def _word(self, model: ModelRecord) -> str:
        """What names the model and no other; its id while the models are being read."""
        return self._words.get(model.id, str(model.id))


def offer(running: Sequence[RunRecord], resumable: Sequence[RunRecord]) -> str:
    """What can be trained beside what the form says, in a line; '' for nothing."""
    parts = []
    if running:
        parts.append(f"{_names(running)} trains elsewhere: a watches it")
    if resumable:
        parts.append(f"{_names(resumable)} did not come to its end: r goes on with it")
    return ". ".join(parts)


def _names(runs: Sequence[RunRecord]) -> str:
    more = f" (and {len(runs) - 1} more)" if len(runs) > 1 else ""
    return f"{shorten(printable(runs[0].name), 24)}{more}"
