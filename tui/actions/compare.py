"""Actions of the compare screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_VIEWS = "Views"
_DO = "Comparison"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "compare.open", ("enter",), "Open image", "Show the image by itself.", _DO, footer=True
    ),
    ActionInfo(
        "compare.library",
        ("w",),
        "In the library",
        "Open the images of this list in the library.",
        _DO,
        footer=True,
        command="ls id:1,2,3",
    ),
    ActionInfo(
        "compare.images",
        ("s",),
        "Split",
        "Choose the split, or write a query.",
        _DO,
        footer=True,
        command="models compare A B --on QUERY",
    ),
    ActionInfo(
        "compare.swap",
        ("x",),
        "Swap",
        "Let the two models change places.",
        _DO,
        footer=True,
        command="models compare B A",
    ),
    ActionInfo("compare.back", ("escape",), "Back", "Go back; stop comparing.", _DO, footer=True),
    ActionInfo(
        "compare.next-view", ("tab",), "Next view", "Open the next list.", _VIEWS, palette=False
    ),
    ActionInfo(
        "compare.previous-view",
        ("shift+tab",),
        "View before",
        "Open the list before.",
        _VIEWS,
        palette=False,
    ),
    ActionInfo(
        "compare.only-first",
        ("1",),
        "Only the first",
        "Images that only the first model gets right.",
        _VIEWS,
        command="models compare A B --limit 0",
    ),
    ActionInfo(
        "compare.only-second",
        ("2",),
        "Only the second",
        "Images that only the second model gets right.",
        _VIEWS,
        command="models compare A B --limit 0",
    ),
    ActionInfo(
        "compare.differences",
        ("3",),
        "Differences",
        "What was not alike in the two trainings.",
        _VIEWS,
        command="models compare A B --limit 1",
    ),
)
