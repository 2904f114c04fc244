"""The screens of the app as they are photographed, and how each is come to from the start.

A scene is come to by keys where that is possible, and is done when all that it shows has come.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from textual import events
from textual.css.query import NoMatches
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import DataTable, Input, Static

from ml.events import Epoch, Event, Note, Phase, Started, Step
from storage.errors import RefusedInput
from tests.ml_fixtures import DIGITS
from tests.tui.showcase import FOLDER
from tui.app import PixshelfApp
from tui.evaluation.evaluations import cell_images
from tui.evaluation.matrix_widget import ConfusionMatrix
from tui.files.path_input import PathLine
from tui.grid.widget import ImageGrid
from tui.picture.widget import Picture
from tui.screens.about import AboutScreen
from tui.screens.classify import ClassifyScreen
from tui.screens.compare import CompareScreen
from tui.screens.evaluate import EvaluateScreen
from tui.screens.history import HistoryScreen
from tui.screens.image import ImageScreen
from tui.screens.importing import ImportScreen
from tui.screens.review import ReviewScreen
from tui.screens.runs import RunsScreen
from tui.screens.settings import SettingsScreen
from tui.screens.train import TrainScreen
from tui.training.plan_pane import PlanPane
from tui.widgets.rows import RowList

_PATIENCE = 20.0


@dataclass(slots=True)
class Played:
    """A training in the place of a real one: it tells its events, and goes on until `over`."""

    events_told: tuple[Event, ...] = ()
    over: threading.Event = field(default_factory=threading.Event)

    def events(self) -> Iterator[Event]:
        """What a training tells."""
        yield from self.events_told
        self.over.wait()

    def request_stop(self) -> None:
        """As a training takes it."""
        self.over.set()

    kill = detach = request_stop


@dataclass(frozen=True, slots=True)
class Stage:
    """The running app, and who presses its keys."""

    app: PixshelfApp
    pilot: Pilot[None]

    @property
    def screen(self) -> Screen[object]:
        """What is on top."""
        return self.app.screen

    async def press(self, *keys: str) -> None:
        """Press keys, and let them work."""
        await self.pilot.press(*keys)
        await self.rest()

    async def write(self, text: str) -> None:
        """Put a text into the field that has the focus."""
        line = self.screen.focused
        assert isinstance(line, Input)
        line.insert_text_at_cursor(text)
        await self.rest()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to hold, as `until` of driving.py does, but without waiting for the
        processor to have nothing to do: there are many scenes."""
        end = time.monotonic() + _PATIENCE
        while True:
            await self.pilot.pause(0)
            with suppress(NoMatches):  # a widget that is not there yet
                if condition():
                    return
            if time.monotonic() > end:
                raise AssertionError(f"it did not come to hold in {_PATIENCE} s")
            await asyncio.sleep(0.005)

    async def open(self, key: str, kind: type[Screen[None]]) -> None:
        """Go to a section."""
        await self.pilot.press(key)
        await self.until(lambda: isinstance(self.screen, kind))
        await self.rest()

    async def ask(self, query: str) -> None:
        """Ask for images in the library."""
        await self.rest()
        self.app.open_library(query)
        await self.rest()

    async def rest(self) -> None:
        """Wait until nothing is read or drawn any more: two looks in a row see the same."""
        await self.until(self._is_idle)
        before: list[Strip] = []
        while before != (now := self._lines()):
            before = now
            await asyncio.sleep(0.02)
            await self.until(self._is_idle)

    def _is_idle(self) -> bool:
        return all(worker.is_finished for worker in self.app.workers) and all(
            _is_whole(grid) for grid in self.screen.query(ImageGrid)
        )

    def _lines(self) -> list[Strip]:
        return self.screen._compositor.render_strips()


def _is_whole(grid: ImageGrid) -> bool:
    """Whether everything that the grid shows is there."""
    if not grid.region or not grid.is_on_screen:
        return True
    seen = grid.places.shown(grid.scroll_offset.y, len(grid.ids))
    ids = grid.ids[seen.start : seen.stop]
    contents = grid.contents
    return not contents.without_picture(ids) and not contents.without_record(ids)


