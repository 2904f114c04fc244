"""Actions of the grid of images."""

from __future__ import annotations

from tui.actions.info import ActionInfo

ACTIONS: tuple[ActionInfo, ...] = ()
