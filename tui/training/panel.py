"""A training that is watched, on the screen: where it stands, its curves, its log, its end."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import RichLog, Static

from tui.plain.text import printable
from tui.training.trainings import comparison
from tui.training.view import charts, headline, scores
from tui.training.watched import MOST_LINES, Line, Watched

_STYLES = {"plain": "dim", "epoch": "", "warning": "bold", "error": "bold"}
_HEADS = {"plain": "", "epoch": "", "warning": "warning: ", "error": "error: "}


class Curves(Widget):
    """The curves of a training, as large as the widget."""

    watched: Watched | None = None

    def render(self) -> Content:
        if self.watched is None:
            return Content("")
        return charts(self.watched.figures, self.size.width, self.size.height)


class TrainingPanel(Vertical):
    """Shows a `Watched`. To be told whenever that changes."""

    DEFAULT_CSS = """
    TrainingPanel { padding: 0 1; }
    TrainingPanel Static { height: auto; }
    TrainingPanel Curves { height: 2fr; max-height: 26; margin-top: 1; }
    TrainingPanel RichLog {
        height: 1fr; min-height: 3; margin-top: 1; background: $background;
        scrollbar-size-vertical: 1; overflow-x: hidden;
    }
    TrainingPanel #ended { display: none; margin-top: 1; }
    """

    def __init__(self) -> None:
        super().__init__(id="watch")
        self._shown: Watched | None = None
        self._said = 0

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield Static(id="headline")
        yield Static(id="scores")
        yield Curves()
        yield RichLog(max_lines=MOST_LINES, min_width=10, wrap=True)
        yield Static(id="ended")

    def show(self, watched: Watched) -> None:
        """Show how a training stands now."""
        if watched is not self._shown:
            self._shown, self._said = watched, 0
            self.query_one(RichLog).clear()
        cells = max(10, self.size.width - 2)
        self.query_one("#title", Static).update(_title(watched))
        going = watched.watching
        self.query_one("#headline", Static).display = going
        if going:
            head = headline(watched.figures, cells, watched.elapsed)
            self.query_one("#headline", Static).update(head)
        self.query_one("#scores", Static).update(scores(watched.figures, cells))
        curves = self.query_one(Curves)
        curves.watched = watched
        curves.refresh()
        self._write_log(watched)
        ended = self.query_one("#ended", Static)
        ended.display = not going
        ended.update(ending_content(watched))

    def on_resize(self) -> None:
        if self._shown is not None:
            # The log wraps its lines once, for the width that it has then.
            self._said = 0
            self.query_one(RichLog).clear()
            self.show(self._shown)

    def _write_log(self, watched: Watched) -> None:
        new = min(watched.said - self._said, len(watched.lines))
        self._said = watched.said
        log = self.query_one(RichLog)
        cells = max(10, self.size.width - 3)
        for line in list(watched.lines)[len(watched.lines) - new :]:
            log.write(_log_line(line), width=cells)


def _log_line(line: Line) -> Text:
    return Text(_HEADS[line.level] + line.text, style=_STYLES[line.level])


_STATES = {
    "running": "",
    "stopping": "stopping after this batch",
    "left": "goes on by itself",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
}


def _title(watched: Watched) -> Content:
    run = "" if watched.run is None else f", run {watched.run}"
    state = _STATES[watched.state]
    if not state:
        state = "training here" if watched.own else "training elsewhere, watched here"
    return Content.assemble(
        (printable(watched.name) or "a training", "bold"), (f"{run}: {state}", "dim")
    )


def ending_content(watched: Watched) -> Content:
    """What came out of a training, and what can be done now."""
    keys = []
    lines = []
    if watched.error is not None:
        message = getattr(watched.error, "message", str(watched.error))
        lines.append(Content.styled(printable(f"It failed: {message}"), "$text-error bold"))
        keys += ["r goes on with it"] if watched.run is not None else []
    elif watched.state == "left":
        lines.append(Content("It goes on by itself, also when the app is left."))
        keys.append("a watches it again")
    elif watched.result is not None:
        lines.append(Content.styled(comparison(watched.result), "bold"))
        if watched.result.best is not None:
            keys.append("m compares the two")
        keys += ["v measures it", "o shows its mistakes"]
    if watched.state == "stopped":
        keys.append("r goes on with it")
    keys.append("w is the form")
    lines.append(Content.styled(", ".join(keys), "dim"))
    return Content("\n").join(lines)
