"""How far a review has come: the list, the place in it, what was decided. No widget, no dataset."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from ml.review_queue import Listing
from tui.edits import Edit
from tui.review_edits import Decision, Outcome


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items were decided, and how."""

    accepted: int
    kept: int
    changed: int

    @property
    def decided(self) -> int:
        """All of them."""
        return self.accepted + self.kept + self.changed

    @property
    def share(self) -> float | None:
        """The share of the suggestions that were accepted; None before the first decision."""
        return self.accepted / self.decided if self.decided else None


@dataclass(slots=True)
class Review:
    """A queue's list and what was decided of it. `place` is the item that is shown. `total` is
    how many there are, None while that is not known; `is_whole` says that all are listed."""

    listing: Listing
    total: int | None = None
    is_whole: bool = False
    place: int = 0
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    decisions: list[Decision] = field(default_factory=list)
    undone: list[Decision] = field(default_factory=list)

    def complete(self, whole: Listing) -> None:
        """Take in the whole list. What is shown already stays where it is, also what has left the
        queue by now."""
        if len(self.listing) and whole.starts is None:
            there = set(self.listing.images)
            images = self.listing.images + array(
                "q", (each for each in whole.images if each not in there)
            )
            whole = Listing(images, note=whole.note)
        self.listing, self.is_whole, self.total = whole, True, len(whole)

    @property
    def tally(self) -> Tally:
        """What was decided so far."""
        values = list(self.outcomes.values())
        return Tally(values.count("accepted"), values.count("kept"), values.count("changed"))

    def is_open(self, place: int) -> bool:
        """Whether the item at a place is there and undecided."""
        return (
            0 <= place < len(self.listing) and place not in self.outcomes and place not in self.gone
        )

    def next_open(self, after: int) -> int | None:
        """The next undecided item after a place; past the end the first of those left behind."""
        for place in range(after + 1, len(self.listing)):
            if self.is_open(place):
                return place
        for place in range(min(after + 1, len(self.listing))):
            if self.is_open(place):
                return place
        return None

    def step(self, by: int) -> int:
        """The place of the item before or after that is still there, decided or not; where there
        is none, the present one."""
        place = self.place + by
        while 0 <= place < len(self.listing):
            if place not in self.gone:
                return place
            place += by
        return self.place

    def page(self, start: int, images: int) -> tuple[int, ...]:
        """Undecided items from a place on that have at most `images` images together, at least
        one item."""
        places: list[int] = []
        room = images
        for place in range(start, len(self.listing)):
            if not self.is_open(place):
                continue
            room -= len(self.listing.group(place))
            if places and room < 0:
                break
            places.append(place)
            if room <= 0:
                break
        return tuple(places)

    def decide(self, decision: Decision) -> None:
        """Note a decision. What was undone can no longer be done again."""
        self.undone.clear()
        self._note(decision)

    def undo(self) -> Decision | None:
        """Take the latest decision back; None where there is none."""
        if not self.decisions:
            return None
        decision = self.decisions.pop()
        for place in decision.places:
            self.outcomes.pop(place, None)
        self.undone.append(decision)
        return decision

    def redo(self) -> Decision | None:
        """Note again what was taken back last; None where there is nothing."""
        if not self.undone:
            return None
        decision = self.undone.pop()
        self._note(decision)
        return decision

    def refuse(self, edit: Edit) -> Decision | None:
        """Forget the decision whose edit was refused; gives it, if it is one of these."""
        for decision in self.decisions:
            if decision.edit is edit:
                self.decisions.remove(decision)
                for place in decision.places:
                    self.outcomes.pop(place, None)
                return decision
        return None

    def _note(self, decision: Decision) -> None:
        self.decisions.append(decision)
        self.outcomes.update(dict.fromkeys(decision.places, decision.outcome))
