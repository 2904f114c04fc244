"""Runs and models: two tables, and beside them everything about the row under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from tui.actions import bindings_of
from tui.evaluation.evaluations import model_words
from tui.frame.changes import Change
from tui.frame.section import Section
from tui.models.actions import compare, evaluate, model_commands, open_mistakes, run_commands
from tui.models.names import export_name, export_problem, name_problem
from tui.models.run_records import (
    MODEL_TITLES,
    RUN_TITLES,
    Stored,
    model_details,
    model_row,
    read_stored,
    run_details,
    run_row,
)
from tui.plain.text import plural, printable, shorten

if TYPE_CHECKING:
    from ml.run_state import RunState
    from storage.records import ModelRecord, RunRecord
    from storage.repository import Repository
    from tui.training.watched import Watched

LOOK = 3.0
"""Seconds between two looks at runs that go on, while the screen is seen."""

NAME_CELLS = 24

Table = DataTable[Text]


class RunsScreen(Section):
    """The tables of runs and of models, and the details of one."""

    NAME = "runs"
    AUTO_FOCUS = "#runs"
    BINDINGS: ClassVar = bindings_of("runs")
    DEFAULT_CSS = """
    RunsScreen #tables { width: 60%; }
    RunsScreen DataTable { height: 1fr; scrollbar-size-vertical: 1; background: $background; }
    RunsScreen DataTable { scrollbar-size-horizontal: 0; }
    RunsScreen #models { border-top: solid $panel; }
    RunsScreen #side { width: 1fr; padding: 0 1; border-left: solid $panel; }
    RunsScreen #side { scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    RunsScreen #side Static { height: auto; }
    RunsScreen #none { padding: 1 2; color: $text-muted; display: none; height: auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._stored = Stored((), ())
        self._marked: int | None = None
        self._stale = False

    def body(self) -> ComposeResult:
        key = self.pixshelf.key_of("app.train")
        yield Static(Content(f"Nothing is trained yet: {key} trains a model."), id="none")
        with Horizontal():
            with Vertical(id="tables"):
                yield DataTable(id="runs", cursor_type="row")
                yield DataTable(id="models", cursor_type="row")
            with VerticalScroll(id="side", can_focus=False):
                yield Static(id="details")

    def on_mount(self) -> None:
        for name, titles in (("#runs", RUN_TITLES), ("#models", MODEL_TITLES)):
            for title in titles:
                self._table(name).add_column(Text(title), key=title)
        self.pixshelf.changes.subscribe(self, self._on_change)
        self.set_interval(LOOK, self._follow)
        self.refresh_data()

    def on_screen_resume(self) -> None:
        if self._stale:
            self.refresh_data()

    def _on_change(self, change: Change) -> None:
        if change.what not in ("training", "refresh", "import"):
            return
        if self.is_current:
            self.refresh_data()
        else:
            self._stale = True

    def _follow(self) -> None:
        """While a run goes on, its row does."""
        if self.is_current and any(state == "running" for _, state in self._stored.runs):
            self.refresh_data()

    def refresh_data(self) -> None:
        """Read runs and models anew."""
        self._stale = False
        self.start(self._read(), group="read")

    async def _read(self) -> None:
        self._stored = await self.pixshelf.dataset.survey(read_stored)
        runs, models = self._stored.runs, self._stored.models
        if self._marked not in {model.id for model in models}:
            self._marked = None
        self._fill("#runs", [(record.id, run_row(record, state)) for record, state in runs])
        self._fill_models()
        self.query_one("#none").display = not runs and not models
        self.say(f"{plural(len(runs), 'run')}, {plural(len(models), 'model')}")
        self._show_details()
        self.refresh_bindings()

    # --- the tables

    def _table(self, name: str) -> Table:
        found: Table = self.query_one(name, DataTable)
        return found

    def _fill_models(self) -> None:
        marked = self._marked
        self._fill(
            "#models",
            [(model.id, model_row(model, marked=model.id == marked)) for model in self._models],
        )

    def _fill(self, name: str, rows: list[tuple[int, tuple[str, ...]]]) -> None:
        """Put rows into a table; the cursor stays on the record it is on, or at its place."""
        table = self._table(name)
        at, before = table.cursor_row, self._key(table)
        table.clear()
        for record, cells in rows:
            table.add_row(*(Text(shorten(cell, NAME_CELLS)) for cell in cells), key=str(record))
        keys = [record for record, _ in rows]
        if keys:
            place = keys.index(before) if before in keys else min(at, len(keys) - 1)
            table.move_cursor(row=place)

    @staticmethod
    def _key(table: Table) -> int | None:
        """The id of the record under the cursor."""
        if not table.is_valid_row_index(table.cursor_row):
            return None
        key = table.ordered_rows[table.cursor_row].key.value
        return None if key is None else int(key)

    @property
    def _models(self) -> tuple[ModelRecord, ...]:
        return self._stored.models

    @property
    def _on_models(self) -> bool:
        return self.focused is self._table("#models")

    def _run(self) -> tuple[RunRecord, RunState] | None:
        """The run under the cursor, where the cursor is among the runs."""
        if self._on_models:
            return None
        key = self._key(self._table("#runs"))
        return next((pair for pair in self._stored.runs if pair[0].id == key), None)

    def _model(self) -> ModelRecord | None:
        """The model under the cursor, or that of the run under it."""
        run = self._run()
        if run is None and not self._on_models:
            return None
        wanted = self._key(self._table("#models")) if run is None else run[0].model
        return next((model for model in self._models if model.id == wanted), None)

    def _word(self, model: ModelRecord) -> str:
        """What names the model and no other."""
        return model_words(self._models)[model.id]

    def on_data_table_row_highlighted(self) -> None:
        self._show_details()
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        self._show_details()
        self.refresh_bindings()

    def on_data_table_row_selected(self) -> None:
        self.action_open()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_details)

    def _show_details(self) -> None:
        cells = max(16, self.query_one("#side").scrollable_content_region.width)
        run, model = self._run(), self._model()
        if run is not None:
            content = run_details(*run, cells)
        else:
            content = Content("") if model is None else model_details(model, cells)
        self.query_one("#details", Static).update(content)

    # --- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with the row under the cursor is offered."""
        if not self.is_mounted:
            return True
        from ml.run_state import RESUMABLE

        run, model = self._run(), self._model()
        state = None if run is None else run[1]
        watching = self.pixshelf.trainings.watching
        can = {
            "attach": state == "running",
            "stop": state == "running",
            "resume": state in RESUMABLE and watching is None,
            "mark": model is not None,
            "compare": model is not None and self._marked not in (None, model.id),
            "evaluate": model is not None,
            "mistakes": model is not None,
            "rename": model is not None,
            "export": model is not None,
            "remove": (self._on_models and model is not None) or state not in (None, "running"),
        }
        return can.get(action, True)

    def action_other(self) -> None:
        """Go to the other table."""
        self.set_focus(self._table("#runs" if self._on_models else "#models"))

    def action_next(self) -> None:
        self._table("#models" if self._on_models else "#runs").action_cursor_down()

    def action_previous(self) -> None:
        self._table("#models" if self._on_models else "#runs").action_cursor_up()

    def action_back(self) -> None:
        """Take the mark away."""
        self._marked = None
        self._fill_models()

    def action_open(self) -> None:
        """Watch a run that goes on; else open the mistakes."""
        run = self._run()
        if run is not None and run[1] == "running":
            self.action_attach()
        else:
            self.action_mistakes()

    def action_attach(self) -> None:
        """Watch the run on the train screen."""
        run = self._run()
        if run is not None:
            record = run[0]
            self._begin(lambda: self.pixshelf.trainings.attach(record))

    def action_resume(self) -> None:
        """Go on with the run, watched on the train screen."""
        run = self._run()
        if run is not None:
            record = run[0]
            self._begin(lambda: self.pixshelf.trainings.resume(record))

    def _begin(self, begin: Callable[[], Watched]) -> None:
        from storage.errors import NotReady

        try:
            begin()
        except NotReady as error:
            self.pixshelf.show_error(error)
            return
        self.pixshelf.go("train")

    def action_stop(self) -> None:
        """Stop the run after its batch."""
        run = self._run()
        if run is None:
            return
        trainings = self.pixshelf.trainings
        if trainings.watching is not None and trainings.watching.run == run[0].id:
            trainings.stop()
        else:
            self.start(trainings.stop_elsewhere(run[0].id), group="stop", exclusive=False)
        self.pixshelf.notify(f"{printable(run[0].name)} stops after its batch", markup=False)

    def action_mark(self) -> None:
        """Mark the model, or take its mark away."""
        model = self._model()
        if model is not None:
            self._marked = None if self._marked == model.id else model.id
            self._fill_models()
            self.refresh_bindings()

    def action_compare(self) -> None:
        """Compare the marked model with this one."""
        model = self._model()
        marked = next((each for each in self._models if each.id == self._marked), None)
        if model is not None and marked is not None:
            compare(self.pixshelf, self._word(marked), self._word(model))

    def action_evaluate(self) -> None:
        """Measure the model."""
        model = self._model()
        if model is not None:
            evaluate(self.pixshelf, self._word(model))

    def action_mistakes(self) -> None:
        """Open what the model is wrong about."""
        model = self._model()
        if model is not None:
            self.start(open_mistakes(self.pixshelf, self._word(model)), group="mistakes")

    def action_rename(self) -> None:
        """Give the model another name."""
        from tui.frame.dialogs import Prompt

        model = self._model()
        if model is None:
            return
        others = frozenset(each.name for each in self._models if each.id != model.id)

        def answered(name: str | None) -> None:
            if name is not None and name.strip() != model.name:
                self._write(lambda repo: repo.models.rename(model.id, name))

        self.pixshelf.push_screen(
            Prompt(
                f"Rename {shorten(printable(model.name), 40)}",
                value=model.name,
                check=lambda text: name_problem(text, others),
            ),
            answered,
        )

    def action_remove(self) -> None:
        """Remove the run or the model under the cursor, asked for unless the settings say not."""
        run, model = self._run(), self._model()
        remove: Callable[[Repository], None]
        if run is not None:
            record = run[0]
            what = f"Remove run {record.id}, {printable(record.name)}, with its epochs?"
            hint = "Its model stays. This cannot be undone."

            def remove(repo: Repository) -> None:
                repo.runs.remove(record.id)

        elif model is not None:
            what = f"Remove model {model.id}, {printable(model.name)}, with its predictions?"
            hint = "Its run stays. This cannot be undone."

            def remove(repo: Repository) -> None:
                repo.models.remove(model.id)

        else:
            return
        if not self.pixshelf.settings.confirm:
            self._write(remove)
            return
        from tui.frame.dialogs import Question

        def answered(answer: str | None) -> None:
            if answer == "Remove":
                self._write(remove)

        self.pixshelf.push_screen(Question(what, ("Keep", "Remove"), hint=hint), answered)

    def _write(self, job: Callable[[Repository], None]) -> None:
        """Carry out what changes runs or models, and have everybody read anew."""

        async def write() -> None:
            await self.pixshelf.dataset.edit(job)
            self.pixshelf.changes.publish(Change("refresh"))

        self.start(write(), group="write", exclusive=False)

    def action_export(self) -> None:
        """Write the model to a file: ask for the form, then for the path."""
        from ml.convert import FORMS
        from tui.frame.dialogs import Choice, Prompt

        model = self._model()
        if model is None:
            return

        def with_form(form: str | None) -> None:
            if form is not None:
                path = export_name(model.name, form)
                asked = Prompt(f"Write {form} to", value=path, check=export_problem)
                self.pixshelf.push_screen(asked, with_path)

        def with_path(text: str | None) -> None:
            if text is not None:
                self.start(self._export(model, text), group="export", exclusive=False)

        self.pixshelf.push_screen(Choice("Export as", FORMS), with_form)

    async def _export(self, model: ModelRecord, text: str) -> None:
        def export(repo: Repository) -> Path:
            from ml.convert import export_model

            return export_model(repo, model.id, Path(text.strip()).expanduser())

        name = printable(model.name)
        self.say(f"writing {name}")
        try:
            path = await self.pixshelf.dataset.work(export)
        finally:
            self.say("")
        self.pixshelf.notify(f"{name} is in {printable(str(path))}", markup=False)

    def commands(self) -> list[tuple[str, str]]:
        app, run, model = self.pixshelf, self._run(), self._model()
        found: list[tuple[str, str]] = []
        if run is not None:
            record, state = run
            found += [(f"show run {record.id}", app.command_line("runs", "show", str(record.id)))]
            running = [record] if state == "running" else []
            found += run_commands(app, running, [] if state in ("running", "done") else [record])
            found += [(f"remove run {record.id}", app.command_line("runs", "rm", str(record.id)))]
        if model is None:
            return found
        marked = next((each for each in self._models if each.id == self._marked), None)
        word, other = self._word(model), None if marked is None else self._word(marked)
        found += model_commands(app, word, None if other == word else other)
        found += [
            ("show the model", app.command_line("models", "show", word)),
            (
                "export the model",
                app.command_line("models", "export", word, export_name(model.name, "tflite")),
            ),
            ("rename the model", app.command_line("models", "rename", word, "NEW")),
            ("remove the model", app.command_line("models", "rm", word)),
        ]
        return found
