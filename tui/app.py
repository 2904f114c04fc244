"""The full-screen app: one dataset, its sections, and what they share.

The app keeps the event loop; everything that reads or writes goes through `Dataset`. Sections are
modes of Textual, made when they are first opened.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.reactive import reactive
from textual.screen import Screen
from textual.signal import Signal

from storage.errors import PixshelfError
from tui.actions import bindings_of
from tui.changes import Change
from tui.dataset import Dataset
from tui.settings import TuiSettings
from tui.themes import THEMES

if TYPE_CHECKING:
    from storage.records import Action
    from storage.repository import Repository
    from tui.edits import Edit
    from tui.trainings import Trainings

_CLASSES = {
    "library": "LibraryScreen",
    "classify": "ClassifyScreen",
    "train": "TrainScreen",
    "evaluate": "EvaluateScreen",
    "review": "ReviewScreen",
    "runs": "RunsScreen",
    "history": "HistoryScreen",
    "importing": "ImportScreen",
    "settings": "SettingsScreen",
    "about": "AboutScreen",
}


def _section(name: str) -> Callable[[], Screen[None]]:
    """What makes a section, and imports its module when it does."""

    def make() -> Screen[None]:
        made: Screen[None] = getattr(import_module(f"tui.screens.{name}"), _CLASSES[name])()
        return made

    return make


class PixshelfApp(App[None]):
    """The app on one dataset. Its exit code is that of the process."""

    TITLE = "pixshelf"
    CSS_PATH = "app.tcss"
    MODES: ClassVar = {name: _section(name) for name in _CLASSES}
    DEFAULT_MODE = "library"
    BINDINGS: ClassVar = bindings_of("app")
    ENABLE_COMMAND_PALETTE = False

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
    ) -> None:
        """`dataset` is there and can be opened. `config_path` is where settings are written.
        `db_named` says that command lines have to name the dataset. `query` is what the library
        shows first."""
        super().__init__()
        self.dataset = dataset
        self.settings = settings or TuiSettings()
        self.config_path = config_path
        self.db_named = db_named
        self.first_query = query
        self.refused: list[Edit] = []
        self.changes: Signal[Change] = Signal(self, "changes")
        self.settings_changed: Signal[TuiSettings] = Signal(self, "settings")
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.settings.theme

    @property
    def dataset_name(self) -> str:
        """The dataset in a word: the file's name, or the last part of the URL."""
        return self.dataset.url.rstrip("/").rpartition("/")[2] or self.dataset.url

    def on_mount(self) -> None:
        self.set_keymap(dict(self.settings.keys))
        # Long after the first frame: somebody else may be training on the dataset.
        self.set_timer(1.0, self._look_for_trainings)

    def _look_for_trainings(self) -> None:
        self.trainings.look()

    @cached_property
    def trainings(self) -> Trainings:
        """The trainings that are started and watched from here."""
        from tui.trainings import Trainings

        return Trainings(self)

    # --- going about

    def go(self, section: str) -> None:
        """Open a section."""
        while len(self.screen_stack) > 1:
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
        """Show an edit at once and store it in the background. One that is refused is told of,
        and asked about again where it may succeed later."""
        if not edit.images:
            return
        stored = self.dataset.edit(edit.store)
        self.changes.publish(Change("edit", edit.images, edit))
        self.run_worker(self._follow(edit, stored), group="edits")

    async def _follow(self, edit: Edit, stored: Awaitable[Action]) -> None:
        try:
            await stored
        except (PixshelfError, OSError) as error:
            self.changes.publish(Change("refused", edit.images, edit))
            self._ask_again(edit, error)
        else:
            self.changes.publish(Change("stored", edit.images, edit))

    def _ask_again(self, edit: Edit, error: Exception) -> None:
        from tui.dialogs import Question

        def answered(answer: str | None) -> None:
            self.refused.remove(edit)
            if answer == "Try again":
                self.edit(edit)

        self.refused.append(edit)

        self.push_screen(
            Question(
                f"Not stored: {edit.summary}. {_message(error)}",
                ("Try again", "Give up"),
                hint=getattr(error, "hint", None),
            ),
            answered,
        )

    def action_undo(self) -> None:
        """Take back the newest action."""
        self.run_worker(self._travel("undone", lambda repo: repo.history.undo()), group="edits")

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self.run_worker(self._travel("done again", lambda repo: repo.history.redo()), group="edits")

    async def _travel(self, word: str, job: Callable[[Repository], list[Action]]) -> None:
        try:
            actions = await self.dataset.edit(job)
        except (PixshelfError, OSError) as error:
            self.show_error(error)
            return
        if not actions:
            self.notify("there is nothing left")
        for action in actions:
            self.notify(f"{word}: {action.summary} ({action.images:,} images)")
        self.changes.publish(Change("undo"))

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
        """Leave, once every edit is stored. One that was refused keeps the app open."""
        self.run_worker(self._leave(), group="leave", exclusive=True)

    async def _leave(self) -> None:
        if self.dataset.pending_edits:
            self.notify("storing the last edits")
        await self.dataset.settled()
        if not self.refused:
            self.exit(message=self.trainings.farewell() or None)

    # --- telling

    def show_error(self, error: Exception) -> None:
        """Show an error with its hint until it is read."""
        from tui.dialogs import Message

        self.push_screen(Message("Error", _message(error), hint=getattr(error, "hint", None)))


def _message(error: Exception) -> str:
    if isinstance(error, PixshelfError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__
