"""Actions of the library screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_FIND = "Find"
_PANEL = "Panel"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "library.query",
        ("slash",),
        "Query",
        "Write which images are to be shown.",
        _FIND,
        footer=True,
        command="ls QUERY",
    ),
    ActionInfo(
        "library.sort",
        ("o",),
        "Sort",
        "Choose the order.",
        _FIND,
        footer=True,
        command="ls QUERY sort:KEY",
    ),
    ActionInfo(
        "library.facets",
        ("tab",),
        "Filters",
        "Go to the panel of filters; tab comes back.",
        _FIND,
        footer=True,
    ),
    ActionInfo("library.panel", ("b",), "Panel", "Show the panel of filters, or hide it.", _FIND),
    ActionInfo("library.all", ("x",), "All images", "Show every image.", _FIND, command="ls"),
    ActionInfo(
        "library.goto",
        ("colon", "number_sign"),
        "Go to id",
        "Go to the image with an id.",
        _FIND,
        command="show ID",
    ),
    ActionInfo(
        "library.save-query",
        ("ctrl+s",),
        "Save query",
        "Keep the query under a name, in the panel.",
        _FIND,
    ),
    ActionInfo(
        "library.digits",
        ("D",),
        "Load digits",
        "Import 1,797 handwritten digits into the empty dataset.",
        _FIND,
        footer=True,
        command="demo",
    ),
)
