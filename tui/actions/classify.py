"""Actions of the classify screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_WHAT = "What to classify"
_SEE = "Answers"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "classify.files",
        ("f",),
        "Files",
        "Type or paste paths of pictures and folders; files dropped on the window are taken too.",
        _WHAT,
        footer=True,
        command="predict FILE --model NAME",
    ),
    ActionInfo(
        "classify.browse", ("b", "ctrl+o"), "Browse", "Pick files and folders from a tree.", _WHAT
    ),
    ActionInfo(
        "classify.selection",
        ("s",),
        "Selection",
        "Classify what is selected in the library, and store the answers.",
        _WHAT,
        footer=True,
        command="predict --query id:1,2,3 --save",
    ),
    ActionInfo(
        "classify.query",
        ("slash",),
        "Query",
        "Classify every image of a query, at first the library's, and store the answers.",
        _WHAT,
        footer=True,
        command="predict --query QUERY --save",
    ),
    ActionInfo("classify.model", ("m",), "Model", "Choose the model.", _WHAT, footer=True),
    ActionInfo(
        "classify.threshold",
        ("t",),
        "Unsure",
        "Choose the confidence below which an answer is called unsure.",
        _WHAT,
        command="predict FILE --abstain 0.8",
    ),
    ActionInfo(
        "classify.stop",
        ("ctrl+x",),
        "Stop",
        "Stop; answers that are stored stay.",
        _WHAT,
        footer=True,
        priority=True,
    ),
    ActionInfo(
        "classify.open", ("enter",), "Look", "See a picture larger, with more labels.", _SEE
    ),
    ActionInfo(
        "classify.order",
        ("o",),
        "Order",
        "As they came, the least confident first, or the most confident first.",
        _SEE,
        footer=True,
    ),
    ActionInfo("classify.larger", ("plus", "equals_sign"), "Larger", "Larger pictures.", _SEE),
    ActionInfo("classify.smaller", ("minus", "underscore"), "Smaller", "Smaller pictures.", _SEE),
    ActionInfo("classify.mark", ("space",), "Mark", "Mark a file, to add only marked ones.", _SEE),
    ActionInfo(
        "classify.add",
        ("a",),
        "Add",
        "Add the marked files, or all, to the dataset without labels, and store the answers.",
        _SEE,
        footer=True,
        command="predict FILE --save",
    ),
    ActionInfo(
        "classify.add-labelled",
        ("A",),
        "Add labelled",
        "The same with the model's answers as labels; unsure ones stay without.",
        _SEE,
    ),
    ActionInfo(
        "classify.view",
        ("v",),
        "View",
        "Open what was classified or added in the library, the least confident first.",
        _SEE,
    ),
    ActionInfo("classify.next", ("n",), "Next", "Go to the next file.", _SEE),
    ActionInfo("classify.previous", ("p",), "Previous", "Go to the file before.", _SEE),
    ActionInfo("classify.copy-refusals", ("c",), "Copy refusals", "Copy what was refused.", _SEE),
    ActionInfo("classify.back", ("escape",), "Back", "Leave the prompt, or unmark all.", _SEE),
)