async def settled(stage: Stage) -> None:
    """Make the scene ready: everything there, no cursor blinking, nothing said in passing."""
    stage.app.clear_notifications()
    for line in stage.screen.query(Input):
        line.cursor_blink = False
    await stage.rest()


# --- the library and the single image


async def library(stage: Stage) -> None:
    """Every image."""
    await stage.rest()


async def query(stage: Stage) -> None:
    """A query was asked, and is being written on."""
    await stage.ask("split:test sort:confidence")
    await stage.press("slash", "end")
    await stage.write(" is:")


async def query_error(stage: Stage) -> None:
    """A query that cannot be read."""
    await stage.rest()
    await stage.press("slash")
    await stage.write("label:7 splt:test")
    await stage.press("enter")


async def selection(stage: Stage) -> None:
    """Some images are selected."""
    await stage.ask("split:test")
    await stage.press("right", "space", "right", "space", "down", "space")


async def nothing(stage: Stage) -> None:
    """No image matches."""
    await stage.ask("label:7 split:val tag:smudged")


async def label(stage: Stage) -> None:
    """A label is looked for by its name."""
    await stage.rest()
    await stage.press("a", "1")


async def question(stage: Stage) -> None:
    """Whether the selected images go to the trash."""
    await selection(stage)
    await stage.press("X")


async def image(stage: Stage) -> None:
    """An image that the model is wrong about."""
    await stage.ask("is:wrong")
    await stage.press("right", "enter")
    await stage.until(lambda: isinstance(stage.screen, ImageScreen))
    await stage.until(lambda: stage.screen.query_one(Picture).picture is not None)


async def explained(stage: Stage) -> None:
    """What an answer hangs on."""
    await image(stage)
    screen = stage.screen
    assert isinstance(screen, ImageScreen)
    await stage.press("e")
    await stage.until(lambda: screen.explanation is not None)


# --- models


async def classify(stage: Stage) -> None:
    """Files that were dropped, and what a model says of them."""
    await stage.open("f3", ClassifyScreen)
    screen = stage.screen
    assert isinstance(screen, ClassifyScreen)
    screen.post_message(events.Paste(FOLDER))
    await stage.until(lambda: screen.answers.count and not screen.is_working)


async def train(stage: Stage) -> None:
    """The form and its plan."""
    await stage.open("f4", TrainScreen)
    pane = stage.screen.query_one(PlanPane)
    await stage.until(lambda: pane.facts is not None and not pane.stale)


async def live(stage: Stage) -> None:
    """A training that is watched."""
    await train(stage)
    await stage.press("s")
    await stage.until(
        lambda: (watched := stage.app.trainings.current) and watched.figures.epoch == 5
    )
    await stage.until(lambda: "epoch 5/8" in stage.app.running)


def told() -> tuple[Event, ...]:
    """What the watched training has told so far."""
    steps, epochs = 24, 8
    sizes = (56, 18, 8, 8, 1, 8)
    found: list[Event] = [
        Phase("starting"),
        Started(4, "standard-1", 4321, 1, "standard", DIGITS, *sizes, epochs, steps, 192, 34_410),
        Note("warning", "label 5 has 3 images to train on; 20 or more are better"),
        Phase("training"),
    ]
    for epoch in range(1, 6):
        before = (epoch - 1) * steps
        for step in range(3, (steps if epoch < 5 else 9) + 1, 3):
            # Means over the epoch so far, of a loss that falls and wavers a little.
            seen = [2.2 / (1 + at / 15) + 0.04 * (at % 5) for at in range(before, before + step)]
            loss = sum(seen) / step
            share = 1 - 0.4 * loss
            at = before + step
            found.append(Step(epoch, at, 192, loss, share, 0.002, 1630.0, at / 16))
        if epoch < 5:
            held = 2.1 / (1 + at / 14)
            figures = (loss, share, held, 1 - 0.42 * held)
            found.append(Epoch(4, epoch, epochs, at, at / 16, 0.002, *figures, True))
    return tuple(found)


