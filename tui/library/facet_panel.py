"""The panel of filters: what the dataset's images can be filtered by, with counts.

It counts in threads of its own, a part at a time and only while it is seen, and again a moment
after edits are stored. What is chosen in it is posted; the query is the screen's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer

from storage.errors import PixshelfError
from storage.query import Query
from tui.actions import bindings_of
from tui.frame.background import begin
from tui.frame.changes import Change
from tui.frame.section import pixshelf
from tui.library.facets import (
    ANSWER_KEYS,
    COUNTED,
    Counts,
    Facet,
    Key,
    count_key,
    facet_rows,
    read_names,
    touched,
)
from tui.library.query_words import standing
from tui.plain.text import printable, shorten, width
from tui.settings import TuiSettings
from tui.widgets.rows import RowList

PAUSE = 0.5
"""Seconds without an edit before it is counted anew."""

_MARKS = {"in": "✓ ", "out": "- ", "": "  "}


class FacetPanel(RowList):
    """Groups of values; enter asks for one, minus leaves it out."""

    BINDINGS: ClassVar = bindings_of("facets")
    DEFAULT_CSS = """
    FacetPanel { width: 26; background: $surface; }
    """

    asked: reactive[Query] = reactive(Query(), init=False)
    """The query whose values are marked."""

    class Picked(Message):
        """A value was chosen: to be asked for, or left out with `out`."""

        def __init__(self, facet: Facet, *, out: bool) -> None:
            super().__init__()
            self.facet, self.out = facet, out

    class Removed(Message):
        """A saved query is to be removed."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Left(Message):
        """The panel is left."""

    def __init__(self) -> None:
        super().__init__(self._row)
        self.counts = Counts()
        self.facets: Sequence[Facet] = ()
        self._folded: set[str] = set()
        self._stale: set[Key] = set(COUNTED)
        self._names_stale = True
        self._is_counting = self._has_failed = False
        self._pause: Timer | None = None

    def on_mount(self) -> None:
        """Hear of what changes."""
        app = pixshelf(self)
        app.changes.subscribe(self, self._changed)
        app.settings_changed.subscribe(self, self._settings_changed)
        self._rebuild()

    # --- counting

    def _changed(self, change: Change) -> None:
        keys: Iterable[Key] = COUNTED
        if change.what == "predictions":
            keys = ANSWER_KEYS
        elif change.what == "stored":
            keys = touched(change.edit)
        elif change.what in ("edit", "refused", "training"):
            return
        self._stale.update(keys)
        self._names_stale = True
        self._has_failed = False
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self.wake)

    def wake(self) -> None:
        """Count what is not known, if the panel is seen and does not count already. After an error
        it waits for the next change: the error would be told again whenever it has been read."""
        seen = self.display and self.screen.is_current and not self._has_failed
        if seen and not self._is_counting and (self._stale or self._names_stale):
            self._is_counting = True
            begin(self, self._count_all(), group="counting")

    async def _count_all(self) -> None:
        try:
            while self._names_stale or self._stale:
                self.counts = await self._next_counts()
                self._rebuild()
        except (PixshelfError, OSError) as error:
            self._has_failed = True
            pixshelf(self).show_error(error)
        finally:
            self._is_counting = False

    async def _next_counts(self) -> Counts:
        dataset = pixshelf(self).dataset
        if self._names_stale:
            self._names_stale = False
            return await dataset.work(lambda repo: read_names(repo, self.counts))
        key = next(each for each in COUNTED if each in self._stale)
        self._stale.discard(key)
        count = await dataset.work(lambda repo: count_key(repo, key))
        return self.counts.counted(key, count)

    # --- what is shown

    def _settings_changed(self, settings: TuiSettings) -> None:
        self._rebuild()

    def watch_asked(self) -> None:
        self.redraw()

    def _rebuild(self) -> None:
        """Other rows; the cursor stays on the value that it is on."""
        current = self.facet if self.cursor else None
        self.facets = facet_rows(self.counts, pixshelf(self).settings.queries, self._folded)
        places = {_identity(facet): place for place, facet in enumerate(self.facets)}
        at = None if current is None else places.get(_identity(current))
        self.show(len(self.facets), at=at)

    @property
    def facet(self) -> Facet | None:
        """The row under the cursor."""
        return self.facets[self.cursor] if self.cursor < len(self.facets) else None

    def _row(self, at: int, cells: int) -> Sequence[Content]:
        facet = self.facets[at]
        count = "" if facet.count is None else f"{facet.count:,}"
        if not facet.field:
            fold = "▸ " if facet.folded else "▾ "
            shown = Content.styled(fold + facet.title, "bold $text-accent")
            return [shown + Content(f" {count}" if facet.folded else "")]
        how = standing(self.asked, facet.field, facet.value)
        title = shorten(printable(facet.title), max(1, cells - len(count) - 4))
        gap = " " * max(1, cells - width(title) - len(count) - 3)
        style = {"in": "bold", "out": "strike", "": ""}[how]
        return [
            Content.assemble((_MARKS[how], "bold"), (title, style), gap, (count, "$foreground 60%"))
        ]

    # --- actions

    def action_pick(self) -> None:
        """Ask for the value, or fold the group."""
        self._choose(out=False)

    def action_exclude(self) -> None:
        """Leave the value out."""
        self._choose(out=True)

    def _choose(self, *, out: bool) -> None:
        facet = self.facet
        if facet is None:
            return
        if not facet.field:
            self.action_fold()
        elif not (out and facet.field == "saved"):
            self.post_message(self.Picked(facet, out=out))

    def action_fold(self) -> None:
        """Fold the group of the row, or unfold it."""
        facet = self.facet
        if facet is None:
            return
        self._folded ^= {facet.group}
        heading = next(at for at, each in enumerate(self.facets) if each.group == facet.group)
        self.move_to(heading)
        self._rebuild()

    def action_remove(self) -> None:
        """Ask for a saved query to be removed."""
        facet = self.facet
        if facet is not None and facet.field == "saved":
            self.post_message(self.Removed(facet.title))

    def action_leave(self) -> None:
        """Go back to the images."""
        self.post_message(self.Left())

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """A double click asks for the value."""
        event.stop()
        self.action_pick()


def _identity(facet: Facet) -> tuple[str, str, str]:
    return facet.group, facet.field, facet.title
