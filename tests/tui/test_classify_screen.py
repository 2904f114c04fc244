"""The classify screen: files that are dropped, images that are stored, and files that are added."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Static

from storage.opening import open_repository
from storage.pictures import encode_png
from storage.query import parse
from storage.repository import Repository
from tests.ml_fixtures import digits, digits_model
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.classifying.answer_view import AnswerView
from tui.classifying.work import Ended, Standing
from tui.files.path_input import PathLine
from tui.files.picker import FilePicker
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice, Message, Prompt, Question
from tui.frame.section import StatusLine
from tui.screens.classify import ClassifyScreen
from tui.widgets.rows import RowList


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six digits that the dataset does not hold, and a file that is no picture."""
    images, targets = digits()
    found = tmp_path / "new digits"
    found.mkdir()
    for at in range(1500, 1506):
        (found / f"{at}-is-{targets[at]}.png").write_bytes(encode_png(images[at]))
    (found / "[bad].png").write_text("no picture")
    return found


async def opened(app: PixshelfApp, pilot: Pilot[None]) -> ClassifyScreen:
    await pilot.press("f3")
    await until(pilot, lambda: isinstance(app.screen, ClassifyScreen) and app.screen.focused)
    screen = app.screen
    assert isinstance(screen, ClassifyScreen)
    await until(pilot, lambda: "model" in said(screen, "#with"))
    return screen


def said(screen: ClassifyScreen, name: str) -> str:
    return str(screen.query_one(name, Static).content)


def rows(screen: ClassifyScreen) -> RowList:
    return screen.query_one("#answers", RowList)


async def drop(screen: ClassifyScreen, pilot: Pilot[None], path: object, count: int = 6) -> None:
    """Drop a path on the window, and wait for the answers."""
    screen.post_message(events.Paste(f"'{path}'"))
    await until(pilot, lambda: rows(screen).count == count and not screen.is_working)


def count(dataset: Dataset, query: str = "") -> int:
    with open_repository(dataset.url) as repo:
        return repo.images.count(parse(query))


def label_at(screen: ClassifyScreen, width: int = 78) -> str:
    """The first row as text."""
    return "\n".join(line.plain for line in screen.answers._draw_answer(0, width))


async def test_dropped_files_are_classified_and_refusals_listed(
    dataset: Dataset, folder: Path
) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        assert screen.query_one("#refusals", RowList).count == 1
        assert "6 files" in said_status(screen)
        assert app.running == ""
    assert count(dataset) == 120


def said_status(screen: ClassifyScreen) -> str:
    return screen.query_one(StatusLine).text


async def test_paths_are_typed_into_the_prompt(dataset: Dataset, folder: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("f")
        line = screen.query_one(PathLine)
        assert line.has_focus
        line.value = str(folder)
        await pilot.press("enter")
        await until(pilot, lambda: rows(screen).count == 6)
        assert rows(screen).has_focus


async def test_files_are_picked_from_a_tree(
    dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, FilePicker))
        await pilot.press("p")
        await until(pilot, lambda: rows(screen).count == 6)


