"""How far a review has come: the list, the place in it, what was decided. No widget, no dataset."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from ml.review_queue import Listing
from storage.records import ActionState
from tui.frame.edits import Edit
from tui.review.edits import Decision, Outcome


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
    how many there are, None while that is not known; `is_whole` says that all are listed.
    `outcomes` are those of the items that are decided, by their first image: they stay where the
    list is read anew. `mark` is the image to go back to then."""

    listing: Listing
    total: int | None = None
    is_whole: bool = False
    place: int = 0
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    mark: int | None = None
    _decisions: list[Decision] = field(default_factory=list)
    _taken_back: set[Decision] = field(default_factory=set)
    _refused: list[Decision] = field(default_factory=list)

    def anew(self) -> Review:
        """The same review with its list still to be read."""
        place = self.place if self.is_open(self.place) else self.next_open(self.place)
        mark = self.listing.group(place)[0] if place and self.mark is None else self.mark
        return Review(
            Listing(array("q")),
            outcomes=self.outcomes,
            mark=mark,
            _decisions=self._decisions,
            _taken_back=self._taken_back,
            _refused=self._refused,
        )

    def begin(self, first: Listing) -> None:
        """Take in the first page of the list, unless the place to go back to is not on it."""
        if self.mark is None or self.mark in first.images:
            self.listing = first
            self._find_mark()

    def complete(self, whole: Listing) -> None:
        """Take in the whole list, which begins with what is shown already (see `joined`)."""
        self.listing, self.is_whole, self.total = whole, True, len(whole)
        self._find_mark()

    def _find_mark(self) -> None:
        if self.mark is not None:
            self.place = self.listing.place_of(self.mark) or 0
            self.mark = None

    @property
    def tally(self) -> Tally:
        """What was decided so far."""
        values = list(self.outcomes.values())
        return Tally(values.count("accepted"), values.count("kept"), values.count("changed"))

    def outcome(self, place: int) -> Outcome | None:
        """What was decided about the item at a place; None where nothing was."""
        if not 0 <= place < len(self.listing):
            return None
        return self.outcomes.get(self.listing.group(place)[0])

    def is_open(self, place: int) -> bool:
        """Whether the item at a place is there and undecided."""
        return (
            0 <= place < len(self.listing)
            and place not in self.gone
            and self.listing.group(place)[0] not in self.outcomes
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

    # --- decisions

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Those that hold, the oldest first."""
        return tuple(each for each in self._decisions if each not in self._taken_back)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever decided here."""
        return not self._decisions and not self._refused

    @property
    def actions(self) -> list[int]:
        """The ids in the history of what was decided, and of what was taken back."""
        return [action for each in self._decisions for action in each.stored]

    def decide(self, decision: Decision) -> None:
        """Note a decision."""
        self._decisions.append(decision)
        self.outcomes.update(dict.fromkeys(decision.items, decision.outcome))

    def match(self, states: Mapping[int, ActionState]) -> Decision | None:
        """Let the decisions hold whose actions are done, and no others. One of which the history
        knows nothing yet is left as it is, one that was undone for good is forgotten. Gives the
        newest whose state changed, None where none did."""
        changed: list[Decision] = []
        for decision in list(self._decisions):
            found = {states.get(action) for action in decision.stored}
            if not found or None in found:
                continue
            if found == {"done"}:
                if decision in self._taken_back:
                    self._taken_back.discard(decision)
                    changed.append(decision)
            else:
                if decision not in self._taken_back:
                    self._taken_back.add(decision)
                    changed.append(decision)
                if "dropped" in found:
                    self._forget(decision)
        self._count()
        return changed[-1] if changed else None

    def take_back(self, decision: Decision) -> None:
        """Forget a decision that left nothing in the history."""
        self._forget(decision)
        self._count()

    def refuse(self, edit: Edit) -> Decision | None:
        """Open the items of the decision whose edit was refused; gives it, if it is one of
        these."""
        for decision in self._decisions:
            if decision.edit is edit:
                self.take_back(decision)
                self._refused.append(decision)
                return decision
        return None

    def try_again(self, edit: Edit) -> None:
        """The edit that was refused is tried once more: what it decides holds again."""
        for decision in self._refused:
            if decision.edit is edit:
                self._refused.remove(decision)
                self.decide(decision)
                return

    def _forget(self, decision: Decision) -> None:
        self._decisions.remove(decision)
        self._taken_back.discard(decision)

    def _count(self) -> None:
        self.outcomes.clear()
        for decision in self.decisions:
            self.outcomes.update(dict.fromkeys(decision.items, decision.outcome))


def joined(shown: Listing, whole: Listing) -> Listing:
    """The whole list of a queue, those that are shown first, in their order, also where they have
    left the queue by now."""
    if not len(shown) or whole.starts is not None:
        return whole
    there = set(shown.images)
    rest = array("q", (each for each in whole.images if each not in there))
    return Listing(shown.images + rest, note=whole.note)
