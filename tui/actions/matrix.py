"""Actions of the confusion matrix."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_GROUP = "Matrix"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo("matrix.left", ("left", "h"), "Left", "Go one column left.", _GROUP, palette=False),
    ActionInfo(
        "matrix.right", ("right", "l"), "Right", "Go one column right.", _GROUP, palette=False
    ),
    ActionInfo("matrix.up", ("up", "k"), "Up", "Go one row up.", _GROUP, palette=False),
    ActionInfo("matrix.down", ("down", "j"), "Down", "Go one row down.", _GROUP, palette=False),
    ActionInfo("matrix.page-up", ("pageup",), "Page up", "Go a page up.", _GROUP, palette=False),
    ActionInfo(
        "matrix.page-down", ("pagedown",), "Page down", "Go a page down.", _GROUP, palette=False
    ),
    ActionInfo(
        "matrix.row-start",
        ("home",),
        "First column",
        "Go to the first column.",
        _GROUP,
        palette=False,
    ),
    ActionInfo(
        "matrix.row-end", ("end",), "Last column", "Go to the last column.", _GROUP, palette=False
    ),
    ActionInfo(
        "matrix.first",
        ("ctrl+home",),
        "First cell",
        "Go to the first cell.",
        _GROUP,
        palette=False,
    ),
    ActionInfo(
        "matrix.last", ("ctrl+end",), "Last cell", "Go to the last cell.", _GROUP, palette=False
    ),
    ActionInfo(
        "matrix.diagonal",
        ("d",),
        "To the diagonal",
        "Go to the right answers of this row.",
        _GROUP,
    ),
    ActionInfo(
        "matrix.next-pair",
        ("n",),
        "Next confused",
        "Go to the next most confused pair of labels.",
        _GROUP,
        footer=True,
    ),
    ActionInfo(
        "matrix.previous-pair",
        ("p",),
        "Previous confused",
        "Go back to the pair of labels before.",
        _GROUP,
    ),
    ActionInfo(
        "matrix.mode",
        ("t",),
        "Counts/shares",
        "Show counts, shares of the row, or shares of the column.",
        _GROUP,
        footer=True,
    ),
    ActionInfo(
        "matrix.open",
        ("enter",),
        "Open images",
        "Open the images of the cell in the library.",
        _GROUP,
        footer=True,
        command="ls 'label:TRUE predicted:ANSWER split:SPLIT model:MODEL'",
    ),
)
