"""Actions of the importing screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_WHAT = "What to import"
_WORK = "Importing"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "importing.start",
        ("ctrl+s",),
        "Start",
        "Import what the prompt names; enter in a field does the same.",
        _WORK,
        footer=True,
        command="import SOURCE --split auto --label LABEL --tag TAG",
    ),
    ActionInfo(
        "importing.stop",
        ("ctrl+x",),
        "Stop",
        "Stop the import. What was added stays; the same import goes on where it was.",
        _WORK,
        footer=True,
        priority=True,
    ),
    ActionInfo(
        "importing.browse",
        ("ctrl+o", "b"),
        "Browse",
        "Pick files and folders from a tree.",
        _WHAT,
        footer=True,
    ),
    ActionInfo(
        "importing.known",
        ("ctrl+n",),
        "Datasets",
        "Choose a dataset that has a name: MNIST and its kin, or the digits that come along.",
        _WHAT,
        footer=True,
        command="import digits",
    ),
    ActionInfo(
        "importing.copy-refusals",
        ("c",),
        "Copy refusals",
        "Copy the refused files with their reasons.",
        _WORK,
    ),
    ActionInfo(
        "importing.show",
        ("v",),
        "View",
        "Open the library.",
        _WORK,
    ),
    ActionInfo("importing.back", ("escape",), "Back", "Leave the field one is in.", _WHAT),
)
