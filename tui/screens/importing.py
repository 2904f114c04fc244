"""Import: paths and named datasets into the dataset, with a look at them first.

The import runs in a thread of its own; the rest of the app goes on. What was added stays when it is
stopped, and the same import begun again adds what is missing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Select, Static

from storage.errors import PixshelfError
from storage.importing.sources import FORMATS
from storage.labels import clean_label, clean_tags
from storage.records import SPLITS
from tui.actions import bindings_of
from tui.files.import_words import (
    command_words,
    end_words,
    known_words,
    preview_words,
    running_words,
    standing_words,
)
from tui.files.job_line import JobLine
from tui.files.path_input import PathPrompt
from tui.files.refusals import Refusals
from tui.frame.background import in_thread, tell_running
from tui.frame.changes import Change
from tui.frame.section import Section
from tui.keys.options import Dropdown
from tui.plain.text import plural, printable

if TYPE_CHECKING:
    from textual.timer import Timer

    from ml.intake import Choices, Standing, Totals
    from storage.importing.measuring import SplitChoice

_REST = 0.3
"""Seconds that the keys rest before a source is looked at."""

_TELL_EVERY = 0.1
_GREETING = (
    "Type or paste the path of a folder, pictures, an archive, IDX or npz files, or a CSV or JSON "
    "Lines manifest; drop files on the window; ctrl+o picks them from a tree, and ctrl+n offers "
    "datasets that have names. A folder may hold a folder for each label, and above those train, "
    "val and test."
)


class ImportScreen(Section):
    """A form, a look at what it names, and how its import goes."""

    NAME = "importing"
    BINDINGS: ClassVar = bindings_of("importing")
    AUTO_FOCUS = "PathLine"
    DEFAULT_CSS = """
    ImportScreen .name { width: 8; padding-left: 1; color: $text-muted; }
    ImportScreen PathPrompt { width: 1fr; }
    ImportScreen #what { height: auto; }
    ImportScreen .row { height: 1; }
    ImportScreen .row Input { border: none; height: 1; padding: 0 1; background: $panel; }
    ImportScreen .row Input:focus { border: none; background: $primary 25%; }
    ImportScreen .row Input, ImportScreen .row Select { width: 1fr; }
    ImportScreen .row Select.-textual-compact > SelectCurrent { padding: 0 1; }
    ImportScreen #preview { height: auto; max-height: 8; padding: 0 1; margin: 1 0; }
    """

    class Progressed(Message):
        """The import has come further."""

        def __init__(self, standing: Standing) -> None:
            super().__init__()
            self.standing = standing

    def __init__(self) -> None:
        super().__init__()
        self._stop: threading.Event | None = None
        self._rest: Timer | None = None
        self._looking = threading.Event()
        self._one_look = threading.Lock()

    @property
    def is_importing(self) -> bool:
        """Whether an import is under way."""
        return self._stop is not None

    def body(self) -> ComposeResult:
        with Horizontal(id="what"):
            yield Static("From", classes="name")
            yield PathPrompt("a path, several paths, or the name of a dataset")
        with Horizontal(classes="row"):
            yield Static("Label", classes="name")
            yield Input(placeholder="what the source says", id="label")
            yield Static("Tags", classes="name")
            yield Input(placeholder="none; a comma parts several", id="tags")
        with Horizontal(classes="row"):
            yield Static("Split", classes="name")
            yield Dropdown(
                [("80/10/10 by the pixels", "auto"), *((f"all {name}", name) for name in SPLITS)],
                prompt="as given, else 80/10/10",
                compact=True,
                id="split",
            )
            yield Static("Format", classes="name")
            yield Dropdown(
                [(name, name) for name in FORMATS],
                prompt="what it looks like",
                compact=True,
                id="format",
            )
        yield Static(Content(_GREETING), id="preview")
        yield JobLine()
        yield Refusals()

    def on_unmount(self) -> None:
        if self._stop is not None:
            self._stop.set()
        self._looking.set()

    # --- what is to be imported

    def sources(self) -> list[str]:
        """The paths and names in the prompt."""
        return self.query_one(PathPrompt).paths()

    def choices(self) -> Choices:
        """What the form says of labels, splits and tags. Raises RefusedInput."""
        from ml.intake import Choices

        label = self.query_one("#label", Input).value.strip()
        tags = self.query_one("#tags", Input).value.split(",")
        return Choices(
            format=self._selected("#format"),
            split=cast("SplitChoice", self._selected("#split")),
            label=clean_label(label) if label else None,
            tags=clean_tags([tag for tag in tags if tag.strip()]),
        )

    def _selected(self, name: str) -> str | None:
        value = self.query_one(name, Select).value
        return value if isinstance(value, str) else None

    def on_path_prompt_changed(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(_REST, self._look_soon)

    def _look_soon(self) -> None:
        self.start(self._look(), group="look")

    def on_select_changed(self, event: Select.Changed) -> None:
        if event.select.id == "format" and self.sources():
            self._look_soon()

    async def _look(self) -> None:
        """Show what the prompt names. A look that is still under way is of no use any more."""
        self._looking.set()
        stop = self._looking = threading.Event()
        sources = self.sources()
        if not sources:
            self._show_preview(_GREETING)
            return
        read_as = self._selected("#format")
        texts = []
        for source in sources[:3]:
            look = _Look(source, read_as, stop, self._one_look)
            texts.append(await in_thread(look.take))
            self._show_preview("\n".join(texts))
        if len(sources) > len(texts):
            texts.append(f"and {len(sources) - len(texts):,} more")
            self._show_preview("\n".join(texts))

    def _show_preview(self, text: str) -> None:
        self.query_one("#preview", Static).update(Content(text))

    def on_paste(self, event: events.Paste) -> None:
        """Files dropped while the prompt has not the focus."""
        prompt = self.query_one(PathPrompt)
        prompt.line.focus()
        prompt.line.drop(event.text)

    def action_browse(self) -> None:
        """Pick files and folders."""
        self.start(self._browse(), group="browse")

    async def _browse(self) -> None:
        from tui.files.picker import SOURCES, FilePicker

        picked = await self.pixshelf.push_screen_wait(FilePicker(SOURCES))
        if picked:
            self.query_one(PathPrompt).set_paths(picked)

    def action_known(self) -> None:
        """Choose a dataset that has a name."""
        self.start(self._choose_known(), group="browse")

    async def _choose_known(self) -> None:
        from ml.known_datasets import NAMES
        from tui.frame.dialogs import Choice

        name = await self.pixshelf.push_screen_wait(Choice("A dataset with a name", NAMES))
        if name is not None:
            self.query_one(PathPrompt).set_paths([name])

    # --- the import

    def on_path_prompt_submitted(self) -> None:
        self.action_start()

    def on_input_submitted(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Import what the prompt names."""
        sources = self.sources()
        if self.is_importing:
            self.notify("an import is under way; ctrl+x stops it")
        elif not sources:
            self.query_one(PathPrompt).line.focus()
            self.notify("name a path first")
        else:
            try:
                choices = self.choices()
            except PixshelfError as error:
                self.pixshelf.show_error(error)
                return
            self._stop = threading.Event()
            self.start(self._import(sources, choices, self._stop), group="import")

    async def _import(self, sources: list[str], choices: Choices, stop: threading.Event) -> None:
        from ml.intake import take_in

        self.query_one(Refusals).show([])
        self.refresh_bindings()
        self.query_one(JobLine).begin("opening the source")
        began = time.monotonic()
        tell = _Teller(self)
        try:
            totals = await self.pixshelf.dataset.work(
                lambda repo: take_in(
                    repo, sources, choices, tell=tell.tell, should_stop=stop.is_set
                )
            )
        finally:
            self._stop = None
            # Where the app is being left, there is nothing to show any more.
            if self.is_running and self.query(JobLine):
                self.query_one(JobLine).end()
                self.refresh_bindings()
            tell_running(self.pixshelf, "import", "")
            # Batches that were stored before an error are there.
            self.pixshelf.changes.publish(Change("import"))
        self._ended(totals, choices, time.monotonic() - began)

    def _ended(self, totals: Totals, choices: Choices, seconds: float) -> None:
        self.query_one(JobLine).say(end_words(totals, choices, seconds))
        refusals = self.query_one(Refusals)
        refusals.show(totals.refusals, count=totals.refused)
        self.notify(
            f"import {'stopped' if totals.stopped else 'done'}: {plural(totals.added, 'image')} "
            f"added, {totals.refused:,} refused"
        )
        if totals.refusals and self.is_current:
            refusals.rows.focus()

    def on_import_screen_progressed(self, event: Progressed) -> None:
        if not self.is_importing:
            return
        now = event.standing
        self.query_one(JobLine).come_to(now.done, now.total, standing_words(now))
        tell_running(self.pixshelf, "import", running_words(now))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only an import under way can be stopped; else ctrl+x is the field's."""
        return self.is_importing if action == "stop" else True

    def action_stop(self) -> None:
        """Stop the import; what was added stays."""
        if self._stop is not None:
            self._stop.set()
            self.notify("stopping after what is in hand")

    def action_copy_refusals(self) -> None:
        """Copy the refused files with their reasons."""
        self.query_one(Refusals).copy()

    # --- going about

    def action_show(self) -> None:
        """Look at what is in the dataset now."""
        self.pixshelf.go("library")

    def action_back(self) -> None:
        """From a field to the list of what was refused, or to nothing."""
        refusals = self.query_one(Refusals)
        if refusals.display and not refusals.rows.has_focus:
            refusals.rows.focus()
        else:
            self.set_focus(None)

    def commands(self) -> list[tuple[str, str]]:
        sources = self.sources()
        if not sources:
            return [("import the digits", self.pixshelf.command_line("import", "digits"))]
        try:
            choices = self.choices()
        except PixshelfError:
            return []
        words = command_words(sources, choices)
        return [("import this", self.pixshelf.command_line(*words))]


