"""The evaluate screen: how good a model is, and a way from every figure to its images.

What is stored of a model's answers is shown at once, against the labels of now; what is not is
predicted when that is asked for. Nothing is written by looking.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from storage.errors import PixshelfError
from storage.records import SPLITS
from tui.actions import bindings_of
from tui.evaluation.asking import Stopped, ask_images
from tui.evaluation.evaluations import (
    COLUMNS,
    Chosen,
    Shown,
    command_words,
    first_split,
    headline,
    model_words,
    read_shown,
    run_evaluation,
)
from tui.evaluation.label_table import LabelTable
from tui.evaluation.matrix_widget import ConfusionMatrix
from tui.evaluation.views import EvaluationViews
from tui.frame.changes import Change
from tui.frame.dialogs import Prompt
from tui.frame.section import Section
from tui.grid.widget import ImageGrid
from tui.models.actions import NO_MODEL, ask_model
from tui.plain.progress_text import progress_text
from tui.plain.text import plural, printable

if TYPE_CHECKING:
    from storage.records import ModelRecord
    from storage.repository import Repository


_TELL_EVERY = 0.1


class EvaluateScreen(Section):
    """One model on one split, in five views."""

    NAME = "evaluate"
    BINDINGS: ClassVar = bindings_of("evaluate")
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    EvaluateScreen #chosen {
        height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    class Progressed(Message):
        """So many of the images have an answer now."""

        def __init__(self, done: int, total: int) -> None:
            super().__init__()
            self.done, self.total = done, total

    def __init__(self) -> None:
        super().__init__()
        self.on = ""
        self._model: ModelRecord | None = None
        self._models: list[ModelRecord] = []
        self._wanted: str | None = None
        self._stop: threading.Event | None = None
        self._began = 0.0
        self._is_stale = False

    def body(self) -> ComposeResult:
        yield Static(id="chosen")
        yield EvaluationViews()

    @property
    def _views(self) -> EvaluationViews:
        return self.query_one(EvaluationViews)

    @property
    def shown(self) -> Shown | None:
        """The evaluation that is shown."""
        return self._views.shown

    # --- what is chosen

    @property
    def chosen(self) -> Chosen | None:
        """The model and the images, once there is a model."""
        if self._model is None:
            return None
        words = model_words(self._models)
        return Chosen(self._model, words.get(self._model.id, str(self._model.id)), self.on)

    def choose_model(self, name: str) -> None:
        """Show a model, by name or id."""
        self._wanted = name
        if self.is_mounted:  # else it is read for the first time in a moment
            self.refresh_data()

    def action_model(self) -> None:
        """Ask for the model."""
        self.start(self._ask_model(), group="ask")

    async def _ask_model(self) -> None:
        model = await ask_model(self.pixshelf, self._models)
        if model is not None:
            self.choose_model(str(model.id))

    def action_images(self) -> None:
        """Ask for the split or the query."""
        self.start(self._ask_images(), group="ask")

    async def _ask_images(self) -> None:
        answer = await ask_images(self, "Evaluate on")
        if answer is not None:
            self.on = answer
            self.refresh_data()

    # --- reading

    def on_mount(self) -> None:
        self.pixshelf.changes.subscribe(self, self._on_change)
        self._notice("Reading what is stored.")
        self.refresh_data()

    def on_unmount(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _on_change(self, change: Change) -> None:
        if change.what == "edit" or self._stop is not None:
            return
        if self.is_current:
            self.refresh_data()
        else:
            self._is_stale = True

    def on_screen_resume(self) -> None:
        if self._is_stale:
            self.refresh_data()

    def refresh_data(self) -> None:
        self._is_stale = False
        self.start(self._read(), group="read")

    async def _read(self) -> None:
        """Read the models, keep the one that was chosen, and show what is stored of it."""
        dataset, wanted = self.pixshelf.dataset, self._wanted
        self._models = await dataset.read(lambda repo: repo.models.all())
        try:
            if wanted is not None:
                self._model = await dataset.read(lambda repo: repo.models.find(wanted))
                self._wanted = None
            elif self._model not in self._models:
                self._model = self._models[0] if self._models else None
            if not self.on:
                self.on = await dataset.survey(first_split)
            await self._show_stored()
        except PixshelfError as error:
            self._wanted = None
            self._notice(error.message, error.hint or "")

    async def _show_stored(self) -> None:
        model, on = self._model, self.on
        if model is None:
            self._notice(NO_MODEL)
            return
        if self._stop is not None:
            return
        found = await self.pixshelf.dataset.work(lambda repo: read_shown(repo, model, on))
        if isinstance(found, Shown):
            self._show(found)
        else:
            answered = found.n - found.missing
            some = f"{answered:,} of " if answered else ""
            self._notice(
                f"{printable(model.name)} has not answered for all of {printable(on)} yet.",
                f"Stored are answers for {some or 'none of '}{plural(found.n, 'labelled image')}. "
                "Enter or e lets it answer for the rest and stores what it says.",
            )

    # --- evaluating

    def action_evaluate(self) -> None:
        """Predict what is missing; where nothing is, everything anew."""
        if self._stop is None and self._model is not None:
            self.start(self._evaluate(self._model, self.on), group="evaluate", exclusive=False)

    async def _evaluate(self, model: ModelRecord, on: str) -> None:
        stop = self._stop = threading.Event()
        self._began = time.monotonic()
        again, told = self.shown is not None, 0.0

        def progress(done: int, total: int) -> None:
            nonlocal told
            if stop.is_set():
                raise Stopped
            now = time.monotonic()
            if now - told >= _TELL_EVERY:
                told = now
                self.post_message(self.Progressed(done, total))

        self._notice(f"Evaluating {printable(model.name)} on {printable(on)}.", "Escape stops it.")
        try:
            found = await self.pixshelf.dataset.work(
                lambda repo: run_evaluation(repo, model, on, again=again, progress=progress)
            )
        except Stopped:
            self.notify("stopped; the answers so far are stored")
        else:
            if self.app.screen is not self:
                self.notify(f"evaluated: {headline(found.evaluation)}", markup=False)
        finally:
            self._stop = None
            self.refresh_bindings()
            self.say("")
            self.pixshelf.changes.publish(Change("predictions"))

    def on_evaluate_screen_progressed(self, message: Progressed) -> None:
        if self._stop is not None:
            seconds = time.monotonic() - self._began
            self.say(progress_text("evaluating", message.done, message.total, seconds))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        shown = self.is_mounted and self.shown is not None
        can = {
            "stop": self._stop is not None,
            "evaluate": self._stop is None and self._model is not None,
            "wrong": shown,
            "report": shown,
            "sort": shown,
            "reverse": shown,
        }
        return can.get(action, True)

    def action_stop(self) -> None:
        """Stop evaluating."""
        if self._stop is not None:
            self._stop.set()

    # --- showing

    def _notice(self, text: str, hint: str = "") -> None:
        self._views.notice(text, hint)
        self._tell_chosen()
        self.refresh_bindings()

    def _show(self, shown: Shown) -> None:
        self._views.show(shown)
        self._tell_chosen()
        self.refresh_bindings()

    def _tell_chosen(self) -> None:
        """The line above: the model, the images, and how good it is on them."""
        chosen, shown = self.chosen, self.shown
        parts: list[str | tuple[str, str]] = []
        if chosen is not None:
            on = f"split {chosen.on}" if chosen.on in SPLITS else chosen.on
            parts += [(printable(chosen.model.name), "bold"), f" on {printable(on)}"]
        if shown is not None:
            evaluation = shown.evaluation
            parts += [f", {plural(evaluation.n, 'image')}: ", (headline(evaluation), "bold")]
        self.query_one("#chosen", Static).update(Content.assemble(*parts))

    # --- views

    def action_matrix(self) -> None:
        self._views.open_view(0)

    def action_labels(self) -> None:
        self._views.open_view(1)

    def action_mistakes(self) -> None:
        self._views.open_view(2)

    def action_reliability(self) -> None:
        self._views.open_view(3)

    def action_summary(self) -> None:
        self._views.open_view(4)

    def action_next_view(self) -> None:
        self._views.open_view(self._views.at + 1)

    def action_previous_view(self) -> None:
        self._views.open_view(self._views.at - 1)

    def action_sort(self) -> None:
        """Order the labels by the next column."""
        table = self.query_one(LabelTable)
        table.order(COLUMNS[(COLUMNS.index(table.column) + 1) % len(COLUMNS)], reverse=False)
        self._views.open_view(1)

    def action_reverse(self) -> None:
        """Order the labels the other way round."""
        table = self.query_one(LabelTable)
        table.order(table.column)
        self._views.open_view(1)

    # --- the ways to images

    def on_confusion_matrix_opened(self, message: ConfusionMatrix.Opened) -> None:
        self._open_cell(message.row, message.column)

    def _open_cell(self, row: int, column: int) -> None:
        chosen, shown = self.chosen, self.shown
        if chosen is None or shown is None:
            return
        if not shown.matrix.counts[row][column]:
            self.notify(shown.matrix.sentence(row, column), markup=False)
            return
        labels = shown.matrix.labels
        self.pixshelf.open_library(chosen.cell(labels[row], labels[column]))

    def action_open(self) -> None:
        """Evaluate, where that is what the screen offers; open the mistakes of a label. The matrix
        and the grid take the key themselves."""
        if self.shown is None:
            self.action_evaluate()
        elif self._views.is_open("Labels"):
            self._open_label()

    def on_row_list_chosen(self) -> None:
        self._open_label()

    def _open_label(self) -> None:
        chosen, row = self.chosen, self.query_one(LabelTable).current()
        if chosen is None or row is None:
            return
        if row.mistakes:
            self.pixshelf.open_library(chosen.mistakes(row.label))
        else:
            self.notify(f"no image of {printable(row.label)} is mistaken", markup=False)

    def on_image_grid_opened(self, message: ImageGrid.Opened) -> None:
        self.pixshelf.open_image(message.grid.ids, message.position)

    def action_wrong(self) -> None:
        """Open the mistakes in the library."""
        if self.chosen is not None and self.shown is not None:
            self.pixshelf.open_library(self.chosen.mistakes())

    # --- comparing and the report

    def action_compare(self) -> None:
        """Ask for a second model and compare."""
        self.start(self._ask_second(), group="ask")

    async def _ask_second(self) -> None:
        from tui.screens.compare import CompareScreen

        chosen, words = self.chosen, model_words(self._models)
        if chosen is None:
            self.notify(NO_MODEL)
            return
        title = f"Compare {printable(chosen.word)} with"
        model = await ask_model(self.pixshelf, self._models, title, without=chosen.model)
        if model is not None:
            self.app.push_screen(CompareScreen(chosen.word, words[model.id], self.on))

    def action_report(self) -> None:
        """Ask for a folder and write the report."""
        if self.shown is not None:
            self.start(self._report(self.shown), group="ask")

    async def _report(self, shown: Shown) -> None:
        evaluation = shown.evaluation
        answer = await self.app.push_screen_wait(
            Prompt("Write the report into a new folder", value="report", check=_wrong_folder)
        )
        if answer is None:
            return
        folder = Path(answer).expanduser()

        def write(repo: Repository) -> Path:
            from ml.report import write_report
            from storage.version import version_line

            return write_report(
                repo, evaluation, folder, at=int(time.time()), program=version_line()
            )

        page = await self.pixshelf.dataset.work(write)
        self.notify(f"written: {page.absolute()}", markup=False)

    def commands(self) -> list[tuple[str, str]]:
        chosen = self.chosen
        if chosen is None:
            return []
        cell = None if self.shown is None else chosen.cell(*self._views.cell)
        found = command_words(chosen, list(model_words(self._models).values()), cell)
        return [(what, self.pixshelf.command_line(*words)) for what, words in found]


def _wrong_folder(text: str) -> str:
    folder = Path(text.strip()).expanduser()
    if not text.strip():
        return "a folder's name is needed"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        return "that is there already and is not overwritten"
    return ""
