"""Actions of the screen of runs and models."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_MOVE = "Moving"
_RUN = "Runs"
_MODEL = "Models"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "runs.open",
        ("enter",),
        "Open",
        "Watch a run that goes on; of any other, and of a model, open the mistakes.",
        _MOVE,
    ),
    ActionInfo("runs.other", ("tab",), "Runs/models", "Go to the other table.", _MOVE, footer=True),
    ActionInfo("runs.next", ("n", "j"), "Next", "Go one row down.", _MOVE),
    ActionInfo("runs.previous", ("p", "k"), "Previous", "Go one row up.", _MOVE),
    ActionInfo("runs.back", ("escape",), "Clear", "Take the mark away.", _MOVE),
    ActionInfo(
        "runs.attach",
        ("a",),
        "Attach",
        "Watch a run that another process trains.",
        _RUN,
        footer=True,
        command="runs attach ID",
    ),
    ActionInfo(
        "runs.resume",
        ("r",),
        "Resume",
        "Go on with a run that was stopped, interrupted, or failed.",
        _RUN,
        footer=True,
        command="runs resume ID",
    ),
    ActionInfo(
        "runs.stop",
        ("x",),
        "Stop",
        "Stop a run after its batch and keep everything.",
        _RUN,
        footer=True,
        command="runs stop ID",
    ),
    ActionInfo(
        "runs.mark",
        ("space",),
        "Mark",
        "Mark the model, to compare another one with it.",
        _MODEL,
        footer=True,
    ),
    ActionInfo(
        "runs.compare",
        ("m",),
        "Compare",
        "Compare the model with the one that is marked, on the same test images.",
        _MODEL,
        footer=True,
        command="models compare A B",
    ),
    ActionInfo(
        "runs.evaluate",
        ("v",),
        "Evaluate",
        "Measure the model, see what it confuses.",
        _MODEL,
        footer=True,
        command="eval --model NAME",
    ),
    ActionInfo(
        "runs.mistakes",
        ("o",),
        "Mistakes",
        "Open the images that the model is wrong about, the surest first.",
        _MODEL,
        command="ls is:wrong model:NAME sort:-confidence",
    ),
    ActionInfo(
        "runs.rename",
        ("e",),
        "Rename",
        "Give the model another name.",
        _MODEL,
        command="models rename NAME NEW",
    ),
    ActionInfo(
        "runs.export",
        ("w",),
        "Export",
        "Write the model to a file for other programs.",
        _MODEL,
        command="models export NAME FILE",
    ),
    ActionInfo(
        "runs.remove",
        ("delete", "D"),
        "Remove",
        "Remove the run or the model for good.",
        _MODEL,
        command="runs rm ID, models rm NAME",
    ),
)
