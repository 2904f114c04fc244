"""Actions of the settings screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_GROUP = "Settings"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "settings.change",
        ("space", "enter"),
        "Change",
        "Change the setting under the cursor, or give the action another key.",
        _GROUP,
        footer=True,
    ),
    ActionInfo(
        "settings.add-key",
        ("a",),
        "Add a key",
        "Give the action one more key.",
        _GROUP,
        footer=True,
    ),
    ActionInfo(
        "settings.reset",
        ("backspace", "delete"),
        "Default",
        "Put the setting or the action's keys back to what they were at first.",
        _GROUP,
        footer=True,
    ),
    ActionInfo(
        "settings.find",
        ("slash",),
        "Find",
        "Show only what has some words in its name.",
        _GROUP,
        footer=True,
    ),
    ActionInfo(
        "settings.clear",
        ("escape",),
        "Show all",
        "Leave off finding, and show every setting.",
        _GROUP,
        palette=False,
    ),
)
