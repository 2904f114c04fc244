"""The full-screen app: one dataset, its sections, and what they share.

The app keeps the event loop; everything that reads or writes goes through `Dataset`. Sections are
modes of Textual, made when they are first opened.
"""

from __future__ import annotations

import asyncio
import gc
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.css.query import NoMatches
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen
from textual.signal import Signal
from textual.worker import WorkerFailed

from storage.errors import PixshelfError
from tui.actions import bindings_of
from tui.frame import first_frame
from tui.frame.background import begin, carried_out, ended_by_leaving
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.faults import Faults
from tui.frame.keys_in_order import KeysInOrder
from tui.frame.modal import is_there
from tui.frame.others import Others
from tui.frame.sections import PLACES, Place
from tui.frame.storing import Storing
from tui.frame.themes import THEMES, no_theme
from tui.plain.text import printable
from tui.settings import TuiSettings

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.binding import Binding
    from textual.dom import DOMNode
    from textual.driver import Driver
    from textual.notifications import SeverityLevel

    from tui.frame.edits import Edit
    from tui.keys.palette import Entry
    from tui.training.trainings import Trainings


def _section(place: Place) -> Callable[[], Screen[None]]:
    """What makes a section, and imports its module when it does."""

    def make() -> Screen[None]:
        module = import_module(f"tui.screens.{place.name}")
        made: Screen[None] = getattr(module, place.screen)()
        return made

    return make


