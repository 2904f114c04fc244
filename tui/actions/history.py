"""Actions of the history screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

ACTIONS: tuple[ActionInfo, ...] = ()
