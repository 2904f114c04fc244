"""A line of text to be written, whose value may hold what no terminal should be sent."""

from __future__ import annotations

from rich.highlighter import Highlighter
from rich.text import Text
from textual.widgets import Input

from tui.plain.text import masked


class TextLine(Input):
    """An Input whose value stays as it is, and is shown without its control characters."""

    def __init__(
        self,
        value: str | None = None,
        *,
        placeholder: str = "",
        select_on_focus: bool = True,
    ) -> None:
        super().__init__(
            value,
            placeholder=masked(placeholder),
            highlighter=_Masked(),
            select_on_focus=select_on_focus,
        )


class _Masked(Highlighter):
    """One character for one, so that the cursor keeps its place."""

    def highlight(self, text: Text) -> None:
        text.plain = masked(text.plain)
