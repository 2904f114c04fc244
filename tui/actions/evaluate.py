"""Actions of the evaluate screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_CHOOSE = "What is evaluated"
_VIEWS = "Views"
_DO = "Evaluation"
_EVAL = "eval --model MODEL --split SPLIT"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "evaluate.open",
        ("enter",),
        "Open",
        "Open the images of the cell or the label, or the image; evaluate where that is offered.",
        _DO,
        footer=True,
        palette=False,
        command="ls 'label:TRUE predicted:ANSWER split:SPLIT model:MODEL'",
    ),
    ActionInfo(
        "evaluate.model", ("m",), "Model", "Choose the model.", _CHOOSE, footer=True, command=_EVAL
    ),
    ActionInfo(
        "evaluate.images",
        ("s",),
        "Split",
        "Choose the split, or write a query.",
        _CHOOSE,
        footer=True,
        command="eval --on QUERY",
    ),
    ActionInfo(
        "evaluate.evaluate",
        ("e",),
        "Evaluate",
        "Let the model answer for every labelled image, and store the answers.",
        _DO,
        footer=True,
        command=_EVAL,
    ),
    ActionInfo("evaluate.stop", ("escape",), "Stop", "Stop evaluating; what is stored stays.", _DO),
    ActionInfo(
        "evaluate.compare",
        ("c",),
        "Compare",
        "Compare with another model on the same images.",
        _DO,
        footer=True,
        command="models compare A B --split SPLIT",
    ),
    ActionInfo(
        "evaluate.wrong",
        ("w",),
        "Wrong ones",
        "Open every mistake in the library, the surest first.",
        _DO,
        command="ls 'is:wrong split:SPLIT model:MODEL sort:-confidence'",
    ),
    ActionInfo(
        "evaluate.report",
        ("r",),
        "Report",
        "Write the evaluation as one HTML page.",
        _DO,
        footer=True,
        command="eval --report FOLDER",
    ),
    ActionInfo(
        "evaluate.next-view", ("tab",), "Next view", "Open the next view.", _VIEWS, palette=False
    ),
    ActionInfo(
        "evaluate.previous-view",
        ("shift+tab",),
        "View before",
        "Open the view before.",
        _VIEWS,
        palette=False,
    ),
    ActionInfo(
        "evaluate.matrix",
        ("1",),
        "Confusion matrix",
        "Which labels are taken for which.",
        _VIEWS,
        command="eval --confusion matrix.svg",
    ),
    ActionInfo(
        "evaluate.labels",
        ("2",),
        "Labels",
        "Precision, recall and F1 of every label.",
        _VIEWS,
        command="eval --details",
    ),
    ActionInfo(
        "evaluate.mistakes",
        ("3",),
        "Worst mistakes",
        "The wrong answers that the model was surest of, as pictures.",
        _VIEWS,
        command="ls 'is:wrong sort:-confidence'",
    ),
    ActionInfo(
        "evaluate.reliability",
        ("4",),
        "Reliability",
        "Whether the model is as right as it is sure.",
        _VIEWS,
        command="eval --reliability reliability.svg",
    ),
    ActionInfo(
        "evaluate.summary",
        ("5",),
        "Summary",
        "All totals, with what they mean, and remarks.",
        _VIEWS,
        command=_EVAL,
    ),
    ActionInfo(
        "evaluate.sort",
        ("o",),
        "Sort labels",
        "Order the labels by the next column.",
        _VIEWS,
    ),
    ActionInfo(
        "evaluate.reverse", ("O",), "Reverse", "Turn the order of the labels round.", _VIEWS
    ),
)
