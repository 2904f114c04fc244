"""Actions of the About screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "about.copy",
        ("c",),
        "Copy all",
        "Copy these facts, for a report.",
        "About",
        footer=True,
        command="doctor",
    ),
)
