"""The library: every image of the dataset as a grid, filtered, sorted and labelled.

The first images of a query are shown at once; the whole list follows from another thread. Images
stay where they are when they are edited, until the query is asked again.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from storage.errors import NotFound, NotReady, PixshelfError, QueryError
from storage.query import Query, Sort, parse
from tui.actions import bindings_of
from tui.frame.changes import Change
from tui.frame.edits import Edit
from tui.grid.widget import ImageGrid
from tui.labels.label_bar import LabelBar
from tui.labels.labelling import STILL_LISTING
from tui.library.facet_panel import FacetPanel
from tui.library.filters import LibraryFilters
from tui.library.listing import all_ids, begins_with, first_ids, place_of, status_text
from tui.library.nothing import Nothing
from tui.library.query_line import QueryLine
from tui.library.query_words import ordered

if TYPE_CHECKING:
    from storage.records import ImageRecord

_SORTS = {
    "i": ("id", "id"),
    "c": ("confidence", "confidence"),
    "m": ("margin", "margin"),
    "w": ("width", "width"),
    "h": ("height", "height"),
    "b": ("bytes", "size of the file"),
}
_GREETING = (
    ("app.importing", "import pictures: a folder, an archive, an .npz, IDX or CSV file"),
    ("library.digits", "load 1,797 handwritten digits to try things on"),
    ("app.train", "then train a model on them"),
    ("app.help", "every key of this screen"),
)


class LibraryScreen(LibraryFilters):
    """The first section."""

    NAME = "library"
    AUTO_FOCUS = "ImageGrid"
    BINDINGS: ClassVar = bindings_of("library")
    DEFAULT_CSS = """
    LibraryScreen #images { width: 1fr; height: 1fr; }
    LibraryScreen Nothing { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.total: int | None = None
        self.asked = Query()
        self._listed = Query()
        self._is_whole = False
        self._goes_to: int | None = None
        self._is_stale = False
        self._asks_on_resume = False
        self._is_empty = False

    def body(self) -> ComposeResult:
        yield QueryLine()
        with Horizontal():
            panel = FacetPanel()
            panel.display = False
            yield panel
            with Vertical(id="images"):
                yield ImageGrid()
                yield Nothing()
        yield LabelBar()

    def on_mount(self) -> None:
        """Ask the first query."""
        self.pixshelf.changes.subscribe(self, self._changed)
        self.ask(self.pixshelf.first_query)

    def on_screen_resume(self) -> None:
        """Ask anew where something came to the dataset meanwhile."""
        if self._asks_on_resume:
            self.ask(self.query_text, keep=True)
        self.panel.wake()
        self._tell()

    # --- asking

    def ask(self, query: str, *, keep: bool = False) -> None:
        """Show the images that match; with `keep` the cursor stays on its image. A query that
        cannot be read is shown to be mended."""
        if not self.query(QueryLine):
            return  # `on_mount` asks the app's first query
        line = self.query_one(QueryLine)
        try:
            parsed = parse(query)
        except QueryError as error:
            line.edit(query, error)
            return
        self.query_text = line.text = query
        self.asked = self.panel.asked = parsed
        if keep:
            self.total = None
            self._tell()
        self._is_stale = self._asks_on_resume = self._is_whole = False
        self._goes_to = None
        self.start(self._fetch(parsed, keep=keep), group="query")

    async def _fetch(self, query: Query, *, keep: bool) -> None:
        dataset = self.pixshelf.dataset
        grid = self.grid
        try:
            first, whole, pixels = await dataset.read(lambda repo: first_ids(repo, query))
        except (NotReady, NotFound) as error:
            self._show_images(array("q"))
            self._explain(error.message, error.hint)
            return
        if first:
            grid.suit(pixels)
        if grid.model != query.model:
            grid.model = query.model
        if whole:
            self._show_whole(first, keep=keep)
            if not first:
                await self._show_why_none()
            return
        if not keep:
            self._show_images(first, whole=False)
        self.total = await dataset.survey(lambda repo: repo.images.count(query))
        self._tell()
        self._show_whole(await dataset.survey(lambda repo: all_ids(repo, query)), keep=keep)

    def _show_images(self, ids: array[int], at: int = 0, *, whole: bool = True) -> None:
        same, self._listed = self._listed == self.asked, self.asked
        self._is_whole = whole
        self.total = len(ids) if whole else None
        self.query_one(Nothing).display = False
        self.grid.display = True
        self.grid.show(ids, at=at, whole=whole, same=same)
        if self._is_empty:
            self._is_empty = False
            self.refresh_bindings()
        if self.focused is None and ids:
            self.grid.focus()
        self._tell()

    def _show_whole(self, ids: array[int], *, keep: bool) -> None:
        """Show the whole list, the cursor where it is by now, or goes once all is there."""
        grid = self.grid
        if not keep and len(ids) > len(grid.ids) and begins_with(ids, grid.ids) and grid.ids:
            self.total, self._is_whole = len(ids), True
            grid.extend(ids)
            self._tell()
        else:
            current = grid.current()
            at = None if current is None else place_of(ids, current, self.asked.sort)
            moved = keep or len(grid.ids) < len(ids)
            self._show_images(ids, (grid.cursor if at is None else at) if moved else 0)
        if self._goes_to is not None:
            self.go_to(self._goes_to)

    async def _show_why_none(self) -> None:
        """Say why there is no image, and what to do."""
        everything = parse("")
        if self.asked.terms:
            there = await self.pixshelf.dataset.read(lambda repo: first_ids(repo, everything)[0])
            if there:
                self._nothing(
                    "Nothing matches this query.",
                    (
                        ("library.query", "write another one"),
                        ("library.facets", "take something out of it in the panel"),
                        ("library.all", "show every image"),
                    ),
                )
                return
        self._is_empty = True
        self.refresh_bindings()
        self._nothing("There are no images in this dataset yet.", _GREETING)

    def _explain(self, message: str, hint: str | None) -> None:
        lines = [("", hint)] if hint else []
        if self.asked.asks_measures:
            lines.append(("app.review", "the queue of problems measures the images"))
        elif self.asked.asks_prediction:
            lines.append(("app.classify", "classify images with a model"))
        lines.append(("library.query", "write another query"))
        lines.append(("library.all", "show every image"))
        self._nothing(message, tuple(lines))

    def _nothing(self, heading: str, lines: tuple[tuple[str, str], ...]) -> None:
        nothing = self.query_one(Nothing)
        nothing.tell(heading, lines)
        nothing.display = True
        self.grid.display = False

    # --- what is told

    def _tell(self) -> None:
        grid = self.grid
        self.say(
            status_text(
                position=grid.cursor,
                shown=len(grid.ids),
                total=self.total,
                selected=grid.selection.count,
                awaits=grid.selection.awaits,
                pending=self.pixshelf.dataset.pending_edits,
                stale=self._is_stale,
                sort=self.asked.sort.key,
            )
        )
        current = grid.current()
        record = None if current is None else grid.record(current)
        self.query_one(LabelBar).current = None if record is None else record.label

    def on_image_grid_cursor_moved(self) -> None:
        """Tell where the cursor is."""
        self._tell()

    def on_image_grid_cursor_read(self) -> None:
        """Tell of the image that the cursor is on."""
        self._tell()

    def on_image_grid_selection_changed(self) -> None:
        """Tell how many are selected."""
        self._tell()

    def _changed(self, change: Change) -> None:
        if change.what in ("import", "refresh"):
            if self.is_current:
                self.ask(self.query_text, keep=True)
            else:
                self._asks_on_resume = True
        elif change.what == "predictions":
            self._is_stale |= self.asked.asks_prediction
        elif change.what == "undo":
            self._is_stale = True
        elif change.what == "others":
            self._is_stale |= bool(self.asked.terms) or change.moves
            if self._is_stale and self._is_whole and not self.grid.ids:
                self.refresh_data()  # there is nothing that could move
        elif change.what == "stored" and change.edit is not None:
            self._is_stale |= bool(self.asked.terms) or change.edit.kind in ("trash", "many")
        if self.is_current:
            self._tell()

    # --- labelling

    def targets(self) -> Sequence[int]:
        return self.grid.targets()

    def knows_targets(self) -> bool:
        return not self.grid.awaits

    def at_hand(self, image: int) -> ImageRecord | None:
        return self.grid.record(image)

    def moved_on(self, images: Sequence[int], edit: Edit) -> None:
        if self.grid.selection.count or self.grid.selection.awaits:
            self.grid.clear_selection()
        else:
            self.grid.advance()

    def takes_label_keys(self) -> bool:
        return self.focused is self.grid

    def on_label_bar_pressed(self, event: LabelBar.Pressed) -> None:
        """A click on a label gives it."""
        self.give_label(event.label)

    # --- finding

    def action_query(self) -> None:
        """Write a query."""
        self.query_one(QueryLine).edit()
        self.start(self._offer_words(), group="words")

    async def _offer_words(self) -> None:
        from tui.library.completing import Words

        models = await self.pixshelf.dataset.read(
            lambda repo: [model.name for model in repo.models.all()]
        )
        self.query_one(QueryLine).words = Words(self.labels, self.tags, models)

    def on_query_line_asked(self, event: QueryLine.Asked) -> None:
        """Show what was asked for."""
        self.grid.focus()
        self.ask(event.text)

    def on_query_line_left(self) -> None:
        """Back to the images."""
        self.grid.focus()

    def action_sort(self) -> None:
        """Ask for an order."""
        from tui.keys.key_menu import Entry, KeyMenu

        entries = []
        for key, (name, words) in _SORTS.items():
            entries.append(Entry(key, f"{words}, lowest first", name))
            entries.append(Entry(key.upper(), f"{words}, highest first", f"-{name}"))
        now = str(self.asked.sort)
        at = next(place for place, entry in enumerate(entries) if entry.value == now)

        def chosen(value: str | None) -> None:
            if value is not None:
                sort = Sort(value.removeprefix("-"), value.startswith("-"))
                self.ask(ordered(self.query_text, sort))

        self.app.push_screen(KeyMenu("Sort by", entries, at=at), chosen)

    def action_all(self) -> None:
        """Show every image, the cursor on the one where it is."""
        self.ask("", keep=True)

    def action_goto(self) -> None:
        """Ask for an id and go there."""
        from tui.frame.dialogs import Prompt

        def wrong(text: str) -> str:
            fine = text.strip().isdecimal() and len(text) < 19
            return "" if fine else "an id is a whole number"

        def answered(text: str | None) -> None:
            if text is not None:
                self.go_to(int(text))

        self.app.push_screen(Prompt("Go to id", check=wrong), answered)

    def go_to(self, image: int) -> None:
        """Put the cursor on an image, if the query has it; once that is known."""
        self._goes_to = None
        at = place_of(self.grid.ids, image, self.asked.sort)
        if at is not None:
            self.grid.move_to(at)
        elif not self._is_whole:
            self._goes_to = image
            self.notify(f"image {image} is gone to once the whole list is there")
        else:
            self.notify(f"image {image} is not in this list", severity="warning")

    def on_image_grid_opened(self, event: ImageGrid.Opened) -> None:
        """Show an image by itself."""
        if self.grid.to_end:
            self.notify(STILL_LISTING, severity="warning")
        else:
            self.pixshelf.open_image(self.grid.ids, event.position)

    # --- an empty dataset

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Digits are offered only to a dataset without images."""
        if action == "digits":
            return self._is_empty
        return super().check_action(action, parameters)

    def action_digits(self) -> None:
        """Import the digits."""
        self._nothing("Loading 1,797 digits…", ())
        self.start(self._load_digits(), group="digits")

    async def _load_digits(self) -> None:
        from tui.library.digits import load_digits

        try:
            added = await self.pixshelf.dataset.work(load_digits)
        except (PixshelfError, OSError):
            self.ask(self.query_text)
            raise
        key = self.pixshelf.key_of("app.train")
        self.notify(f"{added:,} digits loaded; {key} trains a model on them")
        self.pixshelf.changes.publish(Change("import"))

    # --- as commands

    def refresh_data(self) -> None:
        self.ask(self.query_text, keep=True)

    def commands(self) -> list[tuple[str, str]]:
        from tui.library.commands import commands_of

        images = self.targets() if self.knows_targets() else ()
        listed = len(self.grid.ids) if self._is_whole and not self._is_stale else None
        found = commands_of(self.asked, images, listed, self.labels)
        return [(what, self.pixshelf.command_line(*words)) for what, words in found]
