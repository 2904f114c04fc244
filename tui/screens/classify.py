"""Classify: what a model says of files, or of images in the dataset.

Files are dropped, pasted, typed or picked, and their answers listed as they come; nothing is kept
until they are added. Images of the dataset have their answers stored. The work runs in a thread of
its own; the rest of the app goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from storage.query import MAX_VALUES
from tui.actions import bindings_of
from tui.classifying.answer_list import AnswerList
from tui.classifying.answers import MOST, ORDER_WORDS
from tui.classifying.model_line import ModelLine
from tui.classifying.work import (
    Ended,
    Standing,
    add_files,
    by_confidence,
    classify_files,
    classify_stored,
)
from tui.files.job_line import JobLine
from tui.files.path_input import PathPrompt
from tui.files.refusals import Refusals
from tui.frame.background import tell_running
from tui.frame.changes import Change
from tui.frame.handed import library_query, library_selection
from tui.frame.section import Section
from tui.library.query_words import ids_query, query_problem
from tui.plain.text import plural, printable
from tui.widgets.rows import RowList

if TYPE_CHECKING:
    from ml.predicting import Refused
    from storage.repository import Repository

Job = Callable[["Repository", Callable[[Standing], None], Callable[[], bool]], Ended]

_GREETING = (
    "Drop pictures or folders on this window, press f to type or paste their paths, or b to pick "
    "them from a tree.\n\ns classifies what is selected in the library, and / every image of a "
    "query; those answers are stored."
)


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
    ClassifyScreen #greeting { height: auto; padding: 1 1; color: $text-muted; }
    """

    class Progressed(Message):
        """The work has come further."""

        def __init__(self, standing: Standing) -> None:
            super().__init__()
            self.standing = standing

    def __init__(self) -> None:
        super().__init__()
        self._refused: list[Refused] = []
        self._named: list[str] = []
        self._work: _Work | None = None
        self._view = ""
        self._could = (False, False, False, False)
        self._has_read = self._is_stale = False

    def body(self) -> ComposeResult:
        with Horizontal(id="what"):
            yield Static("Files", classes="name")
            yield PathPrompt("paths of pictures and folders", submit_dropped=True)
        yield ModelLine()
        yield JobLine()
        yield Static(Content(_GREETING), id="greeting")
        yield AnswerList()
        yield Refusals()

    @property
    def answers(self) -> AnswerList:
        """The list of answers."""
        return self.query_one(AnswerList)

    @property
    def _model(self) -> ModelLine:
        return self.query_one(ModelLine)

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
        # Only then: what fails would be told of again, each time that its dialog is closed.
        if self._is_stale:
            self.refresh_data()
        elif self._has_read:
            self._tell()

    def refresh_data(self) -> None:
        self._is_stale = False
        self.start(self._read_models(), group="models")

    async def _read_models(self) -> None:
        self._model.take(await self.pixshelf.dataset.read(lambda repo: repo.models.all()))
        self._has_read = True
        self._tell()

    def _tell(self) -> None:
        """Say which model and threshold are chosen, and what there is in the list; offer what can
        be done."""
        answers = self.answers
        self._model.tell(answers.below, ORDER_WORDS[answers.order])
        self.query_one("#greeting").display = not (answers.count or self.is_working)
        if answers.count:
            marked = f", {answers.marked:,} marked" if answers.marked else ""
            self.say(f"{plural(answers.count, 'file')}, {answers.unsure:,} unsure{marked}")
        else:
            selected = len(library_selection(self.pixshelf))
            self.say(f"{selected:,} selected in the library" if selected else "")
        can = (bool(answers.count), bool(self._view), bool(self._refused), self.is_working)
        if can != self._could:
            self._could = can
            self.refresh_bindings()

    def action_model(self) -> None:
        """Choose the model."""
        self.start(self._choose_model(), group="choose")

    async def _choose_model(self) -> None:
        if await self._model.choose():
            self._tell()
            if self.answers.count and not self.is_working:
                self._classify(self._named)

    def action_threshold(self) -> None:
        """Choose what is called unsure."""
        self.start(self._choose_threshold(), group="choose")

    async def _choose_threshold(self) -> None:
        self.answers.below = await self._model.ask_threshold(self.answers.below)
        self._tell()

    # --- files

    def action_files(self) -> None:
        """Go to the prompt."""
        self.query_one(PathPrompt).line.focus()

    def action_browse(self) -> None:
        """Pick files and folders."""
        self.start(self._browse(), group="choose")

    async def _browse(self) -> None:
        from tui.files.picker import PICTURES, FilePicker

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
            self.answers.focus()
            self._classify(event.paths)

    def _classify(self, names: list[str]) -> None:
        if self._is_busy():
            return
        self._named = names
        self.answers.clear()
        self._refused = []
        self._view = ""
        self._show_refused()
        self._tell()
        model = self._model.chosen
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
        elif not self._is_busy():
            # More than a query can name are opened with all the library's images.
            view = ids_query(images) if len(images) <= MAX_VALUES else library_query(self.pixshelf)
            self.start(self._work_on_stored(images, view, self._model.chosen), group="work")

    def action_query(self) -> None:
        """Classify the images of a query."""
        self.start(self._ask_query(), group="choose")

    async def _ask_query(self) -> None:
        from tui.frame.dialogs import Prompt

        text = await self.pixshelf.push_screen_wait(
            Prompt(
                "Classify every image that matches (nothing: all)",
                value=library_query(self.pixshelf),
                placeholder="is:unlabelled",
                check=query_problem,
            )
        )
        if text is not None:
            self._classify_query(text.strip())

    def _classify_query(self, query: str) -> None:
        if not self._is_busy():
            self.start(self._work_on_stored(query, query, self._model.chosen), group="work")

    async def _work_on_stored(
        self, wanted: str | Sequence[int], view: str, model: str | None
    ) -> None:
        """Classify the images of a query, or these; `view` is the query to open them by."""
        below = self.answers.below
        try:
            ended = await self._run(
                "classifying",
                lambda repo, tell, stop: classify_stored(repo, model, wanted, below, tell, stop),
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
        self._view = by_confidence(view, ended.model) if ended.done else ""
        self._tell()
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
        from tui.frame.dialogs import Question

        chosen = self.answers.chosen()
        if not chosen or self._is_busy():
            return
        files = [
            (
                each.source,
                each.label if labelled and each.confidence >= self.answers.below else None,
            )
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
            self.start(self._work_on_adding(files, self._model.chosen), group="work")

    async def _work_on_adding(self, files: list[tuple[str, str | None]], model: str | None) -> None:
        try:
            ended = await self._run(
                "adding", lambda repo, tell, stop: add_files(repo, model, files, tell, stop)
            )
        finally:
            self.pixshelf.changes.publish(Change("import"))
        self.answers.now_images(ended.images)
        self._refused += ended.refused
        self._show_refused()
        images = list(self.answers.images.values())
        if images:
            self._view = by_confidence(ids_query(images), ended.model)
        cut = f"the first {MAX_VALUES:,} of {len(images):,}" if len(images) > MAX_VALUES else "them"
        there = len(ended.images) - ended.new
        self.query_one(JobLine).say(
            f"{'stopped: ' if ended.stopped else ''}{plural(ended.new, 'image')} added, "
            f"{there:,} there already · v opens {cut} in the library"
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
            self.answers.add(now.seen)
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
        """Only what can be done now is offered. Where no work can be stopped, ctrl+x is the
        prompt's."""
        if not self.is_mounted:
            return True
        can = {
            "stop": self.is_working,
            "add": self.answers.count > 0 and not self.is_working,
            "add_labelled": self.answers.count > 0 and not self.is_working,
            "mark": self.answers.count > 0,
            "view": bool(self._view),
            "copy_refusals": bool(self._refused),
        }
        return can.get(action, True)

    def action_stop(self) -> None:
        """Stop; answers that are stored stay."""
        if self._work is not None:
            self._work.stop.set()
            self.notify("stopping after what is in hand")

    # --- the list

    def action_order(self) -> None:
        """Go on to the next order."""
        self.answers.turn()
        self._tell()

    def action_larger(self) -> None:
        self.answers.zoom(1)

    def action_smaller(self) -> None:
        self.answers.zoom(-1)

    def action_mark(self) -> None:
        """Mark the file under the cursor, or unmark it, and go on."""
        self.answers.mark()
        self._tell()

    def action_next(self) -> None:
        self.answers.action_move(1)

    def action_previous(self) -> None:
        self.answers.action_move(-1)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        if event.rows.id == "answers":
            self.action_open()

    def action_open(self) -> None:
        """Look at the picture under the cursor: as an image where it is one, else larger."""
        from tui.classifying.answer_view import AnswerView

        seen = self.answers.under_cursor()
        if seen is None:
            return
        images = self.answers.images
        if seen.source in images:
            added = list(images.values())
            self.pixshelf.open_image(added, added.index(images[seen.source]))
        else:
            self.pixshelf.push_screen(AnswerView(seen))

    def action_view(self) -> None:
        """Open what was classified or added in the library."""
        if self._view:
            self.pixshelf.open_library(self._view)

    def _show_refused(self) -> None:
        items = [(item.source, item.reason) for item in self._refused]
        self.query_one(Refusals).show(items)

    def action_copy_refusals(self) -> None:
        """Copy the refused files with their reasons."""
        self.query_one(Refusals).copy()

    def action_back(self) -> None:
        """Leave the prompt; in the list, unmark all."""
        if self.answers.has_focus:
            self.answers.unmark()
            self._tell()
        else:
            self.answers.focus()

    def commands(self) -> list[tuple[str, str]]:
        line = self.pixshelf.command_line
        model = () if self._model.chosen is None else ("--model", self._model.chosen)
        unsure = ("--abstain", f"{self.answers.below:g}")
        found = []
        if self._named:
            found.append(("classify these files", line("predict", *self._named, *model, *unsure)))
            found.append(("add them", line("predict", *self._named, *model, "--save")))
        images = library_selection(self.pixshelf)
        if 0 < len(images) <= MAX_VALUES:
            query = ids_query(images)
            found.append(
                ("classify the selection", line("predict", "--query", query, *model, "--save"))
            )
        query = library_query(self.pixshelf).strip() or "id>0"
        found.append(
            ("classify the library's query", line("predict", "--query", query, *model, "--save"))
        )
        return found
