"""The review: doubtful images one by one, or a page at a time, each decided by one key.

What is suggested is accepted, left as it is, or another label is given; every decision is an edit
that can be taken back, and nothing waits for it to be stored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static

from ml.review_items import Item
from ml.review_queue import KINDS
from storage.errors import RefusedInput
from tui.actions import bindings_of
from tui.frame.changes import Change
from tui.frame.edits import Edit
from tui.frame.section import StatusLine
from tui.grid.widget import ImageGrid
from tui.keys.options import Options
from tui.labels.label_bar import LabelBar
from tui.picture.source import USUAL_SIDE, Pictures
from tui.picture.widget import Picture
from tui.plain.text import printable
from tui.review.moving import ReviewMoving
from tui.review.text import heading, lacking_line, progress_line, queue_line, told

_AHEAD = 4
_QUEUES_WIDTH = 20
_ROOMY = 110
"""From so many columns on the queues stay beside a page of many."""
_ZOOM_MANY, _ZOOM_MANY_ROOMY, _ZOOM_COPIES = 8, 12, 20
_ANSWERS, _ANSWERS_ROOMY, _HIGH = 5, 10, 24
"""So many of a model's labels are shown, and more from so many lines on."""


def _unseen(bindings: list[BindingType]) -> list[BindingType]:
    """The same keys, left out of the footer."""
    return [replace(each, show=False) for each in bindings if isinstance(each, Binding)]


class ReviewGrid(ImageGrid, inherit_bindings=False):
    """The grid, whose keys leave the footer to those that decide."""

    BINDINGS: ClassVar = _unseen(bindings_of("grid"))


