"""The line that shows the query, and in which it is written.

While it is written, completions and what is wrong with it are shown below, over whatever is
there. Nothing but the line itself exists until then.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from storage.errors import QueryError
from storage.query import parse
from tui.actions import bindings_of
from tui.plain.text import printable

if TYPE_CHECKING:
    from textual.widgets import Input, Static

    from tui.library.completing import Offer, Words

MOST_REMEMBERED = 200
_SHOWN = 8
_HINT = "all images"


class QueryLine(Widget):
    """Shows `text`; `edit` lets the user write another one, which is posted as `Asked`."""

    BINDINGS: ClassVar = bindings_of("query")
    DEFAULT_CSS = """
    QueryLine { height: 1; background: $panel; padding: 0 1; }
    QueryLine Input { height: 1; border: none; padding: 0; margin: 0 0 0 2; background: $panel; }
    QueryLine Input:focus { border: none; }
    QueryLine .offers {
        overlay: screen; width: auto; min-width: 30; max-width: 100%; height: auto;
        background: $panel; padding: 0 1 0 0; text-wrap: nowrap; display: none;
    }
    """

    text: reactive[str] = reactive("")
    words: Words | None = None
    """What is offered besides the language's own words, once that is known."""

    class Asked(Message):
        """A query was written; it can be parsed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The query stays as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.remembered: list[str] = []
        self._parts: tuple[Input, Static] | None = None
        self._at = 0
        self._offer: Offer | None = None
        self._chosen = 0
        self._error: QueryError | None = None

    def render(self) -> Content:
        shown = printable(self.text)
        style = "" if shown else "$foreground 60%"
        return Content.assemble(("/ ", "bold $text-accent"), (shown or _HINT, style))

    def on_click(self) -> None:
        """Write."""
        if not self.is_edited:
            self.edit()

    # --- writing

    @property
    def is_edited(self) -> bool:
        """Whether a query is being written."""
        return self._parts is not None

    def edit(self, text: str | None = None, error: QueryError | None = None) -> None:
        """Let the user write, beginning with a text, and with what is wrong with it."""
        from textual.widgets import Static

        from tui.frame.text_line import TextLine

        if self.is_edited:
            self._close()
        begun = self.text if text is None else text
        line = TextLine(begun, select_on_focus=False)
        below = Static(classes="offers")
        self._parts = line, below
        self.mount(line, below)
        self._at = len(self.remembered)
        self._offer = None
        self._error = error
        line.focus()
        if error is not None:
            self.call_after_refresh(self._show)

    def _close(self) -> None:
        self.remove_children()
        self._parts = None
        self._offer = self._error = None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what fits."""
        event.stop()
        self._look()

    @property
    def _options(self) -> tuple[str, ...]:
        return () if self._offer is None else self._offer.options

    def _look(self) -> None:
        from tui.library.completing import Words, offer

        if self._parts is None:
            return
        line = self._parts[0]
        if self._error is not None and self._error.text == line.value:
            return  # what is wrong stays until something is changed
        self._offer = offer(line.value, line.cursor_position, self.words or Words())
        self._chosen = 0
        self._error = _finished_error(line.value, line.cursor_position)
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask, if the query can be read; otherwise show why not."""
        event.stop()
        text = event.value.strip()
        try:
            parse(text)
        except QueryError as error:
            self._error = error if event.value == text else _wrong(event.value)
            self._offer = None
            self._show()
            return
        self._remember(text)
        self._close()
        self.text = text
        self.post_message(self.Asked(text))

    def _remember(self, text: str) -> None:
        if text and (not self.remembered or self.remembered[-1] != text):
            self.remembered.append(text)
            del self.remembered[:-MOST_REMEMBERED]

    # --- actions

    def action_complete(self) -> None:
        """Take the completion that stands out."""
        if self._parts is None or self._offer is None or not self._options:
            return
        line = self._parts[0]
        value, place = self._offer.taken(line.value, self._options[self._chosen])
        line.value = value
        line.cursor_position = place
        self._look()

    def action_up(self) -> None:
        """The completion before, or the query asked before."""
        self._step(-1)

    def action_down(self) -> None:
        """The next completion, or the query asked after."""
        self._step(1)

    def _step(self, by: int) -> None:
        if self._options:
            self._chosen = (self._chosen + by) % len(self._options)
            self._show()
            return
        if self._parts is None:
            return
        asked = [*self.remembered, self.text]
        self._at = max(0, min(self._at + by, len(asked) - 1))
        line = self._parts[0]
        with self.prevent(line.Changed):
            line.value = asked[self._at]
        line.cursor_position = len(line.value)
        self._error = None
        self._show()

    def action_leave(self) -> None:
        """Close the completions; where there are none, leave."""
        if self._options:
            self._offer = None
            self._show()
            return
        self._close()
        self.post_message(self.Left())

    # --- what stands below

    def _show(self) -> None:
        if self._parts is None:
            return
        line, below = self._parts
        lines: list[Content] = []
        if self._error is not None:
            lines.extend(self._error_lines(self._error, line.scroll_offset.x))
        options = self._options
        top = max(0, min(self._chosen - _SHOWN + 1, len(options) - _SHOWN))
        for at, option in enumerate(options[top : top + _SHOWN], top):
            mark = "▸ " if at == self._chosen else "  "
            style = "reverse bold" if at == self._chosen else ""
            lines.append(Content.styled(mark + printable(option) + " ", style))
        if len(options) > top + _SHOWN:
            lines.append(Content.styled(f"  {len(options) - top - _SHOWN:,} more", "dim"))
        below.update(Content("\n").join(lines))
        below.display = bool(lines)

    def _error_lines(self, error: QueryError, scrolled: int) -> list[Content]:
        """A caret under the word, then what is wrong with it and what to do."""
        before = Content(printable(error.text[: error.start])).cell_length
        wide = max(1, Content(printable(error.text[error.start : error.end])).cell_length)
        left = max(0, before + 2 - scrolled)
        room = max(1, self.size.width - left - 2)
        lines = [Content(" " * left) + Content.styled("^" * min(wide, room), "bold $text-error")]
        for words, style in ((error.message, "$text-error"), (error.hint, "$foreground 60%")):
            shown = wrap(printable(words or ""), max(20, self.size.width - 4))
            lines.extend(Content.styled(f"  {line}", style) for line in shown)
        return lines


def _wrong(text: str) -> QueryError | None:
    """What is wrong with a query, if anything is."""
    try:
        parse(text)
    except QueryError as error:
        return error
    return None


def _finished_error(text: str, cursor: int) -> QueryError | None:
    """What is wrong with a word that is no longer being written."""
    error = _wrong(text)
    return error if error is not None and error.end < cursor else None
