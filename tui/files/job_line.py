"""How far a job is: a bar while it goes on, and words that stay after its end."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Static


class JobLine(Vertical):
    """A bar and a few lines of words."""

    DEFAULT_CSS = """
    JobLine { height: auto; }
    JobLine ProgressBar { width: 100%; padding: 0 1; }
    JobLine ProgressBar Bar { width: 1fr; }
    JobLine #progress { height: auto; max-height: 8; padding: 0 1; }
    """

    def compose(self) -> ComposeResult:
        yield ProgressBar(show_eta=False)
        yield Static(id="progress")

    def on_mount(self) -> None:
        self.query_one(ProgressBar).display = False
        self.query_one("#progress").display = False

    def begin(self, words: str) -> None:
        """Show a bar whose length is not known yet."""
        bar = self.query_one(ProgressBar)
        bar.update(total=None, progress=0)
        bar.display = True
        self.say(words)

    def come_to(self, done: int, total: int | None, words: str) -> None:
        """Show how far it is."""
        self.query_one(ProgressBar).update(total=total, progress=done)
        self.say(words)

    def end(self) -> None:
        """Hide the bar. Safe where the widget is being taken away."""
        self.query(ProgressBar).set(display=False)
        self.say("")

    def say(self, words: str) -> None:
        """Show these words alone; '' hides them."""
        for line in self.query("#progress").results(Static):
            line.update(Content(words))
            line.display = bool(words)
