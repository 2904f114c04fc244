"""The part of the review screen that moves: the next item, a page of many, and back.

A page holds whole items that are undecided, as many as there is room for.
"""

from __future__ import annotations

from tui.grid.layout import Layout
from tui.review.decisions import ReviewDecisions

_MOST_ON_PAGE = 60


class ReviewMoving(ReviewDecisions):
    """A review that goes from item to item, or from page to page. A subclass shows them."""

    def tell(self) -> None:
        """Show the facts of the item again, and how far the review has come."""
        raise NotImplementedError

    @property
    def place(self) -> int:
        """The place in the list of the item that is shown, or that the cursor is on."""
        return self.place_under_cursor() if self.many else self.review.place

    def page_size(self) -> int:
        """How many images a page has room for."""
        seen = self.query_one("#seen").size
        layout = Layout.of(seen.width - 1, seen.height, self.grid.zoom)
        return min(_MOST_ON_PAGE, layout.columns * layout.page_rows)

    def cursor_for(self, places: tuple[int, ...]) -> int:
        """Where the cursor stands at first: on the first image of the present place."""
        before = 0
        for place in places:
            if place == self.review.place:
                return before
            before += len(self.review.listing.group(place))
        return 0

    def place_under_cursor(self) -> int:
        """The item on the page that the cursor is on."""
        current, before = self.grid.cursor, 0
        for place in self.page:
            before += len(self.review.listing.group(place))
            if current < before:
                return place
        return self.review.place

    def go_on(self, places: tuple[int, ...]) -> None:
        """Show the next item that is undecided, or the next of the page."""
        review = self.review
        last = max(places)
        following = review.next_open(last)
        if self.many:
            self.grid.clear_selection()
            left = [place for place in self.page if review.is_open(place)]
            if left:
                following = next((place for place in left if place > last), left[0])
                review.place = following
                self.grid.move_to(self.cursor_for(self.page))
                self.tell()
                return
        if following is None:
            self.notify("every one of this queue is decided")
            following = review.place
        review.place = following
        self.show_item()

    def action_skip(self) -> None:
        """Go on without a decision: to the next item, or the next page."""
        if self.many:
            self._turn(1)
        else:
            self._step(1)

    def action_back(self) -> None:
        """Go back, to decided items too."""
        if self.many:
            self._turn(-1)
        else:
            self._step(-1)

    def _step(self, by: int) -> None:
        self.review.place = self.review.step(by)
        self.show_item()

    def _turn(self, by: int) -> None:
        if not self.page:
            return
        review = self.review
        size = self.page_size()
        page = review.page(self.page[-1] + 1 if by > 0 else max(0, self.page[0] - size), size)
        if page:
            self.page, review.place = page, page[0]
            self.show_item()
        else:
            self.notify("there is no other page")
