"""The import screen: what it recognises, what it imports, and how it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from ml.intake import Choices, Standing, Totals
from storage.opening import open_repository
from storage.pictures import encode_png
from storage.repository import Repository
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.files.path_input import PathLine, PathPrompt
from tui.files.picker import FilePicker
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice, Message
from tui.screens.importing import ImportScreen
from tui.widgets.rows import RowList


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two cats and a dog in folders, and a file that is no picture."""
    folder = tmp_path / "my photos"
    for at, name in enumerate(("cat/a", "cat/b", "dog/c")):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(np.full((8, 8), 40 + at, np.uint8)))
    (folder / "dog" / "[bad].txt").write_text("no picture")
    return folder


async def opened(app: PixshelfApp, pilot: Pilot[None]) -> ImportScreen:
    await pilot.press("f9")
    await until(pilot, lambda: isinstance(app.screen, ImportScreen) and app.screen.focused)
    screen = app.screen
    assert isinstance(screen, ImportScreen)
    return screen


def said(screen: ImportScreen, name: str) -> str:
    return str(screen.query_one(name, Static).content)


def put(screen: ImportScreen, path: object) -> None:
    """Have a path pasted into the prompt."""
    screen.query_one(PathLine).drop(str(path))


def images(dataset: Dataset, query: str = "") -> int:
    from storage.query import parse

    with open_repository(dataset.url) as repo:
        return repo.images.count(parse(query))


async def test_an_empty_prompt_says_what_can_be_imported(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        assert "drop files" in said(screen, "#preview")


async def test_what_is_named_is_recognised_before_it_is_imported(
    dataset: Dataset, photos: Path
) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        put(screen, photos)
        await until(pilot, lambda: "labels cat 2, dog 2" in said(screen, "#preview"))
        assert "a folder of pictures, 4 entries" in said(screen, "#preview")


async def test_what_is_not_there_is_told_in_place(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        put(screen, "/nowhere/[at]/all")
        await until(pilot, lambda: "is not there" in said(screen, "#preview"))


async def test_a_folder_is_imported_and_refusals_are_listed(dataset: Dataset, photos: Path) -> None:
    before = images(dataset)
    told: list[Change] = []
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        app.changes.subscribe(screen, told.append)
        put(screen, photos)
        await pilot.press("enter")
        await until(pilot, lambda: "done: 3 added" in said(screen, "#progress"))
        rows = screen.query_one("#refusals", RowList)
        assert rows.display
        assert rows.count == 1
        assert [change.what for change in told] == ["import"]
        assert app.running == ""
    assert images(dataset) == before + 3
    assert images(dataset, "label:cat") == 2


async def test_label_tags_and_split_of_the_form_are_given(dataset: Dataset, photos: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        put(screen, photos)
        screen.query_one("#label", Input).value = "pet"
        screen.query_one("#tags", Input).value = "home, odd one"
        screen.query_one("#split", Select).value = "test"
        ((_, line),) = screen.commands()
        assert line.endswith(
            f"import '{photos}' --split test --label pet --tag home --tag 'odd one'"
        )
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "done: 3 added" in said(screen, "#progress"))
    assert images(dataset, 'label:pet split:test tag:"odd one" tag:home') == 3


async def test_a_tag_that_cannot_be_is_told(dataset: Dataset, photos: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        put(screen, photos)
        screen.query_one("#tags", Input).value = "x" * 300
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, Message))
        assert not screen.is_importing


async def test_the_digits_are_imported_by_name(tmp_path: Path) -> None:
    empty = Dataset(str(tmp_path / "new.db"))
    empty.create()
    async with running(empty) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press(*"digits", "enter")
        await until(pilot, lambda: "come with the installation" in said(screen, "#preview"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "done: 1,797 added" in said(screen, "#progress"), seconds=60)
    empty.close()
    assert images(empty) == 1797


async def test_files_are_picked_from_a_tree(
    dataset: Dataset, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, FilePicker))
        await pilot.press("p")
        await until(pilot, lambda: screen.sources() == [str(photos.parent)])


async def test_files_dropped_on_the_window_are_taken_into_the_prompt(
    dataset: Dataset, photos: Path
) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("escape")
        screen.post_message(events.Paste(f"'{photos}' 'file:///a%20b.png'"))
        await until(pilot, lambda: screen.sources() == [str(photos), "/a b.png"])


async def test_tab_completes_a_path(dataset: Dataset, photos: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        line = screen.query_one(PathLine)
        line.value = f"{photos.parent}/my"
        line.cursor_position = len(line.value)
        await pilot.press("tab")
        await until(pilot, lambda: screen.sources() == [f"{photos}/"])


def held(gate: threading.Event) -> Callable[..., Totals]:
    """In place of an import: one that goes on until it is stopped."""

    def take_in(
        repo: Repository,
        sources: list[str],
        choices: Choices,
        *,
        tell: Callable[[Standing], None],
        should_stop: Callable[[], bool],
    ) -> Totals:
        del repo, choices
        while not should_stop():
            tell(Standing(sources[0], 1, 1, 50, 200, 40, 8, 2, 1.0))
            gate.wait(0.02)
        return Totals(added=40, duplicates=8, refused=2, stopped=True)

    return take_in


async def test_a_running_import_is_shown_everywhere_and_can_be_stopped(
    dataset: Dataset, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.intake.take_in", held(threading.Event()))
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        put(screen, photos)
        await pilot.press("enter")
        await until(pilot, lambda: "50 of 200 · 50 images/s" in said(screen, "#progress"))
        assert app.running == "importing 25 %"
        await pilot.press("f8", "f9")
        await pilot.press("ctrl+s")
        assert screen.is_importing
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "stopped: 40 added" in said(screen, "#progress"))
        assert "go on" in said(screen, "#progress")
        assert app.running == ""


async def test_a_source_that_is_missing_is_refused_with_its_reason(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        put(screen, "/nowhere/at/all")
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_one("#refusals", RowList).count == 1)


async def test_refusals_are_copied(
    dataset: Dataset, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(dataset) as (app, pilot):
        copied: list[str] = []
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        screen = await opened(app, pilot)
        put(screen, photos)
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_one("#refusals", RowList).has_focus)
        await pilot.press("c")
        assert copied[0].startswith("dog/[bad].txt\t")


async def test_the_library_is_a_key_away(dataset: Dataset, photos: Path) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("escape", "v")
        await until(pilot, lambda: app.screen is not screen and app.current_mode == "library")


async def test_a_look_that_is_not_wanted_any_more_is_stopped(
    dataset: Dataset, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.importing import preview as looking

    asked: list[str] = []
    look = looking.preview

    def endless(
        path: Path, read_as: str | None, *, should_stop: Callable[[], bool]
    ) -> looking.Preview:
        asked.append(path.name)
        if path.name == "large":
            while not should_stop():
                time.sleep(0.005)
            asked.append("stopped")
        return look(path, read_as)

    monkeypatch.setattr(looking, "preview", endless)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot)
        put(screen, "/nowhere/large")
        await until(pilot, lambda: asked == ["large"])
        screen.query_one(PathPrompt).set_paths([str(photos)])
        await until(pilot, lambda: "labels cat 2, dog 2" in said(screen, "#preview"))
        assert asked == ["large", "stopped", photos.name]
