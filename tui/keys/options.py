"""A list of options that change while they are used: a click, or a key, may come to a list whose
options are others by then."""

from __future__ import annotations

from typing import Literal

from textual import events
from textual.app import ComposeResult
from textual.widgets import OptionList, Select
from textual.widgets._select import SelectCurrent, SelectOverlay


class _Steady(OptionList):
    """Takes a click on an option that is gone, and a page's way in a list that is not drawn."""

    async def _on_click(self, event: events.Click) -> None:
        clicked = event.style.meta.get("option")
        if clicked is not None and clicked >= self.option_count:
            event.prevent_default()  # it was drawn before the options changed

    def _move_page(self, direction: Literal[-1, 1]) -> None:
        if self.highlighted in self._index_to_line:  # else it has no size, and so no pages
            super()._move_page(direction)


class Options(_Steady):
    """An OptionList for options that are filtered as one types, or sized as the terminal is."""

    def still_has(self, event: OptionList.OptionSelected) -> bool:
        """Whether the option that was chosen is in its place yet."""
        at = event.option_index
        return at < self.option_count and self.get_option_at_index(at) is event.option


class _Dropped(SelectOverlay, _Steady):
    """The options of a Dropdown."""


class Dropdown(Select[str]):
    """A Select whose options take keys that come before they are drawn."""

    def compose(self) -> ComposeResult:
        yield SelectCurrent(self.prompt)
        yield _Dropped(type_to_search=self._type_to_search).data_bind(compact=Select.compact)
