"""What every section of the app has: the bar of sections above, the status and the keys below.

`Section` is the base of the full screens. Its jobs run beside the event loop, and their errors
become a dialog.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import finalize

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message as Posted
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from storage.errors import PixshelfError
from tui.frame.background import begin
from tui.frame.key_line import KeyLine
from tui.frame.modal import is_going
from tui.frame.sections import PLACES
from tui.plain.text import printable

if TYPE_CHECKING:
    from textual.worker import Worker

    from tui.app import PixshelfApp

SECTIONS = {place.name: place.word for place in PLACES if place.word}
"""The sections of the bar in their order, with their words."""


class SectionBar(Widget):
    """The names of the sections, the one that is open standing out, and the dataset's name."""

    def __init__(self, section: str) -> None:
        super().__init__()
        self._section = section
        self._places: list[tuple[int, int, str]] = []

    def render(self) -> Content:
        app = pixshelf(self)
        keys = {name: app.key_of(f"app.{name}") for name in SECTIONS}
        words = {name: f" {title} " for name, title in SECTIONS.items()}
        roomy = sum(map(cell_len, (*words.values(), *keys.values()))) + len(words) + 12
        if self.size.width >= roomy:
            words = {
                name: f" {(keys[name] + word.rstrip()).lstrip()} " for name, word in words.items()
            }
        parts: list[Content] = []
        self._places = []
        used = 0
        for name, word in words.items():
            parts.append(Content.styled(word, "reverse bold" if name == self._section else ""))
            self._places.append((used, used + cell_len(word), name))
            used += cell_len(word)
        left = self.size.width - used - 1
        name = printable(app.dataset_name)
        shown = name if cell_len(name) <= left else ""
        parts.append(Content(" " * max(0, left - cell_len(shown)) + shown))
        return Content("").join(parts)

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._places:
            if start <= event.x < end and name != self._section:
                pixshelf(self).go(name)


class StatusLine(Widget):
    """One line: what the screen says at the left, what runs in the background at the right."""

    text: reactive[str] = reactive("")
    running: reactive[str] = reactive("")

    def on_mount(self) -> None:
        self.watch(pixshelf(self), "running", self._follow)

    def _follow(self, text: str) -> None:
        self.running = text

    def render(self) -> Content:
        left, right = Content(printable(self.text)), Content(printable(self.running))
        room = self.size.width - left.cell_length - right.cell_length
        if room < 1:
            left = left.truncate(max(0, self.size.width - right.cell_length - 1), ellipsis=True)
            room = max(1, self.size.width - left.cell_length - right.cell_length)
        return Content("").join([left, Content(" " * room), right])


class Section(Screen[None]):
    """A full screen of the app. A subclass gives its `NAME`, its BINDINGS by `bindings_of(NAME)`,
    and its content by `body`."""

    NAME: ClassVar[str]
    AUTO_FOCUS = "*"

    def compose(self) -> ComposeResult:
        yield SectionBar(self.NAME)
        with Container(id="body"):
            yield from self.body()
        yield StatusLine()
        yield KeyLine()

    def body(self) -> ComposeResult:
        """The section's own widgets."""
        raise NotImplementedError

    @property
    def pixshelf(self) -> PixshelfApp:
        """The app, by its own type."""
        return pixshelf(self)

    def say(self, text: str) -> None:
        """Put a sentence into the status line."""
        self.query_one(StatusLine).text = text

    def start(
        self, job: Coroutine[Any, Any, None], *, group: str, exclusive: bool = True
    ) -> Worker[None]:
        """Run a coroutine beside the event loop's other work. With `exclusive` an earlier one of
        the same group is cancelled. A PixshelfError or OSError that it raises is shown."""
        worker = begin(self, self._guarded(job), group=group, exclusive=exclusive)
        finalize(worker, job.close)  # one that is cancelled before it begins is never awaited
        return worker

    async def _guarded(self, job: Coroutine[Any, Any, None]) -> None:
        try:
            await job
        except (PixshelfError, OSError) as error:
            self.pixshelf.show_error(error)
        except NoMatches:
            if not is_going(self):
                raise

    async def _dispatch_message(self, message: Posted) -> None:
        try:
            await super()._dispatch_message(message)
        except NoMatches:
            if not is_going(self):
                raise

    def commands(self) -> list[tuple[str, str]]:
        """What can be done here as (what, command line), for 'copy command'; see
        PixshelfApp.command_line."""
        return []

    def refresh_data(self) -> None:
        """Read everything anew."""


def pixshelf(widget: Widget) -> PixshelfApp:
    """The app that a widget is in, by its own type."""
    from tui.app import PixshelfApp

    app = widget.app
    if not isinstance(app, PixshelfApp):
        raise TypeError(f"{type(widget).__name__} runs in {type(app).__name__}, not in pixshelf")
    return app
