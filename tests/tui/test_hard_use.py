"""Hard use: any keys in any order, storms of resizes, no colours, a dataset that goes away, and
threads that end badly. Nothing crashes, and no label is lost or invented."""

from __future__ import annotations

import asyncio
import gc
import inspect
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.style import Style
from textual import events
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import OptionList

from storage.errors import DatasetError
from storage.opening import open_repository
from storage.repository import Repository
from tests.tui.driving import running, until
from tests.tui.hard_use import hammered
from tests.tui.keys import Step, resize, sequences
from tests.tui.pty_app import on_terminal
from tests.tui.test_launch import tried
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Message, Question
from tui.frame.edits import label_edit
from tui.frame.modal import Dialog
from tui.frame.section import SECTIONS, Section
from tui.keys.options import Dropdown, Options

EVERYWHERE = (*SECTIONS, "settings", "about")
KEYS_AT_ONCE = 500
SEQUENCES = 20


@pytest.mark.slow
@settings(
    max_examples=SEQUENCES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(section=st.sampled_from(EVERYWHERE), steps=sequences(KEYS_AT_ONCE))
def test_any_keys_in_any_order_crash_nothing_and_lose_no_label(
    template: Path, section: str, steps: list[Step]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(hammered(template, Path(folder), section, steps))


# --- the terminal


@pytest.mark.parametrize("section", EVERYWHERE)
async def test_a_storm_of_resizes_ends_in_the_last_size(section: str, dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.go(section)
        for at, size in enumerate([(1, 1), (20, 5), (200, 60), (3, 40), (80, 2), (0, 0)] * 4):
            resize(app, *size)
            if at % 3 == 0:
                await pilot.pause()
        resize(app, 100, 30)
        await until(pilot, lambda: app.screen.size == (100, 30))
        assert app.current_mode == section


@pytest.fixture
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal without colours."""
    monkeypatch.setenv("NO_COLOR", "1")


def drawn(app: PixshelfApp) -> list[str]:
    """The lines of the screen as they are written to the terminal, but for the status line and
    the keys."""
    strips = app.screen._compositor.render_strips(app.size)
    return [strip.render(app.console) for strip in strips[:-2]]


def shades(app: PixshelfApp) -> set[Color]:
    """Every colour that is on the screen."""
    styles = [
        segment.style
        for strip in app.screen._compositor.render_strips(app.size)
        for segment in strip
        if segment.style is not None
    ]
    colours = [colour for style in styles for colour in (style.color, style.bgcolor)]
    return {Color.from_rich_color(colour) for colour in colours if colour is not None}


@pytest.mark.usefixtures("no_colour")
@pytest.mark.parametrize("section", EVERYWHERE)
async def test_without_colours_every_section_is_drawn_in_greys(
    section: str, dataset: Dataset
) -> None:
    async with running(dataset) as (app, pilot):
        app.go(section)
        await until(pilot, lambda: app.current_mode == section and app.screen.is_mounted)
        assert all(shade.r == shade.g == shade.b for shade in shades(app))


@pytest.mark.usefixtures("no_colour")
@pytest.mark.parametrize(
    ("section", "key"),
    [
        *(("library", "right"), ("library", "space"), ("runs", "tab"), ("settings", "down")),
        *(("history", "down"), ("evaluate", "right"), ("train", "down"), ("importing", "tab")),
    ],
)
async def test_without_colours_the_cursor_is_seen(section: str, key: str, dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.go(section)
        before: list[list[str]] = []

        def at_rest() -> bool:
            before.append(drawn(app))
            return len(before) > 20 and before[-1] == before[-20]

        await until(pilot, at_rest)
        await pilot.press(key)
        await until(pilot, lambda: drawn(app) != before[-1])


# --- the dataset's file


async def told(pilot: Pilot[None], app: PixshelfApp) -> str:
    """The words of the dialog that opens."""
    await until(pilot, lambda: isinstance(app.screen, Message | Question))
    return str(app.screen.query("Static").first().render())


def section_of(app: PixshelfApp) -> Section:
    """The section that is open."""
    assert isinstance(app.screen, Section)
    return app.screen


async def close_all(pilot: Pilot[None], app: PixshelfApp) -> int:
    """Close the dialogs until there is none, and none comes; how many there were."""
    closed: set[Dialog[object]] = set()

    def none_is_left() -> bool:
        if isinstance(app.screen, Dialog):
            closed.add(app.screen)
            app.screen.dismiss(None)
            return False
        return True

    await until(pilot, none_is_left)
    await pilot.pause(0.1)
    await until(pilot, none_is_left)
    return len(closed)


def put_away(db: Path) -> Path:
    """Move the dataset's files to a folder beside it."""
    away = db.parent / "away"
    away.mkdir()
    for part in db.parent.glob("digits.db*"):
        shutil.move(part, away / part.name)
    return away


def put_back(db: Path, away: Path) -> None:
    """Move them back."""
    for part in db.parent.glob("digits.db*"):
        part.unlink()
    for part in away.iterdir():
        shutil.move(part, db.parent / part.name)


@pytest.mark.parametrize("section", [*SECTIONS, "about"])
async def test_a_file_that_disappears_is_told_of_and_counts_again_when_it_is_back(
    section: str, dataset: Dataset, db: Path
) -> None:
    async with running(dataset, size=(120, 40)) as (app, pilot):
        app.go(section)
        await until(pilot, lambda: app.current_mode == section)
        away = put_away(db)
        app.action_undo()
        assert "there is no dataset file" in await told(pilot, app)
        await pilot.press("ctrl+r")
        assert await close_all(pilot, app) <= 3  # not again and again
        put_back(db, away)
        await close_all(pilot, app)
        app.edit(label_edit((1,), "zebra"))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    with open_repository(db) as repo:
        assert repo.images.get(1).label == "zebra"


@pytest.mark.parametrize("section", EVERYWHERE)
async def test_every_section_takes_another_dataset_in_the_place_of_its_own(
    section: str, dataset: Dataset, db: Path
) -> None:
    async with running(dataset) as (app, pilot):
        app.go(section)
        await until(pilot, lambda: app.current_mode == section)
        put_away(db)
        with open_repository(db, create=True):
            pass
        await pilot.press("ctrl+r", "down", "n", "escape")
        await close_all(pilot, app)
        assert (await dataset.read(lambda repo: repo.stats())).images == 0
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)


async def test_a_file_that_became_something_else_is_named(dataset: Dataset, db: Path) -> None:
    async with running(dataset) as (app, pilot):
        put_away(db)
        db.write_bytes(b"\xff\xd8\xff" + b"x" * 5000)
        app.edit(label_edit((1,), "zebra"))
        await until(pilot, lambda: isinstance(app.screen, Question))
        assert "is not a dataset file" in await told(pilot, app)


async def test_edits_of_a_file_that_cannot_be_written_wait_until_it_can(
    dataset: Dataset, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    async with running(dataset) as (app, pilot):
        with monkeypatch.context() as patch:
            patch.setattr("storage.sqlite.lock.WriteLock._acquire", refuse)
            app.edit(label_edit((1,), "zebra"))
            app.edit(label_edit((2,), "zebra"))
            await until(pilot, lambda: len(app.refused) == 2)
            assert "read-only" in await told(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: not app.refused and not dataset.pending_edits)
    with open_repository(db) as repo:
        assert [repo.images.get(image).label for image in (1, 2)] == ["zebra", "zebra"]


async def test_leaving_while_edits_are_refused_asks_first(dataset: Dataset, db: Path) -> None:
    async with running(dataset) as (app, pilot):
        put_away(db)
        app.edit(label_edit((1,), "zebra"))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        assert app.is_running
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.refused
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not app.is_running)


# --- threads that end badly


def test_a_defect_in_a_thread_ends_the_app_in_a_line_with_every_edit_stored(
    db: Path, tmp_path: Path
) -> None:
    what = (
        "self.edit(label_edit((1,), 'zebra')); job = self.dataset.work(lambda repo: 1 // 0); "
        "self.screen.start(self.awaited(job), group='x')\n"
        "    async def awaited(self, job):\n        await job"
    )
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    with on_terminal([tried(db, what), str(db)], env=state) as app:
        assert app.exit_code() == 1
        assert app.is_restored()
        assert "pixshelf: error: internal: ZeroDivisionError" in app.text
        assert "Traceback" not in app.text
    (log,) = (tmp_path / "state").rglob("error-*.log")
    assert "1 // 0" in log.read_text("utf-8")
    with open_repository(db) as repo:
        assert repo.images.get(1).label == "zebra"


async def test_work_that_finds_the_dataset_unusable_is_told_of(dataset: Dataset) -> None:
    def die(_: Repository) -> None:
        raise DatasetError("it is [b]gone[/b]\x1b[2J", hint="look for it")

    async def wait() -> None:
        await dataset.work(die)

    async with running(dataset) as (app, pilot):
        app.go("about")
        await until(pilot, lambda: app.current_mode == "about")
        section_of(app).start(wait(), group="x")
        assert "it is [b]gone[/b]" in await told(pilot, app)


# --- what is told, and dialogs


async def test_what_is_told_in_passing_is_plain_text(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.notify("a [b]label[/ \x1b[2Jof\x07 any [kind", title="[oops")
        await until(pilot, lambda: len(app._notifications))
        (told_of,) = app._notifications
        assert told_of.message == "a [b]label[/ of\ufffd any [kind"
        assert not told_of.markup


async def test_a_dialog_is_answered_once(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        given_back: list[object] = []
        question = Question("Sure?", ("Yes",))
        app.push_screen(question, given_back.append)
        await until(pilot, lambda: app.screen is question)
        question.dismiss("Yes")
        question.dismiss("Yes")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        assert given_back == ["Yes"]
        assert len(app.screen_stack) == 1


async def test_a_job_that_is_replaced_before_it_begins_is_closed(dataset: Dataset) -> None:
    async def wait(done: list[int], at: int) -> None:
        done.append(at)

    async with running(dataset) as (app, pilot):
        app.go("about")
        await until(pilot, lambda: app.current_mode == "about")
        done: list[int] = []
        jobs = [wait(done, at) for at in range(3)]
        for job in jobs:
            section_of(app).start(job, group="x")
        await until(pilot, lambda: done == [2])
        gc.collect()
        assert {inspect.getcoroutinestate(job) for job in jobs} == {inspect.CORO_CLOSED}


async def test_a_click_on_an_option_that_is_gone_chooses_nothing(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        await pilot.press("g")
        await until(pilot, lambda: app.screen.query_one(Options).option_count > 5)
        menu, options = app.screen, app.screen.query_one(Options)
        options.clear_options()
        drawn_as = Style(meta={"option": 5})
        options.post_message(
            events.Click(options, 1, 5, 0, 0, 1, False, False, False, style=drawn_as)
        )
        options.post_message(events.Key("pagedown", None))
        await pilot.pause()
        assert app.screen is menu
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not menu)


async def test_a_page_down_in_options_that_are_not_drawn_yet_is_nothing(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.go("importing")
        await until(pilot, lambda: app.screen.query(Dropdown))
        options = app.screen.query(Dropdown).first().query_one(OptionList)
        options.highlighted = 1
        options._move_page(1)
        assert options.highlighted == 1
