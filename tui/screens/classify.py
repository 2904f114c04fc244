"""Classify: what a model says of files, or of images in the dataset.

Files are dropped, pasted, typed or picked, and their answers listed as they come; nothing is kept
until they are added. Images of the dataset have their answers stored. The work runs in a thread of
its own; the rest of the app goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from storage.errors import QueryError
from storage.query import MAX_VALUES, parse
from storage.records import UNCERTAIN_BELOW
from tui.actions import bindings_of
from tui.answers import HEIGHTS, MOST, ORDER_WORDS, Answers, row_lines
from tui.background import tell_running
from tui.changes import Change
from tui.classifying import (
    Ended,
    Standing,
    add_files,
    by_confidence,
    classify_files,
    classify_stored,
    ids_query,
)
from tui.frame import Section
from tui.handed import library_query, library_selection
from tui.text import percent, plural, printable, shorten
from tui.widgets.job_line import JobLine
from tui.widgets.path_input import PathPrompt
from tui.widgets.refusals import Refusals
from tui.widgets.rows import RowList

if TYPE_CHECKING:
    from ml.predicting import Refused
    from storage.records import ModelRecord
    from storage.repository import Repository

Job = Callable[["Repository", Callable[[Standing], None], Callable[[], bool]], Ended]

_GREETING = (
    "Drop pictures or folders on this window, press f to type or paste their paths, or b to pick "
    "them from a tree.\n\ns classifies what is selected in the library, and / every image of a "
    "query; those answers are stored."
)
_NO_MODEL = "There is no model yet. F4 trains one."


@dataclass(slots=True)
class _Work:
    """What is under way: its words for the status lines, and what stops it."""

    what: str
    stop: threading.Event


class ClassifyScreen(Section):
    """A prompt for files, and a list of answers."""

    NAME = "classify"
    BINDINGS: ClassVar = bindings_of("classify")
    AUTO_FOCUS = "#answers"
    DEFAULT_CSS = """
    ClassifyScreen #what { height: auto; }
    ClassifyScreen .name { width: 7; padding-left: 1; color: $text-muted; }
    ClassifyScreen PathPrompt { width: 1fr; }
    ClassifyScreen #with { height: 1; padding: 0 1; text-wrap: nowrap; }
    ClassifyScreen #greeting { height: auto; padding: 1 1; color: $text-muted; }
    """

    class Progressed(Message):
        """The work has come further."""

        def __init__(self, standing: Standing) -> None:
            super().__init__()
            self.standing = standing

    def __init__(self) -> None:
        super().__init__()
        self._answers = Answers()
        self._refused: list[Refused] = []
        self._named: list[str] = []
        self._height = HEIGHTS[1]
        self._below = UNCERTAIN_BELOW
        self._model: str | None = None
        self._models: list[ModelRecord] = []
        self._work: _Work | None = None
        self._view = ""
        self._is_stale = False

    def body(self) -> ComposeResult:
        with Horizontal(id="what"):
            yield Static("Files", classes="name")
            yield PathPrompt("paths of pictures and folders", submit_dropped=True)
        yield Static(id="with")
        yield JobLine()
        yield Static(Content(_GREETING), id="greeting")
        yield RowList(self._draw_answer, height=self._height, id="answers")
        yield Refusals()

    @property
    def _rows(self) -> RowList:
        return self.query_one("#answers", RowList)

    @property
    def is_working(self) -> bool:
        """Whether a classification is under way."""
        return self._work is not None

    # --- the model

    def on_mount(self) -> None:
        self.pixshelf.changes.subscribe(self, self._on_change)
        self.refresh_data()

    def on_unmount(self) -> None:
        if self._work is not None:
            self._work.stop.set()

    def _on_change(self, change: Change) -> None:
        if change.what not in ("training", "refresh"):
            return
        if self.is_current:
            self.refresh_data()
        else:
            self._is_stale = True

    def on_screen_resume(self) -> None:
        if self._is_stale:
            self.refresh_data()
        elif self._models:
            self._tell()

    def refresh_data(self) -> None:
        self._is_stale = False
        self.start(self._read_models(), group="models")

    async def _read_models(self) -> None:
        self._models = await self.pixshelf.dataset.read(lambda repo: repo.models.all())
        if self._model not in {model.name for model in self._models}:
            self._model = None
        self._tell()

    def _tell(self) -> None:
        """Say which model and threshold are chosen, and what there is in the list."""
        line = self.query_one("#with", Static)
        model = next((each for each in self._models if self._model in (None, each.name)), None)
        if model is None:
            line.update(Content.styled(_NO_MODEL, "$warning"))
        else:
            accuracy = "" if model.val_accuracy is None else f" ({percent(model.val_accuracy)} val)"
            line.update(
                Content.assemble(
                    ("model ", "$text-muted"),
                    (shorten(printable(model.name), 30), "bold"),
                    (
                        f"{accuracy} · unsure below {100 * self._below:g} % · "
                        f"{ORDER_WORDS[self._answers.order]}",
                        "$text-muted",
                    ),
                )
            )
        count = len(self._answers)
        self.query_one("#greeting").display = not (count or self.is_working)
        if count:
            said = f"{plural(count, 'file')}, {self._answers.unsure(self._below):,} unsure"
            marked = len(self._answers.marked)
            self.say(said + (f", {marked:,} marked" if marked else ""))
        else:
            selected = len(library_selection(self.pixshelf))
            self.say(f"{selected:,} selected in the library" if selected else "")

    def action_model(self) -> None:
        """Choose the model."""
        self.start(self._choose_model(), group="choose")

    async def _choose_model(self) -> None:
        from tui.dialogs import Choice

        names = [model.name for model in self._models]
        if not names:
            self.notify(_NO_MODEL)
            return
        name = await self.pixshelf.push_screen_wait(Choice("Model", names))
        if name is not None and name != self._model:
            self._model = name
            self._tell()
            if len(self._answers) and not self.is_working:
                self._classify(self._named)

    def action_threshold(self) -> None:
        """Choose what is called unsure."""
        self.start(self._choose_threshold(), group="choose")

    async def _choose_threshold(self) -> None:
        from tui.dialogs import Prompt

        text = await self.pixshelf.push_screen_wait(
            Prompt(
                "Unsure below this confidence, in percent",
                value=f"{100 * self._below:g}",
                check=lambda text: "" if _share(text) is not None else "a number from 0 to 100",
            )
        )
        share = None if text is None else _share(text)
        if share is not None:
            self._below = share
            self._rows.redraw()
            self._tell()

    # --- files

    def action_files(self) -> None:
        """Go to the prompt."""
        self.query_one(PathPrompt).line.focus()

    def action_browse(self) -> None:
        """Pick files and folders."""
        self.start(self._browse(), group="choose")

    async def _browse(self) -> None:
        from tui.widgets.picker import PICTURES, FilePicker

        picked = await self.pixshelf.push_screen_wait(FilePicker(PICTURES))
        if picked:
            self.query_one(PathPrompt).set_paths(picked)
            self._classify(picked)

    def on_paste(self, event: events.Paste) -> None:
        """Files dropped while the prompt has not the focus."""
        prompt = self.query_one(PathPrompt)
        prompt.line.value = ""
        prompt.line.drop(event.text)

    def on_path_prompt_submitted(self, event: PathPrompt.Submitted) -> None:
        if event.paths:
            self._rows.focus()
            self._classify(event.paths)

    def _classify(self, names: list[str]) -> None:
        if self._is_busy():
            return
        self._named = names
        order = self._answers.order
        self._answers = Answers()
        self._answers.order = order
        self._refused = []
        self._rows.show(0, at=0, height=self._height)
        self._show_refused()
        self._view = ""
        model = self._model
        self.start(self._work_on_files(names, model), group="work")

    async def _work_on_files(self, names: list[str], model: str | None) -> None:
        ended = await self._run(
            f"classifying {plural(len(names), 'path')}",
            lambda repo, tell, stop: classify_files(repo, model, names, tell, stop),
        )
        cut = f"; only the first {MOST:,} files are taken, F9 imports more" if ended.cut else ""
        stopped = "stopped: " if ended.stopped else ""
        self.query_one(JobLine).say(
            f"{stopped}{plural(ended.done, 'file')} seen by {printable(ended.model)}{cut} · "
            "a adds them to the dataset"
        )

    # --- images of the dataset

    def action_selection(self) -> None:
        """Classify what is selected in the library."""
        images = library_selection(self.pixshelf)
        if not images:
            self.notify("nothing is selected in the library (F2, space selects)")
        elif len(images) > MAX_VALUES:
            self.notify(f"{len(images):,} are selected; / takes a query for so many")
        else:
            self._classify_query(ids_query(images))

    def action_query(self) -> None:
        """Classify the images of a query."""
        self.start(self._ask_query(), group="choose")

    async def _ask_query(self) -> None:
        from tui.dialogs import Prompt

        text = await self.pixshelf.push_screen_wait(
            Prompt(
                "Classify every image that matches (nothing: all)",
                value=library_query(self.pixshelf),
                placeholder="is:unlabelled",
                check=_wrong_with,
            )
        )
        if text is not None:
            self._classify_query(text.strip())

    def _classify_query(self, query: str) -> None:
        if not self._is_busy():
            self.start(self._work_on_query(query, self._model), group="work")

    async def _work_on_query(self, query: str, model: str | None) -> None:
        below = self._below
        try:
            ended = await self._run(
                "classifying",
                lambda repo, tell, stop: classify_stored(repo, model, query, below, tell, stop),
            )
        finally:
            # Chunks that were stored before an error, or before it was stopped, are there.
            self.pixshelf.changes.publish(Change("predictions"))
        stopped = "stopped: " if ended.stopped else ""
        text = (
            f"{stopped}{plural(ended.done, 'image')} classified by {printable(ended.model)}, "
            f"{ended.unsure:,} unsure below {100 * below:g} %"
        )
        self.query_one(JobLine).say(f"{text} · v opens them, the least confident first")
        self.notify(text, markup=False)
        self._view = by_confidence(query, ended.model) if ended.done else ""
        if self._view and not ended.stopped and self.is_current:
            self.action_view()

    # --- files that are added

    def action_add(self) -> None:
        """Add files without labels."""
        self.start(self._add(labelled=False), group="choose")

    def action_add_labelled(self) -> None:
        """Add files with the answers as labels."""
        self.start(self._add(labelled=True), group="choose")

    async def _add(self, *, labelled: bool) -> None:
        from tui.dialogs import Question

        chosen = self._answers.chosen()
        if not chosen or self._is_busy():
            self.notify("no file was classified" if not chosen else "something is under way")
            return
        files = [
            (each.source, each.label if labelled and each.confidence >= self._below else None)
            for each in chosen
        ]
        given = sum(label is not None for _, label in files)
        how = f"{given:,} with the predicted label" if labelled else "without labels"
        answer = await self.pixshelf.push_screen_wait(
            Question(
                f"Add {plural(len(files), 'file')} to the dataset, {how}?",
                ("Add", "Cancel"),
                hint="Their answers are stored with them. A picture that is there already keeps "
                "its label.",
            )
        )
        if answer == "Add":
            self.start(self._work_on_adding(files, self._model), group="work")

    async def _work_on_adding(self, files: list[tuple[str, str | None]], model: str | None) -> None:
        try:
            ended = await self._run(
                "adding", lambda repo, tell, stop: add_files(repo, model, files, tell, stop)
            )
        finally:
            self.pixshelf.changes.publish(Change("import"))
        self._answers.images.update(ended.images)
        self._answers.marked.clear()
        self._refused += ended.refused
        self._show_refused()
        self._rows.redraw()
        if self._answers.images:
            images = list(self._answers.images.values())
            self._view = by_confidence(ids_query(images), ended.model)
        there = len(ended.images) - ended.new
        self.query_one(JobLine).say(
            f"{'stopped: ' if ended.stopped else ''}{plural(ended.new, 'image')} added, "
            f"{there:,} there already · v opens them in the library"
        )
        self._tell()

    # --- the work

    def _is_busy(self) -> bool:
        if self._work is not None:
            self.notify(f"{self._work.what} is under way; ctrl+x stops it")
        return self._work is not None

    async def _run(self, what: str, job: Job) -> Ended:
        """Carry a job out in a thread of its own, and show how far it is."""
        work = self._work = _Work(what, threading.Event())
        self.refresh_bindings()
        self.query_one(JobLine).begin(what)
        self._tell()

        def tell(standing: Standing) -> None:
            self.post_message(self.Progressed(standing))

        try:
            return await self.pixshelf.dataset.work(lambda repo: job(repo, tell, work.stop.is_set))
        finally:
            self._work = None
            tell_running(self.pixshelf, "classify", "")
            # Where the app is being left, there is nothing to show any more.
            if self.is_running and self.query(JobLine):
                self.query_one(JobLine).end()
                self.refresh_bindings()
                self._tell()

    def on_classify_screen_progressed(self, event: Progressed) -> None:
        now = event.standing
        if now.seen:
            had = len(self._answers)
            self._answers.add(now.seen)
            if self._answers.order == "given" and had:
                self._rows.grow(len(self._answers))
            else:
                self._rows.show(len(self._answers))
        if now.refused:
            self._refused += now.refused
            self._show_refused()
        self._tell()
        if self._work is None:
            return
        rate = f", {now.done / now.seconds:,.0f}/s" if now.seconds > 0.2 else ""
        total = "" if now.total is None else f" of {now.total:,}"
        words = f"{self._work.what}: {now.done:,}{total}{rate}"
        self.query_one(JobLine).come_to(now.done, now.total, words)
        share = f"{100 * now.done // now.total} %" if now.total else f"{now.done:,}"
        tell_running(self.pixshelf, "classify", f"{self._work.what} {share}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only work under way can be stopped; else ctrl+x is the prompt's."""
        return self.is_working if action == "stop" else True

    def action_stop(self) -> None:
        """Stop; answers that are stored stay."""
        if self._work is not None:
            self._work.stop.set()
            self.notify("stopping after what is in hand")

    # --- the list

    def _draw_answer(self, at: int, width: int) -> list[Content]:
        seen = self._answers.at(at)
        return row_lines(
            seen,
            width,
            self._height,
            below=self._below,
            marked=seen.source in self._answers.marked,
            image=self._answers.images.get(seen.source),
        )

    def action_order(self) -> None:
        """Go on to the next order."""
        self._answers.turn()
        self._rows.show(len(self._answers), at=0)
        self._tell()

    def action_larger(self) -> None:
        self._resize(1)

    def action_smaller(self) -> None:
        self._resize(-1)

    def _resize(self, by: int) -> None:
        at = HEIGHTS.index(self._height) + by
        self._height = HEIGHTS[max(0, min(len(HEIGHTS) - 1, at))]
        self._rows.show(len(self._answers), height=self._height)

    def action_mark(self) -> None:
        """Mark the file under the cursor, or unmark it, and go on."""
        at = self._rows.current()
        if at is not None:
            self._answers.marked ^= {self._answers.at(at).source}
            self._rows.redraw()
            self._rows.action_move(1)
            self._tell()

    def action_next(self) -> None:
        self._rows.action_move(1)

    def action_previous(self) -> None:
        self._rows.action_move(-1)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        if event.rows.id == "answers":
            self.action_open()

    def action_open(self) -> None:
        """Look at the picture under the cursor: as an image where it is one, else larger."""
        from tui.widgets.answer_view import AnswerView

        at = self._rows.current()
        if at is None:
            return
        seen = self._answers.at(at)
        images = self._answers.images
        if seen.source in images:
            added = list(images.values())
            self.pixshelf.open_image(added, added.index(images[seen.source]))
        else:
            self.pixshelf.push_screen(AnswerView(seen))

    def action_view(self) -> None:
        """Open what was classified or added in the library."""
        if self._view:
            self.pixshelf.open_library(self._view)
        else:
            self.notify("nothing is stored yet: a adds files, s and / classify stored images")

    def _show_refused(self) -> None:
        items = [(item.source, item.reason) for item in self._refused]
        self.query_one(Refusals).show(items)

    def action_copy_refusals(self) -> None:
        """Copy the refused files with their reasons."""
        self.query_one(Refusals).copy()

    def action_back(self) -> None:
        """Leave the prompt; in the list, unmark all."""
        if self._rows.has_focus:
            self._answers.marked.clear()
            self._rows.redraw()
            self._tell()
        else:
            self._rows.focus()

    def commands(self) -> list[tuple[str, str]]:
        line = self.pixshelf.command_line
        model = () if self._model is None else ("--model", self._model)
        unsure = ("--abstain", f"{self._below:g}")
        found = []
        if self._named:
            found.append(("classify these files", line("predict", *self._named, *model, *unsure)))
            found.append(("add them", line("predict", *self._named, *model, "--save")))
        images = library_selection(self.pixshelf)
        if images:
            query = ids_query(images)
            found.append(
                ("classify the selection", line("predict", "--query", query, *model, "--save"))
            )
        query = library_query(self.pixshelf)
        found.append(
            ("classify the library's query", line("predict", "--query", query, *model, "--save"))
        )
        return found


def _share(text: str) -> float | None:
    """A percentage as a share; None for what is none."""
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


def _wrong_with(query: str) -> str:
    try:
        parse(query)
    except QueryError as error:
        return error.message if error.hint is None else f"{error.message}. {error.hint}"
    return ""
