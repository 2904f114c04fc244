"""What others do on the dataset while the app is open: looked for every few seconds, and told to
the screens as a change like any other.

A look reads a few rows. None is taken while an edit is on its way. A dataset that cannot be read
is said in the status line, and everything is read anew when it can be read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from storage.errors import PixshelfError
from storage.query import Query, Sort
from storage.ways import ahead, newest_first
from tui.frame.background import begin, tell_running
from tui.frame.changes import Change

if TYPE_CHECKING:
    from textual.worker import Worker

    from storage.records import Action
    from storage.repository import Repository
    from tui.app import PixshelfApp

EVERY = 3.0
"""Seconds between two looks."""
MOST_ACTIONS = 50
MOST_IMAGES = 500
"""Beyond these, what changed is told as any image."""

_MOVING = frozenset({"delete", "restore"})
"""Kinds of actions after which there are other images in a list of all."""
_NEWEST = Query(sort=Sort("id", True))


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a dataset has come: the ids of its newest action, of the newest that is done, and
    of its newest image, 0 for none. Any edit, undo, redo or import gives another one."""

    action: int
    done: int
    image: int


@dataclass(frozen=True, slots=True)
class News:
    """What was done since a mark: the actions that are newer, newest first, and the images that
    they changed, None for any. `moves` says that there may be other images in a list of all."""

    actions: tuple[Action, ...] = ()
    images: tuple[int, ...] | None = ()
    moves: bool = False


NOTHING = News()


def mark_of(repo: Repository) -> Mark:
    """How far the dataset has come by now."""
    newest = next(iter(repo.history.actions(limit=1)), None)
    done = newest
    if newest is not None and newest.state != "done":
        done = next(iter(ahead(repo.history, "undo", 1)), None)
    image = next(iter(repo.images.page(_NEWEST, limit=1).images), None)
    return Mark(*(0 if each is None else each.id for each in (newest, done, image)))


def news_of(repo: Repository, since: Mark, now: Mark) -> News:
    """What was done between two marks."""
    if now == since:
        return NOTHING
    later = takewhile(lambda action: action.id >= since.done, newest_first(repo.history))
    found = list(islice(later, MOST_ACTIONS + 1))
    new = tuple(action for action in found if action.id > since.action)
    moves = now.image != since.image or any(action.kind in _MOVING for action in new)
    older = found[len(new) :]
    # The one that was the newest done still is, and those above it are not done again.
    as_before = all((action.state == "done") == (action.id == since.done) for action in older)
    reached = not since.done or (older and older[-1].id == since.done)
    if len(found) > MOST_ACTIONS or not as_before or not reached:
        return News(new, None, True)
    return News(new, _images_of(repo, new), moves)


def _images_of(repo: Repository, actions: Iterable[Action]) -> tuple[int, ...] | None:
    images: dict[int, None] = {}
    for action in actions:
        events = repo.history.events(action.id, limit=MOST_IMAGES + 1)
        images.update((event.image, None) for event in events)
        if len(events) != action.images or len(images) > MOST_IMAGES:
            return None
    return tuple(images)


class Others:
    """Looks for what others do, for one app. For the event loop's thread only."""

    def __init__(self, app: PixshelfApp) -> None:
        self._app = app
        self.mark: Mark | None = None
        """How far the dataset had come at the last look; None before the first."""
        self._is_away = False
        self._worker: Worker[None] | None = None
        self.own: set[int] = set()
        """Ids of actions that were done here: they are known already."""

    def begin(self) -> None:
        """Look now, and every few seconds from now on."""
        self._app.changes.subscribe(self._app, self._heard)
        self._app.set_interval(EVERY, self.look)
        self.look()

    def look(self) -> None:
        """Look, unless a look is under way or an edit on its way."""
        if self._worker is None or self._worker.is_finished:
            self._begin()

    def _begin(self) -> None:
        if not self._is_busy:
            self._worker = begin(self._app, self._looked(), group="others", exclusive=True)

    def _heard(self, change: Change) -> None:
        if change.what in ("undo", "import", "refresh"):
            # Every screen reads anew: from here on counts what comes after that.
            self.mark = None
            self._begin()

    @property
    def _is_busy(self) -> bool:
        app = self._app
        return app.storing.is_busy or app.dataset.pending_edits > 0

    async def _looked(self) -> None:
        since, dataset = self.mark, self._app.dataset

        def look(repo: Repository) -> tuple[Mark, News]:
            mark = mark_of(repo)
            return mark, NOTHING if since is None else news_of(repo, since, mark)

        try:
            # While a server is away, in a thread that nobody waits for.
            mark, news = await (dataset.work(look) if self._is_away else dataset.read(look))
        except (PixshelfError, OSError):
            self._is_away = True
            tell_running(self._app, "away", "the dataset cannot be read now")
            return
        if self._is_busy:
            return  # some of it may be of the edit that is on its way
        self.mark = mark
        if self._is_away:
            self._is_away = False
            tell_running(self._app, "away", "")
            self._app.changes.publish(Change("refresh"))
        elif since is not None and mark != since:
            self._tell(news, only_images=mark.action == since.action and mark.done == since.done)
        self.own = {action for action in self.own if action > mark.action}

    def _tell(self, news: News, *, only_images: bool) -> None:
        own = self.own.union(*self._app.storing.together)
        theirs = [action for action in news.actions if action.id not in own]
        if theirs or news.images is None or only_images:
            self._app.changes.publish(Change("others", news.images, moves=news.moves))