async def test_order_goes_from_least_to_most_confident(dataset: Dataset, folder: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        await pilot.press("o")
        shares = [screen.answers.at(at).confidence for at in range(6)]
        assert shares == sorted(shares)
        await pilot.press("o")
        assert screen.answers.at(0).confidence == max(shares)
        await pilot.press("o")
        assert screen.answers.at(0).source.endswith(sorted(p.name for p in folder.iterdir())[0])


async def test_the_threshold_marks_unsure_answers(dataset: Dataset, folder: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = "100"
        await pilot.press("enter")
        await until(pilot, lambda: "6 unsure" in said_status(screen))
        assert "unsure?" in label_at(screen)


async def test_a_threshold_that_is_none_is_not_taken(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = "nan"
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Prompt)


async def test_another_model_classifies_the_same_files_again(
    dataset: Dataset, folder: Path
) -> None:
    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("letters", labels=tuple("abcdefghij")))
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        assert screen.answers.at(0).label in "abcdefghij"
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press(*"means", "enter")
        await until(pilot, lambda: screen.answers.at(0).label in "0123456789")
        assert any("--model means" in line for _, line in screen.commands())


async def test_pictures_grow_and_shrink(dataset: Dataset, folder: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        assert len(screen.answers._draw_answer(0, 78)) == 4
        await pilot.press("plus")
        assert len(screen.answers._draw_answer(0, 78)) == 8
        await pilot.press("minus", "minus")
        assert len(screen.answers._draw_answer(0, 78)) == 1


async def test_enter_shows_a_file_larger(dataset: Dataset, folder: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        await pilot.press("n", "p", "enter")
        await until(pilot, lambda: isinstance(app.screen, AnswerView))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)


async def test_files_are_added_without_labels_and_with_their_answers(
    dataset: Dataset, folder: Path
) -> None:
    told: list[Change] = []
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        app.changes.subscribe(screen, told.append)
        await drop(screen, pilot, folder)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("enter")
        await until(pilot, lambda: "6 images added" in said(screen, "#progress"))
        assert [change.what for change in told] == ["import"]
        await pilot.press("v")
        await until(pilot, lambda: app.current_mode == "library")
        assert app.first_query == "id:121,122,123,124,125,126 model:means sort:confidence"
    assert count(dataset, "id:121,122,123,124,125,126 is:unlabelled is:predicted") == 6


async def test_marked_files_alone_are_added_and_unsure_ones_get_no_label(
    dataset: Dataset, folder: Path
) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        await pilot.press("o", "space", "end", "space")
        unsure, sure = screen.answers.at(0), screen.answers.at(5)
        screen.answers.below = (unsure.confidence + sure.confidence) / 2
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("enter")
        await until(pilot, lambda: "2 images added" in said(screen, "#progress"))
    assert count(dataset) == 122
    assert count(dataset, f"id:121,122 label:{sure.label}") == 1
    assert count(dataset, "id:121,122 is:unlabelled") == 1


async def test_adding_can_be_left(dataset: Dataset, folder: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
    assert count(dataset) == 120


async def test_escape_unmarks(dataset: Dataset, folder: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        await pilot.press("space")
        assert "1 marked" in said_status(screen)
        await pilot.press("escape")
        assert "marked" not in said_status(screen)


async def test_a_query_is_classified_stored_and_opened_by_confidence(dataset: Dataset) -> None:
    told: list[Change] = []
    async with running(dataset, query="is:unlabelled sort:-width") as (app, pilot):
        screen = await opened(app, pilot)
        app.changes.subscribe(screen, told.append)
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = "is:unlabelled sort:-width"
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "library")
        assert app.first_query == "is:unlabelled model:means sort:confidence"
        assert "predictions" in [change.what for change in told]
    assert count(dataset, "is:unlabelled is:predicted") == 20


async def test_a_query_that_is_not_understood_is_told_in_place(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = "colour:blue"
        await pilot.press("enter")
        await until(
            pilot, lambda: "not a field" in str(app.screen.query_one(".error", Static).content)
        )


async def test_the_selection_of_the_library_is_classified(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.classify.library_selection", lambda app: (101, 102))
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        assert any("id:101,102" in line for _, line in screen.commands())
        await pilot.press("s")
        await until(pilot, lambda: app.current_mode == "library")
    assert count(dataset, "is:unlabelled is:predicted") == 2


async def test_a_selection_of_more_than_a_query_can_name_is_classified(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.classify.MAX_VALUES", 1)
    monkeypatch.setattr("tui.screens.classify.library_selection", lambda app: (102, 101))
    async with running(dataset, query="split:none") as (app, pilot):
        await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: app.current_mode == "library")
        assert app.first_query == "split:none model:means sort:confidence"
    assert count(dataset, "is:unlabelled is:predicted") == 2


async def test_the_beginning_of_a_path_may_be_pasted(dataset: Dataset, folder: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("f")
        screen.query_one(PathLine).drop(f"'{folder}/15'")
        await pilot.pause()
        assert screen.query_one(PathLine).value
        assert not screen.is_working


async def test_without_a_selection_it_is_said(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("s")
        await pilot.pause()
        assert not screen.is_working


async def test_work_under_way_is_told_and_stopped(
    dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(
        repo: Repository,
        model: str | None,
        names: Sequence[str],
        tell: Callable[[Standing], None],
        should_stop: Callable[[], bool],
    ) -> Ended:
        del repo, model, names
        while not should_stop():
            tell(Standing(3, 12, 1.0))
            time.sleep(0.02)
        return Ended("means", done=3, stopped=True)

    monkeypatch.setattr("tui.screens.classify.classify_files", slow)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        screen.post_message(events.Paste(str(folder)))
        await until(pilot, lambda: "3 of 12, 3/s" in said(screen, "#progress"))
        assert "25 %" in app.running
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "stopped: 3 files" in said(screen, "#progress"))
        assert app.running == ""


async def test_without_a_model_it_says_where_to_train_one(tmp_path: Path, folder: Path) -> None:
    empty = Dataset(str(tmp_path / "new.db"))
    empty.create()
    async with running(empty) as (app, pilot):
        await pilot.press("f3")
        await until(pilot, lambda: "F4" in str(app.screen.query_one("#with", Static).content))
        screen = app.screen
        screen.post_message(events.Paste(str(folder)))
        await until(pilot, lambda: isinstance(app.screen, Message))
    empty.close()


async def test_refusals_are_copied(
    dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(dataset) as (app, pilot):
        copied: list[str] = []
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        await pilot.press("c")
        assert "[bad].png\t" in copied[0]


async def test_what_cannot_be_done_yet_is_not_offered(dataset: Dataset, folder: Path) -> None:
    names = ("add", "add_labelled", "mark", "view", "copy_refusals", "stop")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        assert not any(screen.check_action(each, ()) for each in names)
        await drop(screen, pilot, folder)
        can = {each for each in names if screen.check_action(each, ())}
        assert can == {"add", "add_labelled", "mark", "copy_refusals"}


async def test_of_more_files_than_a_query_names_it_says_that_the_first_are_opened(
    dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.classify.MAX_VALUES", 4)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await drop(screen, pilot, folder)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("enter")
        await until(pilot, lambda: "v opens the first 4 of 6" in said(screen, "#progress"))


async def test_of_two_models_of_a_name_the_chosen_one_classifies(
    dataset: Dataset, folder: Path
) -> None:
    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("means"))
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "means (id 1)" in said(screen, "#with"))
        await drop(screen, pilot, folder)
        assert "seen by 1" in said(screen, "#progress")
        assert all("--model 1" in line for _, line in screen.commands())
