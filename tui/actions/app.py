"""Actions that work everywhere."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_GO = "Go to"
_APP = "Everywhere"

ACTIONS = (
    ActionInfo("app.go", ("g",), "Go", "Choose another screen.", _GO, footer=True, palette=False),
    ActionInfo("app.library", ("f2",), "Library", "Browse, filter and label the images.", _GO),
    ActionInfo("app.classify", ("f3",), "Classify", "Let a model say what is in images.", _GO),
    ActionInfo("app.train", ("f4",), "Train", "Train a model and watch it learn.", _GO),
    ActionInfo("app.evaluate", ("f5",), "Evaluate", "Measure a model, see its mistakes.", _GO),
    ActionInfo("app.review", ("f6",), "Review", "Go through the doubtful images, one by one.", _GO),
    ActionInfo("app.runs", ("f7",), "Runs and models", "See what was trained.", _GO),
    ActionInfo("app.history", ("f8",), "History", "See what was done, take it back.", _GO),
    ActionInfo("app.importing", ("f9",), "Import", "Add images from folders and files.", _GO),
    ActionInfo("app.settings", ("f10",), "Settings", "Theme, keys, pictures.", _GO),
    ActionInfo("app.about", (), "About", "Versions, paths and the dataset.", _GO, command="doctor"),
    ActionInfo(
        "app.undo",
        ("u", "ctrl+z"),
        "Undo",
        "Take back the newest action.",
        _APP,
        footer=True,
        command="undo",
    ),
    ActionInfo(
        "app.redo",
        ("ctrl+y", "U"),
        "Redo",
        "Do again what was undone last; an edit since then, anybody's, drops it.",
        _APP,
        command="redo",
    ),
    ActionInfo(
        "app.copy-command",
        ("y",),
        "Copy command",
        "Copy the command line that does what this screen can do.",
        _APP,
    ),
    ActionInfo(
        "app.help",
        ("question_mark", "f1"),
        "Help",
        "Show every key of this screen.",
        _APP,
        footer=True,
    ),
    ActionInfo(
        "app.command-palette",
        ("ctrl+p",),
        "Palette",
        "Find an action by its name.",
        _APP,
        footer=True,
        palette=False,
    ),
    ActionInfo("app.refresh", ("ctrl+r",), "Refresh", "Read everything anew.", _APP),
    ActionInfo("app.quit", ("ctrl+q", "q"), "Quit", "Leave; trainings go on.", _APP, footer=True),
)