async def evaluate(stage: Stage) -> None:
    """The confusion matrix, with the cursor on a confused pair."""
    await stage.open("f5", EvaluateScreen)
    screen = stage.screen
    assert isinstance(screen, EvaluateScreen)
    await stage.until(lambda: screen.shown is not None)
    await stage.press("n")
    beside = screen.query_one("#cell", ImageGrid)
    if beside.region and screen.shown is not None:
        shown, cell = screen.shown, screen.query_one(ConfusionMatrix).cursor
        wanted = await stage.app.dataset.read(lambda repo: cell_images(repo, shown, *cell))
        await stage.until(lambda: list(beside.ids) == wanted)


def view(key: str) -> Callable[[Stage], Awaitable[None]]:
    """Another view of the same evaluation."""

    async def scene(stage: Stage) -> None:
        await evaluate(stage)
        await stage.press(key)

    return scene


async def compare(stage: Stage) -> None:
    """Two models on the same images."""
    await stage.open("f7", RunsScreen)
    await stage.until(lambda: stage.screen.query_one("#models", DataTable).row_count)
    await stage.press("tab", "space", "n", "m")
    await stage.until(lambda: isinstance(stage.screen, CompareScreen))
    screen = stage.screen
    assert isinstance(screen, CompareScreen)
    await stage.until(lambda: screen.comparison is not None)


async def review(stage: Stage) -> None:
    """The images that the model is wrong about, one by one."""
    await stage.open("f6", ReviewScreen)
    screen = stage.screen
    assert isinstance(screen, ReviewScreen)
    await stage.until(
        lambda: screen.review.is_whole and screen.counts.get("unlabelled") is not None
    )
    await stage.until(lambda: screen.query_one(Picture).picture is not None)


async def review_many(stage: Stage) -> None:
    """A page of them."""
    await review(stage)
    await stage.press("m")


async def runs(stage: Stage) -> None:
    """Runs and models."""
    await stage.open("f7", RunsScreen)
    await stage.until(lambda: stage.screen.query_one("#models", DataTable).row_count)


# --- what else there is


async def history(stage: Stage) -> None:
    """What was done."""
    await stage.open("f8", HistoryScreen)
    screen = stage.screen
    assert isinstance(screen, HistoryScreen)
    await stage.press("n", "n", "n")
    await stage.until(lambda: screen.query_one("#events", RowList).count)


async def importing(stage: Stage) -> None:
    """A folder is named, and what is in it."""
    await stage.open("f9", ImportScreen)
    stage.screen.query_one(PathLine).drop(FOLDER)
    preview = stage.screen.query_one("#preview", Static)
    await stage.until(lambda: "labels" in str(preview.content))


async def settings(stage: Stage) -> None:
    """Themes, keys and the rest."""
    await stage.open("f10", SettingsScreen)


async def about(stage: Stage) -> None:
    """Versions and places."""
    await stage.press("g", "a")
    await stage.until(lambda: isinstance(stage.screen, AboutScreen))


async def error(stage: Stage) -> None:
    """Something went wrong."""
    await stage.rest()
    wrong = "the file 'scans/[notes].txt' is no picture"
    stage.app.show_error(RefusedInput(wrong, hint="PNG, JPEG, GIF, BMP, TIFF and WebP are read"))


def after(*keys: str) -> Callable[[Stage], Awaitable[None]]:
    """What a key opens over the library."""

    async def scene(stage: Stage) -> None:
        await stage.rest()
        await stage.press(*keys)

    return scene


SCENES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    **{made.__name__: made for made in (library, query, query_error, selection, nothing, label)},
    **{made.__name__: made for made in (question, image, explained, classify, train, live)},
    "matrix": evaluate,
    **{name: view(str(at)) for at, name in enumerate(("labels", "mistakes", "reliability"), 2)},
    "summary": view("5"),
    **{made.__name__: made for made in (compare, review, review_many, runs, history, importing)},
    "help": after("question_mark"),
    "palette": after("ctrl+p"),
    "go": after("g"),
    "copy": after("y"),
    **{made.__name__: made for made in (settings, about, error)},
    "empty": library,
}
"""Every scene by its name. 'empty' is of a dataset without images."""
