"""Actions of the panel of filters."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_GROUP = "Filters"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "facets.pick",
        ("enter", "space"),
        "Show these",
        "Ask for this value, or no longer; on a heading fold the group.",
        _GROUP,
        footer=True,
        palette=False,
    ),
    ActionInfo(
        "facets.exclude",
        ("minus",),
        "Not these",
        "Leave the images with this value out, or no longer.",
        _GROUP,
        footer=True,
        palette=False,
    ),
    ActionInfo(
        "facets.fold",
        ("left", "right", "h", "l"),
        "Fold",
        "Fold the group, or unfold it.",
        _GROUP,
        palette=False,
    ),
    ActionInfo(
        "facets.remove",
        ("delete", "backspace"),
        "Remove",
        "Remove a saved query.",
        _GROUP,
        palette=False,
    ),
    ActionInfo(
        "facets.leave",
        ("escape", "tab"),
        "Back",
        "Go back to the images.",
        _GROUP,
        footer=True,
        palette=False,
    ),
)
