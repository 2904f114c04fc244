"""Actions of the train screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_TRAIN = "Training"
_FORM = "The form"
_AFTER = "Afterwards"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "train.start",
        ("ctrl+s", "s"),
        "Start",
        "Train with the values of the form. It goes on in a process of its own.",
        _TRAIN,
        footer=True,
        command="train --preset standard --epochs 5",
    ),
    ActionInfo(
        "train.stop",
        ("x",),
        "Stop",
        "Stop after this batch and keep everything; a second time ends it at once.",
        _TRAIN,
        footer=True,
        command="runs stop ID",
    ),
    ActionInfo(
        "train.detach",
        ("d",),
        "Detach",
        "Watch no longer; the training goes on by itself. So it does when the app is left.",
        _TRAIN,
        footer=True,
        command="train --detach",
    ),
    ActionInfo(
        "train.attach",
        ("a",),
        "Attach",
        "Watch a run that another process trains.",
        _TRAIN,
        footer=True,
        command="runs attach ID",
    ),
    ActionInfo(
        "train.resume",
        ("r",),
        "Resume",
        "Go on with a run that was stopped, interrupted, or failed.",
        _TRAIN,
        footer=True,
        command="runs resume ID",
    ),
    ActionInfo(
        "train.switch",
        ("w",),
        "Form/curves",
        "Change between the form and the training that is watched.",
        _TRAIN,
        footer=True,
    ),
    ActionInfo("train.next-field", ("down",), "Next field", "Go to the next field.", _FORM),
    ActionInfo("train.previous-field", ("up",), "Field before", "Go to the field before.", _FORM),
    ActionInfo(
        "train.back",
        ("escape",),
        "Back",
        "Leave the field; from the curves, go back to the form.",
        _FORM,
    ),
    ActionInfo(
        "train.clear",
        ("ctrl+n",),
        "Fresh form",
        "Give every field the value that it had at first.",
        _FORM,
    ),
    ActionInfo(
        "train.compare",
        ("m",),
        "Compare",
        "Compare the new model with the best one before it, on the same test images.",
        _AFTER,
        footer=True,
        command="models compare A B",
    ),
    ActionInfo(
        "train.evaluate",
        ("v",),
        "Evaluate",
        "Measure the new model, see what it confuses.",
        _AFTER,
        footer=True,
        command="eval --model NAME",
    ),
    ActionInfo(
        "train.mistakes",
        ("o",),
        "Mistakes",
        "Open the images that the new model is wrong about, the surest first.",
        _AFTER,
        command="ls is:wrong model:NAME sort:-confidence",
    ),
)
