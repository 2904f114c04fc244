"""A prompt for paths: tab completes, and what is pasted or dropped is taken as paths."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.files.paths import Completion, as_text, complete, exists, paths_in
from tui.frame.background import begin
from tui.frame.section import pixshelf
from tui.frame.text_line import TextLine
from tui.plain.text import printable, shorten

_SHOWN = 60
"""So many names are shown where several would do."""


_LOOKED_AT = 20
"""So many dropped paths are looked for on disk before they are taken at once."""


class PathLine(TextLine):
    """The line itself. Tab with nothing left to complete goes on to the next widget."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", show=False)]

    class Completed(Message):
        """Tab was answered."""

        def __init__(self, completion: Completion) -> None:
            super().__init__()
            self.completion = completion

    class Dropped(Message):
        """Paths were pasted, as a terminal does with files that are dropped on it."""

    def _on_paste(self, event: events.Paste) -> None:
        # The line's own way takes the first line as it is.
        event.prevent_default()
        event.stop()
        self.drop(event.text)

    def drop(self, text: str) -> None:
        """Take the paths in a text in, after those that are there."""
        paths = paths_in(text)
        if paths:
            before = self.value[: self.cursor_position]
            gap = " " if before and not before[-1].isspace() else ""
            self.insert_text_at_cursor(gap + as_text(paths) + " ")
            self.post_message(self.Dropped())

    def action_complete(self) -> None:
        if self.value.strip() and self.cursor_position == len(self.value):
            begin(self, self._complete(self.value), group="complete", exclusive=True)
        else:
            self.screen.focus_next()

    async def _complete(self, text: str) -> None:
        found = await pixshelf(self).dataset.work(lambda _: complete(text))
        if self.value != text:
            return
        if found.text == text and len(found.names) < 2:
            self.screen.focus_next()
            return
        self.value = found.text
        self.cursor_position = len(found.text)
        self.post_message(self.Completed(found))


class PathPrompt(Vertical):
    """A line for paths, and below it the names that would do while there are several."""

    DEFAULT_CSS = """
    PathPrompt { height: auto; }
    PathPrompt PathLine { border: none; height: 1; padding: 0 1; background: $panel; }
    PathPrompt PathLine:focus { border: none; background: $primary 25%; }
    PathPrompt #names { height: auto; max-height: 3; padding: 0 1; color: $text-muted; }
    """

    class Submitted(Message):
        """Enter was pressed, or files were dropped on an empty line."""

        def __init__(self, paths: list[str]) -> None:
            super().__init__()
            self.paths = paths

    class Changed(Message):
        """The text is another one."""

    def __init__(self, placeholder: str, *, submit_dropped: bool = False) -> None:
        super().__init__()
        self._placeholder = placeholder
        self._submit_dropped = submit_dropped

    def compose(self) -> ComposeResult:
        yield PathLine(placeholder=self._placeholder, select_on_focus=False)
        names = Static(id="names")
        names.display = False
        yield names

    @property
    def line(self) -> PathLine:
        """The line itself."""
        return self.query_one(PathLine)

    def paths(self) -> list[str]:
        """The paths in the line."""
        return paths_in(self.line.value)

    def set_paths(self, paths: list[str]) -> None:
        """Put these paths into the line in place of what is there."""
        self.line.value = as_text(paths)
        self.line.cursor_position = len(self.line.value)

    def on_path_line_completed(self, event: PathLine.Completed) -> None:
        event.stop()
        found = event.completion.names
        names = self.query_one("#names", Static)
        names.display = len(found) > 1
        listed = "  ".join(shorten(printable(name), 40) for name in found[:_SHOWN])
        more = f"  and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
        names.update(Content(listed + more))

    def on_path_line_dropped(self, event: PathLine.Dropped) -> None:
        event.stop()
        paths = self.paths()
        # The beginning of a path may be pasted too, to be typed on.
        if self._submit_dropped and all(exists(path) for path in paths[:_LOOKED_AT]):
            self.post_message(self.Submitted(paths))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#names").display = False
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(self.paths()))
