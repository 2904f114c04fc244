"""One line with the key of each label, for the screens in which a key gives a label."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.frame.section import pixshelf
from tui.plain.text import printable, shorten, width

_LONGEST = 16
"""Cells that one label may take."""


class LabelBar(Widget):
    """Shows `keys`, each with its label; `current`, the label that the image has, stands out.

    A click on a label posts `Pressed`.
    """

    DEFAULT_CSS = "LabelBar { height: 1; width: 1fr; padding: 0 1; background: $surface; }"

    keys: reactive[Mapping[str, str]] = reactive({})
    current: reactive[str | None] = reactive(None)
    total: reactive[int | None] = reactive(None)
    """How many labels there are, with and without a key; None while that is not known."""

    class Pressed(Message):
        """A label was clicked."""

        def __init__(self, label: str) -> None:
            super().__init__()
            self.label = label

    def render(self) -> Content:
        parts: list[Content] = []
        used = 0
        total = self.total or 0
        asks = pixshelf(self).key_of("labelling.label")
        others = f"{asks}: all {total:,}" if total > len(self.keys) else ""
        room = self.content_size.width - (len(others) + 1 if others else 0)
        for label, keys in groupby(self.keys.items(), key=lambda item: item[1]):
            part = self._part("/".join(key for key, _ in keys), label)
            if used + part.cell_length > room:
                others = f"{asks}: all {total:,}"
                break
            parts.append(part)
            used += part.cell_length
        if not self.keys and self.total is not None:
            others = f"no labels yet: {asks} gives the first one"
        return Content("").join([*parts, Content.styled(others, "$text-muted")])

    def _part(self, key: str, label: str) -> Content:
        words = "" if label == key else " " + shorten(printable(label), _LONGEST)
        part = Content.assemble((f" {key}", "bold"), f"{words} ")
        return part.stylize("reverse") if label == self.current else part

    def on_click(self, event: events.Click) -> None:
        place = event.x - self.styles.padding.left
        for label, keys in groupby(self.keys.items(), key=lambda item: item[1]):
            key = "/".join(each for each, _ in keys)
            wide = width(self._part(key, label).plain)
            if place < wide:
                self.post_message(self.Pressed(label))
                return
            place -= wide
