"""The library: every image of the dataset as a grid, filtered, sorted and labelled."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from tui.actions import bindings_of
from tui.frame import Section


class LibraryScreen(Section):
    """The first section."""

    NAME = "library"
    BINDINGS: ClassVar = bindings_of("library")

    def body(self) -> ComposeResult:
        yield Static("library")

    def ask(self, query: str) -> None:
        """Show the images that match."""
        self.say(query)
