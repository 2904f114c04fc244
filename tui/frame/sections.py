"""The sections of the app, in the order of the bar: the one table that names them all.

Their keys and titles are those of the actions 'app.<name>' that open them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A section: `screen` is its class in tui/screens/<name>.py, `letter` its key in the go menu,
    `word` what the bar calls it, '' where it is not in the bar."""

    name: str
    screen: str
    letter: str
    word: str = ""

    @property
    def action(self) -> str:
        """The id of the action that opens it."""
        return f"app.{self.name}"


PLACES = (
    Place("library", "LibraryScreen", "l", "Library"),
    Place("classify", "ClassifyScreen", "c", "Classify"),
    Place("train", "TrainScreen", "t", "Train"),
    Place("evaluate", "EvaluateScreen", "e", "Evaluate"),
    Place("review", "ReviewScreen", "r", "Review"),
    Place("runs", "RunsScreen", "m", "Runs"),
    Place("history", "HistoryScreen", "h", "History"),
    Place("importing", "ImportScreen", "i", "Import"),
    Place("settings", "SettingsScreen", "s"),
    Place("about", "AboutScreen", "a"),
)