class _Teller:
    """Carries how far an import is from its thread to the screen, at most ten times a second."""

    def __init__(self, screen: ImportScreen) -> None:
        self._screen = screen
        self._told_at = 0.0

    def tell(self, now: Standing) -> None:
        """For the import's thread."""
        moment = time.monotonic()
        if moment - self._told_at >= _TELL_EVERY or now.fetching:
            self._told_at = moment
            self._screen.post_message(ImportScreen.Progressed(now))


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at a source, to be taken in a thread, after those that are under way."""

    source: str
    read_as: str | None
    stop: threading.Event
    alone: threading.Lock

    def take(self) -> str:
        """What the source is; '' where nobody wants to know any more."""
        with self.alone:
            return "" if self.stop.is_set() else _look(self.source, self.read_as, self.stop.is_set)


def _look(source: str, read_as: str | None, should_stop: Callable[[], bool]) -> str:
    """What a source is, or why it is none, in a few lines."""
    from ml.intake import is_known
    from ml.known_datasets import KERAS
    from storage.importing.preview import preview

    if is_known(source):
        known = KERAS.get(source)
        return known_words(source, known.megabytes if known else None)
    try:
        return preview_words(preview(Path(source), read_as, should_stop=should_stop), source)
    except PixshelfError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return f"✗ {printable(error.message + hint)}"
