"""The app's own part: it goes about, stores edits in order, tells of faults, and loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage.errors import DatasetError, UsageError
from storage.opening import open_repository
from tests.tui.driving import running, until
from tui.actions import actions_of
from tui.actions.info import ActionInfo
from tui.app import PixshelfApp
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Message, Question
from tui.frame.edits import label_edit
from tui.frame.faults import MOST_WAITING
from tui.frame.section import SECTIONS, SectionBar
from tui.keys.go_menu import GoMenu

HOLD = """
import fcntl, sys, time
from pathlib import Path
from storage.sqlite.lock import WriteLock
with WriteLock(Path(sys.argv[1]), wait=10).held():
    print("held", flush=True)
    sys.stdin.readline()
"""


async def test_an_edit_made_just_before_leaving_is_stored(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1,), "zebra"))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    with open_repository(dataset.url) as repo:
        assert repo.images.get(1).label == "zebra"


async def test_undo_takes_the_newest_edit_back_and_redo_does_it_again(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        before = repo.images.get(1).label
        async with running(dataset) as (app, pilot):
            app.edit(label_edit((1,), "zebra"))
            await pilot.press("u")
            await until(pilot, lambda: repo.images.get(1).label == before)
            assert repo.history.actions(limit=1)[0].state == "undone"
            await pilot.press("U")
            await until(pilot, lambda: repo.images.get(1).label == "zebra")


async def test_an_edit_that_is_refused_is_asked_about(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((999_999,), "zebra"))
        await until(pilot, lambda: app.refused)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not app.refused)


async def test_several_refused_edits_are_one_question(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        for label in ("a", "b", "c"):
            app.edit(label_edit((999_999,), label))
        await until(pilot, lambda: len(app.refused) == 3)
        assert [type(screen) for screen in app.screen_stack[1:]] == [Question]
        await until(
            pilot, lambda: "and 2 more edits" in str(app.screen.query_one("#question").render())
        )


async def test_a_screen_is_told_of_an_edit_before_and_after_it_is_stored(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        told: list[Change] = []
        app.changes.subscribe(app, told.append)
        app.edit(label_edit((1,), "zebra"))
        assert app.newest_edit is not None
        await until(pilot, lambda: [change.what for change in told] == ["edit", "stored"])


async def test_an_edit_of_no_image_is_none(dataset: Dataset) -> None:
    async with running(dataset) as (app, _):
        app.edit(label_edit((), "zebra"))
        assert dataset.pending_edits == 0
        assert app.newest_edit is None


@pytest.mark.parametrize("info", actions_of("app"), ids=lambda info: info.id)
def test_every_action_of_the_app_has_its_method(info: ActionInfo) -> None:
    assert hasattr(PixshelfApp, f"action_{info.method}")


async def test_the_go_menu_opens_a_section(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, GoMenu))
        await pilot.press("a")
        await until(pilot, lambda: app.current_mode == "about")


async def test_f10_opens_the_settings(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("f10")
        await until(pilot, lambda: app.current_mode == "settings")


async def test_a_click_on_the_bar_opens_a_section(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        bar = app.screen.query_one(SectionBar)
        at = bar.render().plain.index(SECTIONS["history"])
        await pilot.click(SectionBar, offset=(at, 0))
        await until(pilot, lambda: app.current_mode == "history")


async def test_refresh_tells_every_screen(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        told: list[Change] = []
        app.changes.subscribe(app, told.append)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: told == [Change("refresh")])


async def test_about_tells_of_the_dataset_and_copies_it(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.go("about")
        await until(pilot, lambda: "predictions" in str(app.screen.query_one("#facts").render()))
        await pilot.press("c")
        await until(pilot, lambda: "SQLite" in app.clipboard and dataset.url in app.clipboard)


async def test_going_elsewhere_answers_the_dialog_that_is_open(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        given: list[object] = []
        app.push_screen(Question("Sure?", ("Yes",)), given.append)
        await pilot.pause()
        app.go("about")
        await until(pilot, lambda: given == [None] and app.current_mode == "about")


async def test_errors_are_told_one_at_a_time_and_none_twice(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        for _ in range(3):
            app.show_error(UsageError("one"))
            app.show_error(UsageError("two"))
        await until(pilot, lambda: isinstance(app.screen, Message))
        assert len(app.screen_stack) == 2
        await pilot.press("escape")
        await until(pilot, lambda: "two" in str(app.screen.query("Static").first().render()))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_a_flood_of_errors_does_not_pile_up(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        for at in range(100):
            app.show_error(UsageError(f"error {at}"))
        for _ in range(MOST_WAITING + 1):
            await until(pilot, lambda: isinstance(app.screen, Message))
            await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_the_text_of_an_error_moves_no_cursor(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.show_error(UsageError("[b]a\x1b[2Jb\x07"))
        await until(pilot, lambda: isinstance(app.screen, Message))
        assert "[b]ab�" in str(app.screen.query("Static").first().render())


async def test_edits_wait_for_another_process_that_writes(db: Path) -> None:
    dataset = Dataset(str(db), wait=0.2)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(db)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        async with running(dataset) as (app, pilot):
            app.edit(label_edit((1,), "zebra"))
            await until(pilot, lambda: isinstance(app.screen, Question))
            holder.communicate(b"\n", timeout=30)
            await pilot.press("enter")
            await until(pilot, lambda: not app.refused and not dataset.pending_edits)
    finally:
        holder.kill()
        holder.wait()
        dataset.close()
    with open_repository(db) as repo:
        assert repo.images.get(1).label == "zebra"


async def test_edits_of_a_dataset_that_disappeared_can_be_stored_when_it_is_back(
    dataset: Dataset, db: Path, tmp_path: Path
) -> None:
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1,), "before"))
        await until(pilot, lambda: not dataset.pending_edits)
        away = tmp_path / "away"
        away.mkdir()
        for part in db.parent.glob("digits.db*"):
            shutil.move(part, away / part.name)
        app.edit(label_edit((2,), "zebra"))
        await until(pilot, lambda: isinstance(app.screen, Question))
        assert not db.exists()
        with pytest.raises(DatasetError, match="there is no dataset file"):
            await dataset.read(lambda repo: repo.stats())
        for part in away.iterdir():
            shutil.move(part, db.parent / part.name)
        await pilot.press("enter")
        await until(pilot, lambda: not app.refused and not dataset.pending_edits)
    with open_repository(db) as repo:
        assert [repo.images.get(each).label for each in (1, 2)] == ["before", "zebra"]


async def test_a_dataset_that_was_replaced_is_read_anew(dataset: Dataset, db: Path) -> None:
    async with running(dataset):
        assert (await dataset.read(lambda repo: repo.stats())).images == 120
        other = db.with_name("other.db")
        with open_repository(other, create=True):
            pass
        os.replace(other, db)
        assert (await dataset.read(lambda repo: repo.stats())).images == 0


async def test_closing_after_the_file_was_removed_makes_no_file(db: Path) -> None:
    dataset = Dataset(str(db))
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1,), "zebra"))
        await until(pilot, lambda: not dataset.pending_edits)
        db.unlink()
    dataset.close()
    assert not db.exists()


async def test_a_thread_that_ends_badly_is_told_to_who_waits_and_the_next_job_runs(
    dataset: Dataset,
) -> None:
    def die(_: object) -> None:
        raise SystemExit(3)

    async with running(dataset):
        for run in (dataset.read, dataset.survey, dataset.edit):
            with pytest.raises(SystemExit):
                await run(die)
            assert await run(lambda repo: threading.current_thread().name)


async def test_a_storm_of_resizes_ends_in_the_last_size(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        for size in [(1, 1), (200, 60), (3, 40), (80, 2), (500, 5)] * 5 + [(100, 30)]:
            await pilot.resize_terminal(*size)
        await until(pilot, lambda: app.screen.size == (100, 30))
        assert app.is_running
