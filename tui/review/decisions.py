"""The part of the review screen that decides: accept, keep, relabel, and the way back.

Every decision is one edit, shown at once and stored in the background. The images that are meant
are those of the item that is shown, or those of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ml.review_items import Suggestion
from storage.records import ImageRecord
from tui.frame.edits import Edit
from tui.frame.undoing import states
from tui.grid.widget import ImageGrid
from tui.review.choices import ReviewChoices
from tui.review.edits import (
    Decision,
    Outcome,
    accept_edit,
    keep_edit,
    noting,
)


class ReviewDecisions(ReviewChoices):
    """A review in which items are decided. A subclass shows them and goes on."""

    many = False

    @property
    def grid(self) -> ImageGrid:
        """The page of many, or the copies."""
        return self.query_one(ImageGrid)

    def go_on(self, places: tuple[int, ...]) -> None:
        """Show what comes after the items that were decided."""
        raise NotImplementedError

    def apply(self, edit: Edit) -> None:
        """Show the items as an edit makes them."""
        shown = {image for item in self.items.values() for image in item.images}
        touched = shown.intersection(edit.images)
        for place, item in self.items.items():
            if not touched.isdisjoint(item.images):
                records = tuple(
                    edit.apply(record) if record.id in touched else record
                    for record in item.records
                )
                self.items[place] = replace(item, records=records)

    # --- which images are meant

    def targets(self) -> Sequence[int]:
        if self.many:
            return self.grid.targets()
        item = self.item
        return () if item is None else item.images

    def at_hand(self, image: int) -> ImageRecord | None:
        for item in self.items.values():
            for record in item.records:
                if record.id == image:
                    return record
        return None

    def _places_of(self, images: Sequence[int]) -> tuple[int, ...]:
        wanted = set(images)
        places = self.page if self.many else (self.review.place,)
        if not len(self.review.listing):
            return ()
        return tuple(
            place for place in places if not wanted.isdisjoint(self.review.listing.group(place))
        )

    # --- deciding

    def action_accept(self) -> None:
        """Follow the suggestion of the item, or of those that are selected."""
        self._accept(self._places_of(self.targets()))

    def action_accept_page(self) -> None:
        """Follow every suggestion of the page."""
        self._accept(self._undecided())

    def action_keep(self) -> None:
        """Leave the item, or those that are selected, as they are."""
        self._keep(self._places_of(self.targets()))

    def action_keep_page(self) -> None:
        """Leave all of the page as it is."""
        self._keep(self._undecided())

    def _undecided(self) -> tuple[int, ...]:
        if not self.many:
            self.notify("m shows a page of many", severity="warning")
            return ()
        return tuple(place for place in self.page if self.review.is_open(place))

    def _accept(self, places: tuple[int, ...]) -> None:
        found = [(place, self._suggested(place)) for place in places]
        known = [(place, each) for place, each in found if each is not None]
        if not known:
            if places:
                self.notify("there is no suggestion to accept", severity="warning")
            return
        actions: list[int] = []
        edit = accept_edit([each for _, each in known], queue=self.queue_words(), actions=actions)
        self._decide("accepted", tuple(place for place, _ in known), edit, actions)

    def suggested(self) -> Suggestion | None:
        places = self._places_of(self.targets())
        return self._suggested(places[0]) if places else None

    def _suggested(self, place: int) -> Suggestion | None:
        """What would be done; of copies the one under the cursor is kept."""
        item = self.items.get(place)
        if item is None or item.suggestion is None or len(item.records) == 1:
            return None if item is None else item.suggestion
        current = self.grid.current()
        if current not in item.images or self.many:
            return item.suggestion
        others = tuple(image for image in item.images if image != current)
        return replace(item.suggestion, images=others)

    def _keep(self, places: tuple[int, ...]) -> None:
        images = tuple(image for place in places for image in self.review.listing.group(place))
        if images:
            actions: list[int] = []
            self._decide("kept", places, keep_edit(images, actions=actions), actions)

    def _label(self, images: Sequence[int], label: str | None) -> None:
        places = self._places_of(images)
        if label is None or not places:
            super()._label(images, label)
            return
        actions: list[int] = []
        suggestion = Suggestion("label", tuple(images), label)
        edit = accept_edit([suggestion], queue=self.queue_words(), actions=actions)
        self._decide(self._outcome(places, label), places, edit, actions)

    def _outcome(self, places: tuple[int, ...], label: str) -> Outcome:
        items = [self.items[place] for place in places if place in self.items]
        suggested = {item.suggestion.name if item.suggestion else None for item in items}
        if suggested == {label}:
            return "accepted"
        return "kept" if {item.records[0].label for item in items} == {label} else "changed"

    def do(self, edit: Edit, *, move: bool = False) -> None:
        places = self._places_of(edit.images)
        if not move or not places:
            super().do(edit, move=move)
            return
        actions: list[int] = []
        self._decide("changed", places, noting(edit, actions), actions)

    def _decide(
        self, outcome: Outcome, places: tuple[int, ...], edit: Edit, actions: list[int]
    ) -> None:
        items = tuple(self.review.listing.group(place)[0] for place in places)
        self.review.decide(Decision(outcome, items, edit, actions))
        self.pixshelf.storing.together.append(actions)
        self.pixshelf.edit(edit)
        self.go_on(places)

    # --- the way back

    def action_undo(self) -> None:
        """Take back what was done last, a decision whole, and show it again."""
        newest = self.review.decisions[-1:]
        if newest and newest[0].changed_nothing:
            self.review.take_back(newest[0])
            self.notify(f"undone: {newest[0].edit.summary} (nothing was changed)")
            self.show_again(newest[0])
        else:
            self.pixshelf.action_undo()

    def action_redo(self) -> None:
        """Do again what was undone last, a decision whole."""
        self.pixshelf.action_redo()

    def show_again(self, decision: Decision) -> None:
        """Go to what was decided, which is open again, or decided again."""
        place = self.review.listing.place_of(decision.items[0])
        if place is not None:
            self.review.place = place
            self.page = ()
            self.show_item()
        elif decision.items[0] not in self.review.outcomes:
            # The list was read since, and left it out.
            self.review.mark = decision.items[0]
            self.open_queue(self.queue, anew=True)

    async def match_history(self) -> None:
        """Let those decisions hold that the history knows as done."""
        reviews = list(self.reviews)
        actions = [action for review in reviews for action in review.actions]
        if not actions:
            return
        found = await self.pixshelf.dataset.survey(lambda repo: states(repo, actions))
        for review in reviews:
            changed = review.match(found)
            if changed is not None and review is self.review:
                self.show_again(changed)
        self.show_queue()