class PixshelfApp(KeysInOrder):
    """The app on one dataset. Its exit code is that of the process."""

    TITLE = "pixshelf"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    MODES: ClassVar = {place.name: _section(place) for place in PLACES}
    DEFAULT_MODE = "library"
    BINDINGS: ClassVar = bindings_of("app")
    ENABLE_COMMAND_PALETTE = False
    NOTIFICATION_TIMEOUT = 3.0

    running: reactive[str] = reactive("")
    """What runs in the background, in a few words, for every status line."""

    def __init__(
        self,
        dataset: Dataset,
        *,
        settings: TuiSettings | None = None,
        config_path: Path | None = None,
        db_named: bool = True,
        query: str = "",
        driver_class: type[Driver] | None = None,
    ) -> None:
        """`dataset` is there and can be opened. `config_path` is where settings are written.
        `db_named` says that command lines have to name the dataset. `query` is what the library
        shows first. Raises UsageError for a theme that there is not."""
        super().__init__(driver_class=driver_class)
        self.dataset = dataset
        self.settings = settings or TuiSettings()
        self.config_path = config_path
        self.db_named = db_named
        self.first_query = query
        self.newest_edit: Edit | None = None
        self.defect: BaseException | None = None
        self.farewell = ""
        self.faults = Faults(self)
        self.storing = Storing(self)
        self.others = Others(self)
        self._saving = asyncio.Lock()
        self.changes: Signal[Change] = Signal(self, "changes")
        self.settings_changed: Signal[TuiSettings] = Signal(self, "settings")
        for theme in THEMES:
            self.register_theme(theme)
        if self.settings.theme not in self.available_themes:
            raise no_theme(self.settings.theme, self.available_themes)
        self.theme = self.settings.theme

    @property
    def dataset_name(self) -> str:
        """The dataset in a word: the file's name, or the database's."""
        url = self.dataset.url
        place = url.partition("?")[0] if "://" in url else url
        return place.rstrip("/").rpartition("/")[2] or url

    def on_mount(self) -> None:
        self.set_keymap(dict(self.settings.keys))
        self.changes.subscribe(self, self._forget_newest)
        self.others.begin()
        # Long after the first frame: somebody else may be training on the dataset.
        self.set_timer(1.0, self._look_for_trainings)

    def on_ready(self) -> None:
        _collect_again()
        first_frame.shown.set()

    def _look_for_trainings(self) -> None:
        self.trainings.look()

    @cached_property
    def trainings(self) -> Trainings:
        """The trainings that are started and watched from here."""
        from tui.training.trainings import Trainings

        return Trainings(self)

    # --- going about

    def go(self, section: str) -> None:
        """Open a section."""
        while len(self.screen_stack) > 1:
            if isinstance(self.screen, ModalScreen):
                self.screen.dismiss(None)  # whoever asked has to hear of it
            else:
                self.pop_screen()
        self.switch_mode(section)

    def open_library(self, query: str) -> None:
        """Open the library with a query, from anywhere."""
        from tui.screens.library import LibraryScreen

        self.first_query = query
        self.go("library")
        screen = self.screen
        if isinstance(screen, LibraryScreen):
            screen.ask(query)

    def open_image(self, images: Sequence[int], at: int) -> None:
        """Show one of `images` by itself, the one at the place `at`, with a way to the others."""
        from tui.screens.image import ImageScreen

        self.push_screen(ImageScreen(images, at))

    def command_line(self, *words: str) -> str:
        """The words as a line for the shell, the dataset named where it has to be."""
        named = ("--db", self.dataset.url) if self.db_named else ()
        return shlex.join(["pixshelf", *named, *words])

    # --- edits

    def edit(self, edit: Edit) -> None:
        """Show an edit at once and store it in the background, in the order of the calls. One
        that is refused is asked about, and holds back those that come after it."""
        if edit.images:
            self.storing.edit(edit)

    @property
    def refused(self) -> list[Edit]:
        """What was not stored and waits, the oldest first."""
        return self.storing.waiting

    def action_undo(self) -> None:
        """Take back the newest action."""
        self.storing.undo()

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self.storing.redo()

    def _forget_newest(self, change: Change) -> None:
        if change.what == "undo":
            self.newest_edit = None

    # --- what every action of the app does

    def action_library(self) -> None:
        self.go("library")

    def action_classify(self) -> None:
        self.go("classify")

    def action_train(self) -> None:
        self.go("train")

    def action_evaluate(self) -> None:
        self.go("evaluate")

    def action_review(self) -> None:
        self.go("review")

    def action_runs(self) -> None:
        self.go("runs")

    def action_history(self) -> None:
        self.go("history")

    def action_importing(self) -> None:
        self.go("importing")

    def action_settings(self) -> None:
        self.go("settings")

    def action_about(self) -> None:
        self.go("about")

    def action_refresh(self) -> None:
        """Read everything anew."""
        self.changes.publish(Change("refresh"))

    async def action_quit(self) -> None:
        """Leave, once every edit is stored. One that was refused keeps the app open; work that
        would end is asked about."""
        begin(self, self._leave(), group="leave", exclusive=True)

    async def _leave(self) -> None:
        from tui.frame.dialogs import Question

        if jobs := ended_by_leaving(self):
            question = Question(
                f"Under way: {', '.join(jobs)}. Leave all the same?",
                ("Stay", "Leave"),
                hint="What is stored so far stays; what is left is not done.",
            )
            if await self.push_screen_wait(question) != "Leave":
                return
        if self.dataset.pending_edits:
            self.notify("storing the last edits")
        await carried_out(self)
        await self.dataset.settled()
        self.storing.leave()

    def end(self) -> None:
        """Leave at once, with a word about the trainings that go on."""
        self.farewell = self.trainings.farewell()
        self.exit()

    def leave_from_thread(self, code: int) -> None:
        """Leave with an exit code, whatever is open. Safe to call from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: self.exit(return_code=code))

    # --- settings

    def save_settings(self, new: TuiSettings) -> None:
        """Let settings count at once, and write them to the config file in the background."""
        self.settings = new
        self.theme = new.theme
        self.set_keymap(dict(new.keys))
        self.settings_changed.publish(new)
        if self.config_path is not None:
            begin(self, self._write_settings(self.config_path), group="settings")

    async def _write_settings(self, path: Path) -> None:
        from tui.preferences.file import write_settings

        async with self._saving:
            try:
                # What counts by then, so that the last of several is what stays.
                await asyncio.to_thread(write_settings, path, self.settings)
            except (PixshelfError, OSError) as error:
                self.show_error(error)

    # --- finding one's way

    def action_go(self) -> None:
        """Choose a section by its letter."""
        from tui.keys.go_menu import GoMenu

        def chosen(section: str | None) -> None:
            if section is not None:
                self.go(section)

        self.push_screen(GoMenu(getattr(self.screen, "NAME", "")), chosen)

    def action_help(self) -> None:
        """Show the keys of the screen that is open."""
        from tui.keys.help import HelpScreen, sections_of

        self.push_screen(HelpScreen(sections_of(self.screen)))

    def action_command_palette(self) -> None:
        """Find an action by its name and do it."""
        from tui.keys.palette import Palette, entries_of

        self.push_screen(Palette(entries_of(self)), self._do)

    async def _do(self, entry: Entry | None) -> None:
        if entry is not None:
            await self.run_action(entry.action, entry.node or self)

    def action_theme(self, name: str) -> None:
        """Take another theme, and keep it."""
        self.save_settings(replace(self.settings, theme=name))

    def action_copy_command(self) -> None:
        """Choose a command line that does what can be done here, and copy it."""
        from tui.keys.copy_command import CopyCommand, commands_of

        self.push_screen(CopyCommand(commands_of(self)), self._copy)

    def _copy(self, line: str | None) -> None:
        if line is not None:
            self.copy_to_clipboard(line)
            self.notify("the command is in the clipboard", title="Copied", markup=False)

    def key_of(self, action: str) -> str:
        """The key of an action as it is shown, '' where it has none; for what is said of it."""
        from tui.keys.keymap import key_of

        return key_of(action, self.settings.keys)

    def get_key_display(self, binding: Binding) -> str:
        from tui.keys.keymap import shown

        return binding.key_display or shown(binding.key)

    async def _dispatch_action(self, namespace: DOMNode, action_name: str, params: Any) -> bool:
        try:
            return await super()._dispatch_action(namespace, action_name, params)
        except NoMatches:
            if is_there(namespace):
                raise
            return True  # a key that comes to a screen before its widgets, or after them

    # --- telling

    def on_notify(self) -> None:
        """Only the newest notice is shown, so that the screen below stays in sight."""
        self.clear_notifications()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Tell something in passing. It is plain text whatever is in it: names and errors hold
        brackets and control characters."""
        del markup
        super().notify(
            printable(message),
            title=printable(title),
            severity=severity,
            timeout=timeout,
            markup=False,
        )

    def show_error(self, error: Exception) -> None:
        """Show an error with its hint until it is read, one at a time."""
        self.faults.tell(error)

    def _fatal_error(self) -> None:
        # Textual would draw a traceback over the terminal; `tui.launch` raises the error instead.
        error = self._exception
        self.defect = error.error if isinstance(error, WorkerFailed) else error
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Leave because of what cannot be gone on from; `tui.launch` raises the error."""
        del renderables
        self.defect = self._exception or OSError("the terminal went away")
        self._close_messages_no_wait()


def _collect_again() -> None:
    """What is there with the first frame mostly stays: the collector need not look through it."""
    gc.freeze()
    gc.enable()
