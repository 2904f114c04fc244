"""The small dialogs: what each key of theirs answers."""

from __future__ import annotations

from typing import Any

import pytest
from textual.screen import ModalScreen

from tests.tui.driving import running, until
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice, Message, Prompt, Question
from tui.keys.go_menu import LETTERS, GoMenu

NOTHING = object()


async def answer(dataset: Dataset, screen: ModalScreen[Any], *keys: str) -> object:
    """What a dialog gives for some keys; NOTHING where it is still open."""
    given: list[object] = []
    async with running(dataset) as (app, pilot):
        app.push_screen(screen, given.append)
        await until(pilot, lambda: app.screen is screen)
        await pilot.press(*keys)
        await pilot.pause()
    return given[0] if given else NOTHING


@pytest.mark.parametrize("key", ["escape", "enter", "space", "q"])
async def test_a_message_is_closed(key: str, dataset: Dataset) -> None:
    assert await answer(dataset, Message("Note", "a [b]text[/b]", hint="[red]"), key) is None


@pytest.mark.parametrize(
    ("keys", "given"),
    [
        (["enter"], "Yes"),
        (["right", "enter"], "No"),
        (["l", "h", "enter"], "Yes"),
        (["y"], "Yes"),
        (["n"], "No"),
        (["escape"], None),
    ],
)
async def test_a_question_is_answered(keys: list[str], given: str, dataset: Dataset) -> None:
    assert await answer(dataset, Question("Sure?", ("Yes", "No")), *keys) == given


async def test_a_letter_that_begins_no_answer_answers_nothing(dataset: Dataset) -> None:
    assert await answer(dataset, Question("Sure?", ("Leave", "Stay")), "y") is NOTHING


def wrong(text: str) -> str:
    return "" if text.isdigit() else "a number, please"


async def test_a_prompt_gives_its_text(dataset: Dataset) -> None:
    assert await answer(dataset, Prompt("Go to", check=wrong), *"12", "enter") == "12"
    assert await answer(dataset, Prompt("Go to", value="7"), "enter") == "7"


async def test_a_prompt_keeps_asking_for_what_makes_sense(dataset: Dataset) -> None:
    assert await answer(dataset, Prompt("Go to", check=wrong), "x", "enter") is NOTHING


async def test_a_choice_is_made_by_typing_or_arrows(dataset: Dataset) -> None:
    names = ("cat", "dog", "scat")
    assert await answer(dataset, Choice("Label", names), *"cat", "enter") == "cat"
    assert await answer(dataset, Choice("Label", names), "down", "down", "up", "enter") == "dog"
    assert await answer(dataset, Choice("Label", names), "escape") is None


async def test_a_choice_takes_a_new_name_where_it_may(dataset: Dataset) -> None:
    assert await answer(dataset, Choice("Label", ("cat",), new="new"), *"owl", "enter") == "owl"
    assert await answer(dataset, Choice("Label", ("cat",)), *"owl", "enter") is NOTHING


@pytest.mark.parametrize("letter", LETTERS)
async def test_a_letter_of_the_go_menu_gives_its_section(letter: str, dataset: Dataset) -> None:
    assert await answer(dataset, GoMenu("library"), letter) == LETTERS[letter].name


async def test_the_go_menu_also_goes_by_arrows(dataset: Dataset) -> None:
    assert await answer(dataset, GoMenu("library"), "j", "k", "down", "enter") == "classify"
    assert await answer(dataset, GoMenu("library"), "escape") is None


async def test_the_letter_of_an_answer_means_nothing_to_the_screen_below(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        given: list[str | None] = []
        app.push_screen(Question("Sure?", ("Yes", "No")), given.append)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("y")
        await until(pilot, lambda: given == ["Yes"])
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def test_only_the_newest_notice_is_shown(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.notify("one")
        app.notify("two")
        await until(pilot, lambda: [notice.message for notice in app._notifications] == ["two"])
