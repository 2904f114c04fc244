"""The part of the review screen that reads: a queue's first items, its whole list, what it lacks.

Every step is shown as soon as it is there; nothing waits, and what is no longer wanted is given up.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from ml.review_queue import KINDS, Kind, Listing, Queue
from storage.errors import NotFound, NotReady
from tui.evaluation.evaluations import model_names
from tui.frame.background import tell_running
from tui.frame.changes import Change
from tui.labels.labelling import Labelling
from tui.review.state import Review, joined

if TYPE_CHECKING:
    from ml.pixels import Progress
    from ml.review_items import Item
    from ml.review_queue import Stage
    from storage.repository import Repository

FIRST = 48
"""So many items are read before the rest of a queue."""

_JOB = "review"
_LISTS = len(KINDS) + 2
"""The lists of so many queues are kept to come back to."""

_SECONDS_BETWEEN = 0.2


class GivenUp(Exception):
    """The user, or another queue, made the work needless."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known of a queue at first. `first` is None for one that has to be listed."""

    queue: Queue
    models: tuple[str, ...]
    first: Listing | None
    items: dict[int, Item]


class ReviewQueues(Labelling):
    """A section with the queue that is reviewed. A subclass shows it."""

    NAME = "review"
    BINDINGS: ClassVar = []

    class Told(Message):
        """Some work on the queue, which `ends` stops, has come so far; what is not counted has a
        total of 0."""

        def __init__(
            self, ends: threading.Event, words: str, done: int = 0, total: int = 0
        ) -> None:
            super().__init__()
            self.ends, self.words, self.done, self.total = ends, words, done, total

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue("wrong")
        """What is asked for; its models may be None."""
        self.resolved: Queue | None = None
        """The same with its models, once they are known."""
        self.models: tuple[str, ...] = ()
        self.words = ""
        """The query that narrows the queue."""
        self.review = Review(Listing(_no_images()))
        self.items: dict[int, Item] = {}
        self.counts: dict[Kind, int | None] = {}
        self.lacking = 0
        self.trouble = ""
        """Why there is nothing to review, where that has a reason."""
        self.is_filling = False
        self._reviews: dict[Queue, Review] = {}
        self._stop = threading.Event()
        self._stop_filling = threading.Event()

    # --- what a subclass shows

    def show_queue(self) -> None:
        """The queue, its state or its counts changed."""
        raise NotImplementedError

    def show_item(self) -> None:
        """There is another item to show, or the same in another state."""
        raise NotImplementedError

    # --- opening a queue

    def open_queue(self, queue: Queue, *, anew: bool = False) -> None:
        """Review a queue where it was left. With `anew` every list is read once more; what was
        decided stays."""
        self._stop.set()
        self._stop = threading.Event()
        self.queue, self.resolved, self.trouble, self.lacking = queue, None, "", 0
        if anew:
            self._reviews = {each: kept.anew() for each, kept in self._reviews.items()}
        self.review = self._reviews.get(queue) or Review(Listing(_no_images()))
        # What was open last stands last.
        self._reviews.pop(queue, None)
        self._reviews[queue] = self.review
        self._forget_lists()
        self.items = {}
        self.show_queue()
        self.start(self._open(queue, self.review, self._stop), group="review")

    @property
    def reviews(self) -> Iterable[Review]:
        """Every review in which something may have been decided."""
        return self._reviews.values()

    def _forget_lists(self) -> None:
        """Keep the lists of the queues that were open last; of the others what was decided."""
        for queue in list(self._reviews)[:-_LISTS]:
            kept = self._reviews[queue].anew()
            if kept.is_empty:
                del self._reviews[queue]
            else:
                self._reviews[queue] = kept

    async def _open(self, queue: Queue, review: Review, stop: threading.Event) -> None:
        dataset = self.pixshelf.dataset
        resumed = review if review.is_whole else None
        try:
            begun = await dataset.read(lambda repo: begin(repo, queue, resumed))
            self.resolved, self.models = begun.queue, begun.models
            if not review.is_whole and begun.first is not None and not len(review.listing):
                review.begin(begun.first)
            if len(review.listing):
                self.items.update(begun.items)
            self.show_queue()
            self.show_item()
            if not review.is_whole:
                await self._complete(begun.queue, review, stop)
                self.trouble = ""
        except (NotReady, NotFound) as error:
            self.trouble = f"{error.message}\n{error.hint or ''}".strip()
            review.is_whole, review.total = False, 0
        except GivenUp:
            return
        self.show_queue()
        self.show_item()
        await self._look_what_lacks(queue)
        await self.count_queues()

    async def _complete(self, queue: Queue, review: Review, stop: threading.Event) -> None:
        from ml.reviewing import count, listing

        dataset = self.pixshelf.dataset
        if len(review.listing):
            review.total = await dataset.survey(lambda repo: count(repo, queue))
            self.show_queue()
            shown = review.listing
            whole = await dataset.survey(lambda repo: joined(shown, listing(repo, queue)))
        else:
            progress, stage = self._progress("listing", stop), self._stage(stop)
            whole = await dataset.work(
                lambda repo: listing(repo, queue, progress=progress, stage=stage)
            )
        review.complete(whole)
        self.counts[queue.kind] = len(whole)

    async def _look_what_lacks(self, queue: Queue) -> None:
        from ml.reviewing import count_lacking, resolve

        try:
            self.lacking = await self.pixshelf.dataset.survey(
                lambda repo: count_lacking(repo, resolve(repo, queue))
            )
        except (NotReady, NotFound):
            self.lacking = 0
        self.show_queue()

    async def count_queues(self) -> None:
        """Count the other queues, as far as that is quick."""
        for kind in KINDS:
            if kind != self.queue.kind:
                asked = replace(self.queue, kind=kind)
                counted = await self.pixshelf.dataset.survey(partial(quick_count, queue=asked))
                if counted is not None or kind not in self.counts:
                    self.counts[kind] = counted
        self.show_queue()

    # --- items

    def need(self, places: tuple[int, ...]) -> None:
        """Read the items at these places that are not at hand, then show."""
        queue, review = self.resolved, self.review
        missing = [each for each in places if each not in self.items and each not in review.gone]
        if queue is not None and missing:
            self.start(self._read(queue, review, missing), group="items")

    async def _read(self, queue: Queue, review: Review, places: list[int]) -> None:
        from ml.review_items import read_items

        listing = review.listing
        found = await self.pixshelf.dataset.read(
            lambda repo: read_items(repo, queue, listing, places)
        )
        if review is not self.review:
            return
        review.gone.update(place for place in places if place not in found)
        self.items.update(found)
        if len(self.items) > 8 * FIRST:
            self.items = {at: item for at, item in self.items.items() if at in set(places)}
        self.show_item()

    # --- filling in what lacks

    def action_fill(self) -> None:
        """Predict, or measure, what the queue lacks; or stop doing so."""
        if self.is_filling:
            self._stop_filling.set()
        elif not self.lacking:
            self.notify("this queue has all that it needs")
        else:
            self.is_filling = True
            self._stop_filling = threading.Event()
            self.start(self._fill(self.queue, self._stop_filling), group="filling")

    async def _fill(self, queue: Queue, stop: threading.Event) -> None:
        from ml.reviewing import fill, resolve

        words = "measuring" if queue.kind == "problems" else "predicting"
        progress = self._progress(words, stop)
        try:
            await self.pixshelf.dataset.work(
                lambda repo: fill(repo, resolve(repo, queue), progress=progress)
            )
        except GivenUp:
            self.notify("stopped; what was done is kept")
        finally:
            self.is_filling = False
            tell_running(self.pixshelf, _JOB, "")
        self.pixshelf.changes.publish(Change("predictions"))
        if self.queue == queue:
            self.open_queue(queue, anew=True)

    def _progress(self, words: str, stop: threading.Event) -> Progress:
        last = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal last
            if stop.is_set():
                raise GivenUp
            now = monotonic()
            if now - last >= _SECONDS_BETWEEN:
                last = now
                self.post_message(self.Told(stop, words, done, total))

        return progress

    def _stage(self, stop: threading.Event) -> Stage:
        def stage(words: str) -> None:
            if stop.is_set():
                raise GivenUp
            self.post_message(self.Told(stop, words))

        return stage

    def on_review_queues_told(self, message: Told) -> None:
        """Show how far some work has come, while it goes on."""
        told = message.words
        if message.total:
            told = f"{told} {message.done:,} of {message.total:,}"
        if message.ends is self._stop_filling:
            if self.is_filling:
                tell_running(self.pixshelf, _JOB, told)
        elif message.ends is self._stop and not self.review.is_whole:
            self.trouble = f"{told}…"
            self.show_queue()

    def on_unmount(self) -> None:
        self._stop.set()
        self._stop_filling.set()


def begin(repo: Repository, queue: Queue, resumed: Review | None) -> Begun:
    """What there is to show at once: the models, and the first items, or those from the place on
    where the review was left. Raises NotReady, NotFound."""
    from ml.review_items import read_items
    from ml.reviewing import first_page, resolve

    found = resolve(repo, queue)
    named = {str(model.id): name for name, model in model_names(repo.models.all()).items()}
    models = tuple(named.get(model, model) for model in (found.model, found.other) if model)
    if resumed is not None:
        end = min(len(resumed.listing), resumed.place + 4)
        places = list(range(resumed.place, end))
        return Begun(found, models, None, read_items(repo, found, resumed.listing, places))
    first = first_page(repo, found, FIRST)
    items = {} if first is None else read_items(repo, found, first, range(min(4, len(first))))
    return Begun(found, models, first, items)


def quick_count(repo: Repository, queue: Queue) -> int | None:
    """How many items a queue has; None where that is not quickly told, or not at all."""
    from ml.reviewing import count, resolve

    try:
        return count(repo, resolve(repo, queue))
    except (NotReady, NotFound):
        return None


def _no_images() -> array[int]:
    return array("q")