class ReviewScreen(ReviewMoving):
    """One queue at a time, the queues at the left."""

    NAME = "review"
    BINDINGS: ClassVar = [*bindings_of("review"), *_unseen(bindings_of("labelling"))]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    ReviewScreen #review-head { height: 1; padding: 0 1; text-wrap: nowrap; background: $panel; }
    ReviewScreen #queues {
        width: 24; height: 1fr; border: none; padding: 0 1; background: $surface;
        scrollbar-size-vertical: 1;
    }
    ReviewScreen #seen { width: 1fr; height: 1fr; }
    ReviewScreen #seen ImageGrid { height: 1fr; }
    ReviewScreen #told {
        width: 38%; min-width: 28; max-width: 64; height: 1fr; padding: 0 1;
        background: $surface; scrollbar-size-vertical: 1;
    }
    ReviewScreen #told Static { height: auto; }
    ReviewScreen #nothing {
        height: 1fr; padding: 1 2; color: $text-muted; content-align: center middle;
        text-align: center;
    }
    ReviewScreen #lacks { height: 1; padding: 0 1; color: $text-accent; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.page: tuple[int, ...] = ()
        """The places of the items on the page of many."""
        self._pictures = Pictures()
        self._pictured: int | None = None
        self._gridded: tuple[int, ...] = ()
        self._stale: Literal["items", "list"] | None = None
        """What changed while another screen was open."""

    def body(self) -> ComposeResult:
        yield Static(id="review-head")
        with Horizontal():
            yield Options(
                *(queue_line(kind, None, _QUEUES_WIDTH) for kind in KINDS),
                compact=True,
                id="queues",
            )
            with Vertical(id="seen"):
                yield Picture()
                yield ReviewGrid(id="page")
                yield Static(id="nothing")
            with VerticalScroll(id="told", can_focus=False):
                yield Static()
        yield Static(id="lacks")
        yield LabelBar()

    def on_mount(self) -> None:
        self.pixshelf.changes.subscribe(self, self._on_change)
        self.query_one(OptionList).highlighted = KINDS.index(self.queue.kind)
        self.open_queue(self.queue)

    def on_unmount(self) -> None:
        self._pictures.close()

    def on_screen_resume(self) -> None:
        stale, self._stale = self._stale, None
        if stale is not None:
            self._follow(stale)

    def refresh_data(self) -> None:
        self.open_queue(self.queue, anew=True)

    # --- what is shown

    @property
    def item(self) -> Item | None:
        """The item that is shown, or that the cursor is on."""
        return self.items.get(self.place)

    @property
    def shows_grid(self) -> bool:
        """Whether images are shown in a grid: a page of many, or copies beside each other."""
        return self.many or self.queue.kind == "duplicates"

    @property
    def told(self) -> str:
        """What is said of the item, as text."""
        return self._told.plain

    @property
    def status(self) -> str:
        """What the status line says."""
        return self.query_one(StatusLine).text

    _told = Content("")

    def show_queue(self) -> None:
        """The queues with their counts, the heading, the status."""
        queues = self.query_one(OptionList)
        for at, kind in enumerate(KINDS):
            counted = self.counts.get(kind)
            if kind == self.queue.kind and self.review.total is not None:
                counted = self.review.total
            queues.replace_option_prompt_at_index(at, queue_line(kind, counted, _QUEUES_WIDTH))
        head = heading(self.queue, self.models if self.resolved else (), self.words)
        self.query_one("#review-head", Static).update(head)
        lacks = self.query_one("#lacks", Static)
        lacks.update(Content(lacking_line(self.queue, self.lacking, self.models)))
        lacks.display = self.lacking > 0
        self.grid.model = None if self.resolved is None else self.resolved.model
        self._tell()
        if not len(self.review.listing):
            self.show_item()

    def show_item(self) -> None:
        """The picture, the facts, or why there is nothing to show."""
        review = self.review
        at = review.place
        if len(review.listing) and (at in review.gone or at >= len(review.listing)):
            following = review.next_open(at)
            if following is not None:
                review.place = following
        if self.shows_grid:
            self._show_grid()
        else:
            self._show_picture()
        self.tell()

    def _show_picture(self) -> None:
        item = self.item
        if item is None:
            self._pictured = None
            self._show_only("#nothing")
        else:
            self._show_only("Picture")
            if item.image != self._pictured:
                self._pictured = item.image
                self.start(self._bring(item.image), group="picture")
        start = self.review.place
        self.need(tuple(range(start, min(len(self.review.listing), start + _AHEAD))))

    def _show_only(self, wanted: str) -> None:
        """Of the picture, the grid and the words in their place, show one."""
        for selector in ("Picture", "ImageGrid", "#nothing"):
            self.query_one(selector).display = selector == wanted
        if wanted == "#nothing":
            self.query_one("#nothing", Static).update(Content(self._nothing()))

    def _nothing(self) -> str:
        if self.trouble:
            return "\n".join(map(printable, self.trouble.splitlines()))
        if len(self.review.listing):
            return "reading"
        if not self.review.is_whole:
            return "looking for what is to be reviewed"
        return "Nothing is left to review here. w chooses another queue."

    def _show_grid(self) -> None:
        review = self.review
        if self.many:
            if not any(review.is_open(place) for place in self.page):
                self.page = review.page(review.place, self.page_size())
            places = self.page
        else:
            places = (review.place,) if len(review.listing) else ()
        images = tuple(image for place in places for image in review.listing.group(place))
        self._show_only("ImageGrid" if images else "#nothing")
        if images and (images != self._gridded or not len(self.grid.ids)):
            self.grid.show(images, at=self.cursor_for(places))
            if self.focused is None:
                self.grid.focus()
        self._gridded = images
        self.need(places)

    async def _bring(self, image: int) -> None:
        picture = self.query_one(Picture)
        loaded = self._pictures.kept(image, USUAL_SIDE)
        try:
            if loaded is None:
                data = await self.pixshelf.dataset.read(lambda repo: repo.images.data(image))
                loaded = await self._pictures.decoded(image, data, USUAL_SIDE)
        except RefusedInput as error:
            picture.say(f"The picture cannot be shown: {printable(error.message)}.")
            return
        if image == self._pictured:
            picture.show(loaded.picture, loaded.size, whole=True)

    def _show_told(self) -> None:
        item = self.item
        panel = self.query_one("#told", VerticalScroll)
        if item is None:
            self._told = Content("")
        else:
            width = max(20, panel.size.width - 3)
            shown = self.grid.current() if self.shows_grid else None
            outcome = self.review.outcome(self.place)
            answers = _ANSWERS_ROOMY if panel.size.height > _HIGH else _ANSWERS
            self._told = told(item, outcome, width, shown=shown, answers=answers)
        panel.query_one(Static).update(self._told)
        self.query_one(LabelBar).current = None if item is None else item.records[0].label

    def tell(self) -> None:
        self._show_told()
        self._tell()

    def _tell(self) -> None:
        note = self.review.listing.note
        self.say(progress_line(self.review) + (f" · {note}" if note else ""))

    def on_resize(self) -> None:
        self._arrange()
        self.call_after_refresh(self._show_told)

    # --- changes from elsewhere

    def _on_change(self, change: Change) -> None:
        edit = change.edit
        if edit is not None:
            if change.what == "edit":
                for review in self.reviews:
                    review.try_again(edit)
            if change.what in ("edit", "stored"):
                self.apply(edit)
            elif any(review.refuse(edit) for review in self.reviews):
                self._changed("items")
        elif change.what == "refresh":
            self._changed("list")
        elif change.what in ("undo", "import", "others"):
            self._changed("items")

    def _changed(self, what: Literal["items", "list"]) -> None:
        if self.is_current:
            self._follow(what)
        elif self._stale != "list":
            self._stale = what

    def _follow(self, what: Literal["items", "list"]) -> None:
        """Show what changed elsewhere: in the items that are shown, or also which there are."""
        if what == "list":
            self.open_queue(self.queue, anew=True)
        else:
            self._read_again()
        self.start(self.match_history(), group="history")

    def apply(self, edit: Edit) -> None:
        super().apply(edit)
        self._show_told()

    def _read_again(self) -> None:
        self.items = {}
        self.review.gone.clear()
        self.show_item()

    # --- one or many

    def action_many(self) -> None:
        """Between one image and a page of many."""
        if self.many:
            self.review.place = self.place
            self.set_focus(None)
        self.many = not self.many
        self.page, self._gridded, self._pictured = (), (), None
        self._arrange()
        # The page is as large as the room that it has once the queues have gone.
        self.call_after_refresh(self._shown_anew)

    def _shown_anew(self) -> None:
        self.show_item()
        if self.shows_grid and self.grid.display:
            self.grid.focus()

    def _arrange(self) -> None:
        """Room for what is shown: the queues go where a page of many needs their place."""
        roomy = self.size.width >= _ROOMY
        queues = self.query_one(OptionList)
        queues.display = roomy or not self.many or queues.has_focus
        if self.shows_grid:
            many = _ZOOM_MANY_ROOMY if roomy else _ZOOM_MANY
            self.grid.zoom = many if self.many else _ZOOM_COPIES

    def action_open(self) -> None:
        """Show the image by itself."""
        item = self.item
        if item is None:
            return
        if self.shows_grid:
            self.pixshelf.open_image(self.grid.ids, self.grid.cursor)
        else:
            self.pixshelf.open_image(self.review.listing.images, self.review.place)

    def on_image_grid_opened(self, event: ImageGrid.Opened) -> None:
        self.action_open()

    def on_image_grid_cursor_moved(self, event: ImageGrid.CursorMoved) -> None:
        if self.many and self.page:
            self.review.place = self.place_under_cursor()
        self.tell()

    def on_label_bar_pressed(self, event: LabelBar.Pressed) -> None:
        self.give_label(event.label)

    # --- queues

    def action_queue(self) -> None:
        """To the list of queues."""
        queues = self.query_one(OptionList)
        queues.display = True
        queues.focus()

    def action_leave(self) -> None:
        """One step out: of the queues' list, of many, of what narrows."""
        if self.query_one(OptionList).has_focus:
            self._back_to_images()
        elif self.many:
            self.action_many()
        elif self.words:
            self.narrowed("")

    def _back_to_images(self) -> None:
        self.set_focus(None)
        self._arrange()
        if self.shows_grid and self.grid.display:
            self.grid.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.choose(replace(self.queue, kind=KINDS[event.option_index]))
        self._back_to_images()
