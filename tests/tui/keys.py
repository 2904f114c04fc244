"""Hard use as data: steps that hypothesis puts together, and what does them to the app.

Keys are those of every action of the registry, and those that any terminal sends; they come as
fast as the app takes them, as if they were held down or pasted.
"""

from __future__ import annotations

import asyncio
import string
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.keys import _character_to_key

from tui.actions import every_action
from tui.app import PixshelfApp

LEAVING = frozenset({"q", "ctrl+q"})
"""The keys that leave the app; a sequence has them at its end only."""

MOVES = ("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "enter", "escape")
PLAIN = (*MOVES, "tab", "shift+tab", "space", "backspace", "delete", "ctrl+a", "ctrl+k", "insert")
SECTION_KEYS = ("f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10")
KEYS = sorted({key for info in every_action().values() for key in info.keys} - LEAVING)

TEXTS = (
    *("is:unlabelled", "label:7 predicted:9", "-split:test", "tag:odd sort:-id", "is:deleted"),
    *("zebra", "[b]bold[/]", "名前", "7", "a\tb", '"', "model:means is:wrong", "id:1,2,3", "("),
    *("pictures", "pictures/0.png", "nothing.png", "1000000", "0.5", "-1", "means two", " "),
)
"""What is written and pasted: queries, labels, names, numbers, paths that do no harm."""


@dataclass(frozen=True, slots=True)
class Press:
    """A key, in Textual's name."""

    key: str


@dataclass(frozen=True, slots=True)
class Write:
    """A text, as single keys or pasted at once."""

    text: str
    pasted: bool


@dataclass(frozen=True, slots=True)
class Resize:
    """Another size of the terminal, in cells."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Click:
    """The mouse at a place, in thousandths of the screen's sides; 0 times for a turn of the
    wheel."""

    x: int
    y: int
    times: int


@dataclass(frozen=True, slots=True)
class Rest:
    """The keys rest for a moment."""


Step = Press | Write | Resize | Click | Rest

_THOUSAND = st.integers(0, 999)
_STEP: tuple[tuple[int, st.SearchStrategy[Step]], ...] = (
    (30, st.builds(Press, st.sampled_from(KEYS))),
    (14, st.builds(Press, st.sampled_from(PLAIN))),
    (12, st.builds(Press, st.sampled_from(string.digits))),
    (8, st.builds(Press, st.sampled_from(string.ascii_letters.replace("q", "")))),
    (3, st.builds(Press, st.sampled_from(SECTION_KEYS))),
    (4, st.builds(Write, st.sampled_from(TEXTS), st.booleans())),
    (1, st.builds(Resize, st.integers(40, 200), st.integers(12, 60))),
    (4, st.builds(Click, _THOUSAND, _THOUSAND, st.integers(0, 2))),
    (5, st.just(Rest())),
)
_WEIGHTED = [strategy for weight, strategy in _STEP for _ in range(weight)]


def sequences(length: int) -> st.SearchStrategy[list[Step]]:
    """That many steps, more or less."""
    step = st.sampled_from(_WEIGHTED).flatmap(lambda strategy: strategy)
    return st.lists(step, min_size=length, max_size=length)


async def do_all(app: PixshelfApp, steps: Sequence[Step], done: list[Step]) -> None:
    """Do the steps, as long as the app is there; `done` is told of each before it is done."""
    for step in steps:
        if not app.is_running or app._exception is not None:
            return
        done.append(step)
        await _do(app, step)


async def _do(app: PixshelfApp, step: Step) -> None:
    match step:
        case Press(key):
            _send(app, key)
            await asyncio.sleep(0)
        case Write(text, pasted=True):
            app.post_message(events.Paste(text))
            await asyncio.sleep(0)
        case Write(text):
            for character in text:
                _send(app, character)
            await asyncio.sleep(0)
        case Resize(width, height):
            resize(app, width, height)
        case Click(x, y, times):
            _click(app, x * app.size.width // 1000, y * app.size.height // 1000, times)
        case Rest():
            await asyncio.sleep(0.03)


def resize(app: PixshelfApp, width: int, height: int) -> None:
    """Give the terminal another size, and do not wait for the app."""
    size = Size(width, height)
    assert isinstance(app._driver, HeadlessDriver)
    app._driver._size = size
    app.post_message(events.Resize(size, size))


def _send(app: PixshelfApp, key: str) -> None:
    """A key as the driver sends it."""
    character = key if len(key) == 1 else _CHARACTERS.get(key)
    name = _character_to_key(key) if len(key) == 1 else key
    event = events.Key(name, character)
    event.set_sender(app)
    app.post_message(event)


_CHARACTERS = {
    "space": " ",
    **{_character_to_key(sign): sign for sign in string.punctuation},
}


def _click(app: PixshelfApp, x: int, y: int, times: int) -> None:
    if not times:
        app.post_message(_mouse(events.MouseScrollDown, x, y, 0))
    for _ in range(times):
        app.post_message(_mouse(events.MouseDown, x, y, 1))
        app.post_message(_mouse(events.MouseUp, x, y, 1))


def _mouse(kind: type[events.MouseEvent], x: int, y: int, button: int) -> events.MouseEvent:
    return kind(None, x, y, 0, 0, button, shift=False, meta=False, ctrl=False)
