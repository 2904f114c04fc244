"""Keys that arrive in one go do what they would have done one by one."""

from __future__ import annotations

from typing import ClassVar

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from tests.tui.driving import running, until
from tui.frame.dataset import Dataset
from tui.frame.keys_in_order import KeysInOrder


class Pad(Widget, can_focus=True):
    """Takes every letter that nobody else wants."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = ""

    def key_x(self) -> None:
        self.taken += "x"


class Asking(ModalScreen[None]):
    BINDINGS: ClassVar = [Binding("escape", "dismiss(None)", priority=True)]

    def compose(self) -> ComposeResult:
        yield Input()


class Desk(KeysInOrder):
    BINDINGS: ClassVar = [Binding("slash", "write"), Binding("a", "ask"), Binding("d", "drop")]

    def compose(self) -> ComposeResult:
        yield Pad()
        yield Input()

    def on_mount(self) -> None:
        self.query_one(Pad).focus()

    def action_write(self) -> None:
        self.query_one(Input).focus()

    async def action_ask(self) -> None:
        await self.push_screen(Asking())

    async def action_drop(self) -> None:
        await self.query_one(Pad).remove()


def type_at_once(app: App[None], text: str) -> None:
    """All the keys arrive before the first is looked at."""
    for letter in text:
        key = {"/": "slash"}.get(letter, letter)
        app.post_message(events.Key(key, letter))


async def test_letters_behind_the_key_that_moves_the_focus_go_to_the_new_place() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        type_at_once(app, "x/xyx")
        await until(pilot, lambda: app.query_one(Input).value == "xyx")
        assert app.query_one(Pad).taken == "x"


async def test_letters_behind_the_key_that_opens_a_dialog_go_into_it() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        type_at_once(app, "axyx")
        await until(pilot, lambda: app.screen.query_one(Input).value == "xyx")


async def test_keys_go_on_when_the_widget_that_had_the_focus_is_gone() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        type_at_once(app, "dxy")
        await until(pilot, lambda: app.query_one(Input).value == "xy")


async def test_the_key_behind_one_that_closes_a_dialog_at_once_need_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.frame.keys_in_order.PATIENCE", 1_000.0)
    app = Desk()
    async with app.run_test() as pilot:
        type_at_once(app, "ay")
        await until(pilot, lambda: app.screen.query_one(Input).value == "y")
        app.post_message(events.Key("escape", None))
        type_at_once(app, "x")
        await until(pilot, lambda: app.query_one(Pad).taken == "x")


async def test_a_paste_waits_for_the_keys_before_it() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        type_at_once(app, "/x")
        app.post_message(events.Paste("pasted"))
        await until(pilot, lambda: app.query_one(Input).value == "xpasted")


async def test_a_query_that_is_typed_at_once_labels_nothing(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        type_at_once(app, "/")
        type_at_once(app, "label")
        app.post_message(events.Key("colon", ":"))
        app.post_message(events.Key("3", "3"))
        await until(pilot, lambda: isinstance(app.focused, Input))
        await until(
            pilot, lambda: isinstance(app.focused, Input) and app.focused.value == "label:3"
        )
        assert dataset.pending_edits == 0
        assert await dataset.read(lambda repo: repo.history.actions()[0].actor) == "test"
