"""How quickly the grid of images shows a page, a row already seen, a label. Run by hand.

The app runs without a terminal at 200x60 in truecolour; every frame is turned into the text that
a terminal would get. A bare loop (Pillow, one style for each cell) does the same page in the same
run: trust the ratios. `--million` scrolls through a file of tests/benchmarks/generate.py.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
os.environ.update(COLORTERM="truecolor", TERM="xterm-256color")

import numpy as np  # noqa: E402 - a script finds the project first
from PIL import Image  # noqa: E402
from rich.color import Color  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.segment import Segment  # noqa: E402
from rich.style import Style  # noqa: E402
from textual import events  # noqa: E402
from textual.app import App, ComposeResult  # noqa: E402
from textual.strip import Strip  # noqa: E402

from ml.worker import NICENESS  # noqa: E402
from storage.opening import open_repository  # noqa: E402
from storage.query import Query  # noqa: E402
from tests.benchmarks.measuring import machine  # noqa: E402
from tui.app import PixshelfApp  # noqa: E402
from tui.frame.dataset import Dataset  # noqa: E402
from tui.frame.edits import label_edit  # noqa: E402
from tui.frame.section import Section  # noqa: E402
from tui.grid.widget import ImageGrid  # noqa: E402

SIZE = (200, 60)
AIMS = {"page": 25.0, "rendering": 16.0, "seen": 2.0, "age": 100.0, "label": 30.0, "memory": 150.0}
"""Milliseconds, and for the memory MB above the bare Textual app."""


class Shown(Section):
    """A screen with a grid alone."""

    NAME = "library"

    def body(self) -> ComposeResult:
        """The grid."""
        yield ImageGrid()


class Watched(PixshelfApp):
    """The app; every frame is made into text, and noted with its time, the cursor it shows, and
    whether every picture in it is there."""

    grid: ImageGrid | None = None

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(dataset)
        self.frames: list[tuple[float, int, bool]] = []

    def _display(self, screen: Any, renderable: Any) -> None:
        if renderable is not None and self.grid is not None:
            renderable.render_segments(self.console)
            whole = self.grid.complete()
            self.frames.append((time.perf_counter(), self.grid.cursor, whole))


def main() -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="the folder with the four IDX files")
    parser.add_argument("--photos", type=Path, help="an archive of photos")
    parser.add_argument("--million", type=Path, help="a large dataset file")
    parser.add_argument("--soak", help=argparse.SUPPRESS)
    parser.add_argument("--pages", type=int, default=30, help="pages of each kind")
    given = parser.parse_args()
    if given.soak:
        asyncio.run(_soak(given.soak))
        return
    sys.stdout.write(f"{machine()}\n")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("mnist", "photos"):
            source = getattr(given, name)
            if source is not None:
                path = Path(folder, f"{name}.db")
                _import(source, path)
                asyncio.run(_measure(name, path, given.pages))
    if given.million is not None:
        _memory(given.million)


def _import(source: Path, path: Path) -> None:
    command = [sys.executable, "-m", "cli", "--db", str(path), "import", str(source)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def _tell(name: str, what: str, value: float, aim: float | None, unit: str = "ms") -> None:
    verdict = "" if aim is None else "  met" if value <= aim else f"  MISSED, aim {aim:g} {unit}"
    sys.stdout.write(f"{name:8} {what:46} {value:9.2f} {unit}{verdict}\n")
    sys.stdout.flush()


async def _measure(name: str, path: Path, pages: int) -> None:
    dataset = Dataset(str(path))
    with open_repository(path) as repo:
        ids = repo.images.ids(Query())[:10_000]
    app = Watched(dataset)
    async with app.run_test(size=SIZE) as pilot:
        screen = Shown()
        await app.push_screen(screen)
        grid = app.grid = screen.query_one(ImageGrid)
        grid.show(ids)
        grid.focus()
        await pilot.pause(0.5)
        page = grid.places.columns * grid.places.page_rows
        _tell(name, f"images in a page, {grid.places.wide} columns each", page, None, "")
        await _pages(name, app, grid, pages)
        _rendering(name, app, screen, grid)
        _bare(name, path, ids[:page], grid)
        await _held_key(name, app, grid)
        await _label(name, app, grid)
    dataset.close()


async def _pages(name: str, app: Watched, grid: ImageGrid, pages: int) -> None:
    """New pages with nothing at hand: from the request to the text, and to the pictures there."""
    rows = grid.places.rows(len(grid.ids)) - grid.places.page_rows
    whole: list[float] = []
    read: list[float] = []
    for at in range(pages):
        await asyncio.sleep(0.15)
        grid.contents.forget_pictures()
        grid.forget_rows()
        app.frames.clear()
        row = (at * 37 + 1) % rows
        row += row == round(grid.scroll_y) // grid.places.row_height
        started = time.perf_counter()
        grid.scroll_to(y=row * grid.places.row_height, animate=False)
        while not grid.complete():
            await asyncio.sleep(0.0005)
        read.append(1000 * (time.perf_counter() - started))
        while not app.frames or not app.frames[-1][2]:
            await asyncio.sleep(0.0005)
        whole.append(1000 * (app.frames[-1][0] - started))
    _tell(name, "a new page, request to text (median)", statistics.median(whole), AIMS["page"])
    _tell(name, "a new page, request to text (best)", min(whole), None)
    _tell(name, "  of which until its pictures are there (median)", statistics.median(read), None)


def _rendering(name: str, app: Watched, screen: Shown, grid: ImageGrid) -> None:
    """The frame alone: every row new, then every row seen before."""
    new: list[float] = []
    seen: list[float] = []
    compositor = screen._compositor
    for _ in range(20):
        grid.forget_rows()
        for times in (new, seen):
            started = time.perf_counter()
            text = compositor.render_full_update().render_segments(app.console)
            times.append(1000 * (time.perf_counter() - started))
    _tell(name, "rendering a new page (median)", statistics.median(new), AIMS["rendering"])
    _tell(name, "rendering a page already seen (median)", statistics.median(seen), AIMS["seen"])
    _tell(name, "text of a page", len(text) / 1000, None, "kB")


def _bare(name: str, path: Path, ids: list[int], grid: ImageGrid) -> None:
    """The same page by Pillow one by one, and one Rich style for each cell."""
    places = grid.places
    console = Console(color_system="truecolor", force_terminal=True, file=io.StringIO())

    def decode() -> list[np.ndarray]:
        with closing(open_repository(path)) as repo:
            return [
                np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize((places.wide,) * 2))
                for _, data in repo.images.iter_data(ids)
            ]

    pictures = decode()

    def render() -> None:
        for start in range(0, len(pictures), places.columns):
            row = np.concatenate(pictures[start : start + places.columns], axis=1)
            for upper, lower in zip(row[::2].tolist(), row[1::2].tolist(), strict=True):
                cells = [
                    Segment("▀", Style(color=Color.from_rgb(*a), bgcolor=Color.from_rgb(*b)))
                    for a, b in zip(upper, lower, strict=True)
                ]
                Strip(cells).render(console)

    for what, job in (("decoding", decode), ("rendering", render)):
        taken = statistics.median(_timed(job) for _ in range(5))
        _tell(name, f"bare loop, {what} (median)", taken, None)


def _timed(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return 1000 * (time.perf_counter() - started)


async def _held_key(name: str, app: Watched, grid: ImageGrid, presses: int = 150) -> None:
    """'page down' at 30 a second: how long after its key a frame comes that shows its place."""
    driver = app._driver
    if driver is None:
        raise RuntimeError("the app has no driver")
    grid.move_to(0)
    await asyncio.sleep(0.3)
    grid.contents.forget_pictures()
    grid.forget_rows()
    app.frames.clear()
    pressed: list[float] = []
    for _ in range(presses):
        event = events.Key("pagedown", None)
        event.set_sender(app)
        pressed.append(time.perf_counter())
        driver.send_message(event)
        await asyncio.sleep(1 / 30)
    await asyncio.sleep(0.3)
    page = grid.places.columns * grid.places.page_rows
    ages: list[float] = []
    told: set[int] = set()
    for at, cursor, _ in app.frames:
        press = cursor // page - 1
        if 0 <= press < len(pressed) and press not in told:
            told.add(press)
            ages.append(1000 * (at - pressed[press]))
    _tell(name, f"a held key, the oldest of {len(ages)} frames", max(ages), AIMS["age"])
    _tell(name, "a held key, the median frame", statistics.median(ages), None)


async def _label(name: str, app: Watched, grid: ImageGrid) -> None:
    """From an edit to the text of its caption, while processes as nice as a training take every
    core."""
    spin = f"import os; os.nice({NICENESS})\nwhile True: pass"
    busy = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(os.cpu_count() or 1)]
    try:
        times = []
        for at in range(30):
            image = grid.current()
            if image is None:
                break
            await asyncio.sleep(0.1)
            app.frames.clear()
            started = time.perf_counter()
            app.edit(label_edit((image,), f"label {at}"))
            while not app.frames:
                await asyncio.sleep(0.0005)
            times.append(1000 * (app.frames[0][0] - started))
        await app.dataset.settled()
    finally:
        for process in busy:
            process.kill()
            process.wait()
    _tell(name, "a label to its text, all cores busy (median)", statistics.median(times), None)
    _tell(name, "a label to its text, all cores busy (worst)", max(times), AIMS["label"])


# Memory


def _memory(path: Path) -> None:
    """Two processes: the bare Textual app, and the grid scrolled over the whole file."""
    peaks = {}
    for side in ("bare", str(path)):
        command = [sys.executable, __file__, "--soak", side]
        ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        peaks[side] = float(ran.stdout.split()[-1])
    above = peaks[str(path)] - peaks["bare"]
    _tell("million", "memory of the bare Textual app", peaks["bare"], None, "MB")
    _tell("million", "memory above it, after scrolling", above, AIMS["memory"], "MB")


async def _soak(side: str) -> None:
    if side == "bare":
        bare: App[None] = App()
        async with bare.run_test(size=SIZE) as pilot:
            await pilot.pause(0.5)
    else:
        await _scroll(Path(side))
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            sys.stdout.write(f"{int(line.split()[1]) / 1000}\n")


async def _scroll(path: Path, pages: int = 1_500) -> None:
    """Through the whole library in leaps, at four sizes of thumbnails."""
    dataset = Dataset(str(path))
    app = Watched(dataset)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.5)
        grid = app.grid = app.screen.query_one(ImageGrid)
        while not (grid.ids and grid.whole):
            await pilot.pause(0.1)
        for at in range(pages):
            if at % 100 == 0:
                grid.zoom = (16, 8, 4, 28)[at // 100 % 4]
            app.frames.clear()
            grid.move_to(at * len(grid.ids) // pages)
            await asyncio.sleep(0.02)
            if at % 10 == 0:
                while not grid.complete():
                    await asyncio.sleep(0.005)
    dataset.close()


if __name__ == "__main__":
    main()
