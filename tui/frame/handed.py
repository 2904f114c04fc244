"""What the library hands to other screens: its query and its selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.screen import Screen

    from tui.app import PixshelfApp


def library_query(app: PixshelfApp) -> str:
    """The text of the library's query; what it would begin with where it was not opened yet."""
    screen = _library(app)
    text = None if screen is None else getattr(screen, "query_text", None)
    return text if isinstance(text, str) else app.first_query


def library_selection(app: PixshelfApp) -> Sequence[int]:
    """The images that are selected in the library; none while its list is read and more are to be
    selected."""
    from tui.grid.widget import ImageGrid

    screen = _library(app)
    if screen is None:
        return ()
    grid = next(iter(screen.query(ImageGrid)), None)
    return () if grid is None or grid.selection.awaits else grid.selected()


def _library(app: PixshelfApp) -> Screen[object] | None:
    try:
        stack = app.get_screen_stack("library")
    except KeyError:
        return None
    return stack[0] if stack else None
