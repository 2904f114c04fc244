"""One answer, large: what the model was shown, and more of its labels."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.classifying.answers import Seen, picture_lines
from tui.frame.modal import Dialog
from tui.plain.text import printable
from tui.widgets.bars import bars


class AnswerView(Dialog[None]):
    """A dialog that any of its keys closes."""

    BINDINGS: ClassVar = [Binding("escape,enter,space,q", "close", "Close")]

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self._seen = seen

    def compose(self) -> ComposeResult:
        rows = 16 if self.app.size.height >= 34 else 8
        with Vertical(classes="dialog") as box:
            box.border_title = "What the model was shown"
            yield Static(Content(printable(self._seen.source)))
            yield Static(Content("\n").join(picture_lines(self._seen.pixels, rows)))
            yield Static(bars(self._seen.top[:10], 58))

    def action_close(self) -> None:
        self.dismiss(None)
