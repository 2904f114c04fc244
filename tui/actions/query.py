"""Actions of the line in which a query is written."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_GROUP = "Query line"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "query.complete",
        ("tab",),
        "Complete",
        "Take the completion that stands out.",
        _GROUP,
        footer=True,
        palette=False,
    ),
    ActionInfo(
        "query.up",
        ("up",),
        "Before",
        "The completion before; without completions the query asked before.",
        _GROUP,
        palette=False,
    ),
    ActionInfo(
        "query.down",
        ("down",),
        "Next",
        "The next completion; without completions the query asked after.",
        _GROUP,
        palette=False,
    ),
    ActionInfo(
        "query.leave",
        ("escape",),
        "As it was",
        "Close the completions; again to leave the query as it was.",
        _GROUP,
        footer=True,
        palette=False,
    ),
)
