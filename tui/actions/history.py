"""Actions of the history screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_MOVE = "Moving"
_TRAVEL = "Taking back"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "history.open",
        ("enter",),
        "Open images",
        "Open the images that the action changed in the library.",
        _MOVE,
        footer=True,
        command="ls id:1,2,3",
    ),
    ActionInfo(
        "history.travel",
        ("b", "backspace"),
        "Back to here",
        "Undo everything down to this action and the action itself, or, where it is undone, do "
        "everything again up to it.",
        _TRAVEL,
        footer=True,
        command="undo N",
    ),
    ActionInfo(
        "history.filter",
        ("slash",),
        "Filter",
        "Show only actions whose kind, words, or author hold a text.",
        _MOVE,
        footer=True,
    ),
    ActionInfo("history.next", ("n",), "Older", "Go to the next older action.", _MOVE),
    ActionInfo("history.previous", ("p",), "Newer", "Go to the next newer action.", _MOVE),
    ActionInfo(
        "history.back",
        ("escape",),
        "Clear",
        "Leave the filter, or take it away.",
        _MOVE,
    ),
)
