"""Two models on the same images: which is better, what was done differently, what flipped.

Pushed over another screen; Escape goes back. What is not stored of the answers is predicted.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from storage.errors import PixshelfError
from storage.query import MAX_VALUES
from storage.records import SPLITS
from tui.actions import bindings_of
from tui.evaluation.asking import Stopped, ask_images
from tui.evaluation.comparisons import (
    FLIP_HEADS,
    FLIPS,
    compare_words,
    cut_text,
    difference_lines,
    figures_text,
    flip_line,
    flips_of,
    titles,
)
from tui.evaluation.view_bar import ViewBar
from tui.evaluation.view_grid import ViewGrid
from tui.frame.changes import Change
from tui.frame.section import Section
from tui.grid.widget import ImageGrid
from tui.library.query_words import ids_query
from tui.plain.progress_text import progress_text
from tui.plain.text import plural, printable
from tui.widgets.rows import RowList

if TYPE_CHECKING:
    from ml.comparing import Comparison, Flip
    from storage.repository import Repository

_DIFFERENCES = 2


class _Heads(Widget):
    """The heads of the list; where it is not whole, what it leaves out."""

    cut: reactive[str] = reactive("")

    def render(self) -> Content:
        return Content(" " + (self.cut or flip_line(FLIP_HEADS, self.size.width - 1)))


class CompareScreen(Section):
    """Compares two models, by name or id, on a split or the images of a query."""

    NAME = "compare"
    BINDINGS: ClassVar = bindings_of("compare")
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    CompareScreen {
        #chosen { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #figures { height: auto; max-height: 9; padding: 0 1; }
        #views { height: 1fr; }
        #flips { height: 1fr; }
        #list { width: 1fr; }
        _Heads { height: 1; color: $text-muted; }
        ImageGrid { width: 1fr; }
        #differences { height: 1fr; padding: 0 1; }
        #differences Static { height: auto; }
    }
    """

    class Progressed(Message):
        """So many of the missing answers are there now."""

        def __init__(self, done: int, total: int) -> None:
            super().__init__()
            self.done, self.total = done, total

    def __init__(self, model_a: str, model_b: str, on: str = "test") -> None:
        super().__init__()
        self.models = (model_a, model_b)
        self.on = on
        self.comparison: Comparison | None = None
        self._flips: list[Flip] = []
        self._at = 0
        self._stop: threading.Event | None = None
        self._began = 0.0
        self._is_stale = False
        self._told: Change | None = None

    def body(self) -> ComposeResult:
        yield Static(id="chosen")
        yield Static(id="figures")
        yield ViewBar(("Only A", "Only B", "Differences"))
        with Container(id="views"):
            with Horizontal(id="flips"):
                with Vertical(id="list"):
                    yield _Heads()
                    yield RowList(self._draw_flip)
                yield ViewGrid()
            with VerticalScroll(id="differences"):
                yield Static()

    # --- comparing

    def on_mount(self) -> None:
        self.pixshelf.changes.subscribe(self, self._on_change)
        self._arrange()
        self.refresh_data()

    def on_unmount(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _on_change(self, change: Change) -> None:
        if change.what == "edit" or change is self._told:
            return
        if self.is_current and self._stop is None:
            self.refresh_data()
        else:
            self._is_stale = True

    def on_screen_resume(self) -> None:
        if self._is_stale:
            self.refresh_data()

    def refresh_data(self) -> None:
        self._is_stale = False
        if self._stop is not None:
            self._stop.set()
        self.start(self._compare(), group="compare")

    async def _compare(self) -> None:
        stop = self._stop = threading.Event()
        self._began = time.monotonic()
        (a, b), on, predicted = self.models, self.on, False

        def progress(done: int, total: int) -> None:
            nonlocal predicted
            predicted = True
            if stop.is_set():
                raise Stopped
            self.post_message(self.Progressed(done, total))

        def compare(repo: Repository) -> Comparison:
            from ml.comparing import compare

            return compare(repo, a, b, on, flips=FLIPS, progress=progress)

        self._tell(f"{printable(a)} and {printable(b)} on {printable(on)}")
        try:
            self._show(await self.pixshelf.dataset.work(compare))
        except Stopped:
            pass  # the screen was left, or asked for something else
        except PixshelfError as error:
            self._fail(error)
        finally:
            if predicted:
                # What it predicted itself is in what it shows.
                self._told = Change("predictions")
                self.pixshelf.changes.publish(self._told)
            if self._stop is stop:
                self._stop = None
                self.say("")
        if self._is_stale and self._stop is None and self.is_current:
            self.refresh_data()  # something changed meanwhile

    def on_compare_screen_progressed(self, message: Progressed) -> None:
        if self._stop is not None:
            seconds = time.monotonic() - self._began
            self.say(progress_text("predicting", message.done, message.total, seconds))

    # --- showing

    def _tell(self, text: str) -> None:
        self.query_one("#chosen", Static).update(Content(text))

    def _fail(self, error: PixshelfError) -> None:
        """Say in place why there is no comparison."""
        self.comparison = None
        lines = [Content(error.message)]
        if error.hint:
            lines.append(Content.styled(error.hint, "$text-muted"))
        self.query_one("#figures", Static).update(Content("\n").join(lines))
        self._arrange()

    def _show(self, comparison: Comparison) -> None:
        if self.comparison is None and comparison.only_b > comparison.only_a == 0:
            self._at = 1
        self.comparison = comparison
        on = f"split {comparison.on}" if comparison.on in SPLITS else printable(comparison.on)
        a, b = titles(comparison)
        self._tell(f"{a} (A) and {b} (B) on {on}, {plural(comparison.n, 'image')}")
        self.query_one(ViewBar).names = (
            f"Only A right ({comparison.only_a:,})",
            f"Only B right ({comparison.only_b:,})",
            f"Differences ({len(comparison.differences):,})",
        )
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Show the list that is open, and give it the keys."""
        comparison = self.comparison
        self.query_one(ViewBar).at = self._at
        self.query_one("#flips").display = comparison is not None and self._at != _DIFFERENCES
        self.query_one("#differences").display = comparison is not None and self._at == _DIFFERENCES
        if comparison is None:
            self.set_focus(None)
            return
        across = self.size.width
        self.query_one("#figures", Static).update(figures_text(comparison))
        if self._at == _DIFFERENCES:
            lines = difference_lines(comparison.differences, across - 4)
            if not comparison.differences:
                lines = [Content("Nothing that is known was different.")]
            self.query_one("#differences Static", Static).update(Content("\n").join(lines))
            self.set_focus(self.query_one("#differences"))
            return
        self._fill_flips(comparison)
        self.set_focus(self.query_one(RowList))

    def _fill_flips(self, comparison: Comparison) -> None:
        flips = flips_of(comparison, self._side)
        rows, grid = self.query_one(RowList), self.query_one(ImageGrid)
        same = flips == self._flips
        self._flips = flips
        self.query_one(_Heads).cut = cut_text(comparison, self._side)
        wrong = comparison.b if self._side == "a" else comparison.a
        grid.model = str(wrong.model)
        at = rows.cursor if same else 0
        rows.show(len(flips), at=at)
        grid.show([flip.image for flip in flips], at=min(at, max(0, len(flips) - 1)))

    @property
    def _side(self) -> Literal["a", "b"]:
        return "b" if self._at == 1 else "a"

    def _draw_flip(self, at: int, across: int) -> list[Content]:
        flip = self._flips[at]
        return [Content(flip_line((str(flip.image), flip.label, flip.a, flip.b), across))]

    # --- views

    def _open_view(self, at: int) -> None:
        self._at = at % 3
        self._arrange()

    def action_only_first(self) -> None:
        self._open_view(0)

    def action_only_second(self) -> None:
        self._open_view(1)

    def action_differences(self) -> None:
        self._open_view(_DIFFERENCES)

    def action_next_view(self) -> None:
        self._open_view(self._at + 1)

    def action_previous_view(self) -> None:
        self._open_view(self._at - 1)

    def on_view_bar_chosen(self, message: ViewBar.Chosen) -> None:
        self._open_view(message.at)

    # --- the list and the pictures go together

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        grid = self.query_one(ImageGrid)
        if message.at < len(grid.ids) and grid.cursor != message.at:
            grid.move_to(message.at)

    def on_image_grid_cursor_moved(self, message: ImageGrid.CursorMoved) -> None:
        rows = self.query_one(RowList)
        if message.image is not None and rows.cursor != message.position:
            rows.move_to(message.position)

    def on_row_list_chosen(self) -> None:
        self.action_open()

    def on_image_grid_opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Show the image under the cursor."""
        at = self.query_one(RowList).current()
        if self.comparison is not None and self._at != _DIFFERENCES and at is not None:
            self.pixshelf.open_image([flip.image for flip in self._flips], at)

    def _images(self) -> list[int]:
        """The images of the list that is open; of both where the differences are."""
        if self.comparison is None:
            return []
        flips = self.comparison.flips if self._at == _DIFFERENCES else self._flips
        return [flip.image for flip in flips]

    def action_library(self) -> None:
        """Open the images in the library."""
        images = self._images()
        if not images:
            self.notify("there are no images in this list")
            return
        if len(images) > MAX_VALUES:
            self.notify(f"the first {MAX_VALUES:,} of {len(images):,}: a query names no more")
        self.pixshelf.open_library(ids_query(images))

    # --- what is compared

    def action_images(self) -> None:
        """Ask for the split or the query."""
        self.start(self._ask_images(), group="ask")

    async def _ask_images(self) -> None:
        answer = await ask_images(self, "Compare on")
        if answer is not None:
            self.on = answer
            self.refresh_data()

    def action_swap(self) -> None:
        """Let A be B and B be A."""
        a, b = self.models
        self.models = (b, a)
        self.refresh_data()

    def action_back(self) -> None:
        """Go back."""
        self.app.pop_screen()

    def commands(self) -> list[tuple[str, str]]:
        line, words = self.pixshelf.command_line, compare_words(*self.models, self.on)
        found = [("compare", line(*words)), ("compare as JSON", line(*words, "--json"))]
        if images := self._images():
            found.append(("list the images that flipped", line("ls", ids_query(images))))
        return found
