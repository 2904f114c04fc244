"""The line of keys below every screen: made from what can be pressed, cut by importance.

It is one widget that draws one line, since a widget for each key is what starts slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.binding import ActiveBinding
    from textual.screen import Screen

_FIRST = ("app.help", "app.quit")
"""What is shown on the narrowest screen."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key with its word. `name` is Textual's, `face` is how it is shown."""

    id: str | None
    name: str
    face: str
    title: str
    enabled: bool = True

    @property
    def cells(self) -> int:
        """The room that it takes, with the space behind it."""
        from rich.cells import cell_len

        return cell_len(self.face) + cell_len(self.title) + 3


def fitting(keys: Sequence[Key], width: int) -> list[Key]:
    """Those of the keys that `width` cells have room for, in their order: first how to get help
    and away, then the screen's own from the left, then those of everywhere."""

    def importance(at: int) -> tuple[int, int]:
        name = keys[at].id or ""
        if name in _FIRST:
            return 0, _FIRST.index(name)
        return (2 if name.startswith("app.") else 1), at

    left = width
    kept = []
    for at in sorted(range(len(keys)), key=importance):
        if keys[at].cells > left:
            if importance(at)[0]:
                break
            continue
        left -= keys[at].cells
        kept.append(at)
    return [keys[at] for at in sorted(kept)]


class KeyLine(Widget):
    """The keys of the screen that it is on; a click presses one."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._places: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        parts: list[Content] = []
        self._places = []
        used = 0
        for key in fitting(self._keys(), self.size.width):
            parts.append(Content.styled(f" {key.face}", "bold $footer-key-foreground"))
            style = "" if key.enabled else "$text-disabled"
            parts.append(Content.styled(f" {key.title} ", style))
            self._places.append((used, used + key.cells, key.name))
            used += key.cells
        return Content("").join(parts)

    def _keys(self) -> list[Key]:
        found: dict[str, Key] = {}
        for name, active in self.screen.active_bindings.items():
            if active.binding.show and active.binding.action not in found:
                found[active.binding.action] = self._key(name, active)
        return list(found.values())

    def _key(self, name: str, active: ActiveBinding) -> Key:
        binding = active.binding
        face = self.app.get_key_display(binding)
        return Key(binding.id, name, face, binding.description, active.enabled)

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._places:
            if start <= event.x < end:
                self.app.simulate_key(name)
