"""A grid of images to look at and to open: nothing on its screen takes a selection, so that none is
made."""

from __future__ import annotations

from tui.actions.grid import ACTIONS
from tui.grid.widget import ImageGrid

_SELECTING = frozenset(info.method for info in ACTIONS if info.group == "Select")


class ViewGrid(ImageGrid):
    """A grid whose cursor is moved, and that is all."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whatever selects is not offered; its keys are free."""
        return False if action in _SELECTING else super().check_action(action, parameters)
