"""The history: what was done to labels, splits, tags and the trash, and the way back to any of it.

Newest first, read page by page as one goes down. Follows what is done elsewhere in the app.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from storage.query import MAX_VALUES
from storage.records import Action, Event
from tui.actions import bindings_of
from tui.frame.changes import Change
from tui.frame.dialogs import Question
from tui.frame.section import Section
from tui.plain.text import plural, printable, when
from tui.timeline import (
    PAGE,
    Journey,
    action_line,
    event_line,
    go_to,
    heading,
    journey_to,
    read_part,
)
from tui.widgets.rows import RowList

if TYPE_CHECKING:
    from textual import events

_EVENTS_PAGE = 500
_MOST_READ_AGAIN = 2_000


class HistoryScreen(Section):
    """A list of actions, and what the one under the cursor did to each image."""

    NAME = "history"
    BINDINGS: ClassVar = bindings_of("history")
    AUTO_FOCUS = "#actions"
    DEFAULT_CSS = """
    HistoryScreen #panes { layout: vertical; height: 1fr; }
    HistoryScreen #actions-pane { height: 3fr; }
    HistoryScreen #details { height: 2fr; }
    HistoryScreen.-wide #summary { height: auto; text-wrap: wrap; }
    HistoryScreen.-wide #panes { layout: horizontal; }
    HistoryScreen.-wide #actions-pane { width: 3fr; height: 1fr; }
    HistoryScreen.-wide #details { width: 2fr; height: 1fr; }
    HistoryScreen #head, HistoryScreen #summary {
        height: 1; background: $surface; color: $text-muted; padding: 0 1; text-wrap: nowrap;
    }
    HistoryScreen #actions { padding-right: 1; }
    HistoryScreen #filter { border: none; height: 1; padding: 0 1; background: $panel; }
    HistoryScreen #empty { height: 1fr; padding: 1 2; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._actions: list[Action] = []
        self._before: int | None = None
        self._filter = ""
        self._events: list[Event] = []
        self._shown: int | None = None
        self._is_stale = False
        self._is_reading = False
        self._now = datetime.now()

    def body(self) -> ComposeResult:
        yield Input(placeholder="words of an action, its kind, its author", id="filter")
        yield Static(
            Content(
                "Nothing was done yet.\n\nEvery change of labels, splits, tags and the trash is "
                "listed here, and can be taken back, also after a restart."
            ),
            id="empty",
        )
        with Container(id="panes"):
            with Vertical(id="actions-pane"):
                yield _Head(id="head")
                yield RowList(self._draw_action, id="actions")
            with Vertical(id="details"):
                yield Static(id="summary")
                yield RowList(self._draw_event, id="events")

    @property
    def _list(self) -> RowList:
        return self.query_one("#actions", RowList)

    def current(self) -> Action | None:
        """The action under the cursor."""
        at = self._list.current()
        return self._actions[at] if at is not None and at < len(self._actions) else None

    # --- reading

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self.query_one("#empty").display = False
        self.pixshelf.changes.subscribe(self, self._on_change)
        self.refresh_data()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= 120, "-wide")

    def _on_change(self, change: Change) -> None:
        if change.what not in ("stored", "undo", "refused", "others", "refresh"):
            return
        if self.is_current:
            self.refresh_data()
        else:
            self._is_stale = True

    def on_screen_resume(self) -> None:
        if self._is_stale:
            self.refresh_data()

    def refresh_data(self) -> None:
        self._is_stale = False
        self.start(self._read_anew(), group="read")

    async def _read_anew(self) -> None:
        """The newest actions again, as many as were there. The cursor stays on its action, or at
        the top."""
        text = self._filter
        limit = max(PAGE, min(len(self._actions), _MOST_READ_AGAIN))
        part = await self.pixshelf.dataset.survey(lambda repo: read_part(repo, text, limit=limit))
        current = self.current()
        was_first = self._list.cursor == 0
        self._actions, self._before = list(part.actions), part.before
        self._now = datetime.now()
        at = 0
        if current is not None and not was_first:
            places = {action.id: place for place, action in enumerate(self._actions)}
            at = places.get(current.id, 0)
        self._shown = None
        self._list.show(len(self._actions), at=at)
        self._arrange()

    async def _read_more(self) -> None:
        text, before = self._filter, self._before
        try:
            part = await self.pixshelf.dataset.survey(
                lambda repo: read_part(repo, text, before=before)
            )
        finally:
            self._is_reading = False
        if (text, before) != (self._filter, self._before):
            return
        self._actions += part.actions
        self._before = part.before
        self._list.grow(len(self._actions))
        self._tell()

    def _arrange(self) -> None:
        """Show the lists, or what to know where they are empty."""
        is_empty = not self._actions and not self._filter
        self.query_one("#empty").display = is_empty
        self.query_one("#panes").display = not is_empty
        if not self._actions:
            self._events = []
            self.query_one("#events", RowList).show(0)
            self.query_one("#summary", Static).update(Content(""))
        self._tell()

    def _tell(self) -> None:
        more = "+" if self._before is not None else ""
        undone = sum(action.state == "undone" for action in self._actions)
        said = f"{len(self._actions):,}{more} actions"
        if self._filter:
            said += f" with '{printable(self._filter)}'"
        if undone:
            said += f", {undone:,} undone (redo: ctrl+y)"
        self.say(said)
        # A list that has become longer than its room has a scrollbar.
        self.call_after_refresh(self.query_one(_Head).refresh)

    # --- the action under the cursor

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        if event.rows.id != "actions":
            return
        action = self.current()
        if action is not None and action.id != self._shown:
            self.start(self._read_details(action), group="details")

    async def _read_details(self, action: Action) -> None:
        found = await self.pixshelf.dataset.read(
            lambda repo: repo.history.events(action.id, limit=_EVENTS_PAGE)
        )
        self._shown, self._events = action.id, found
        self.query_one("#events", RowList).show(len(found), at=0)
        self.query_one("#summary", Static).update(
            Content(
                f"{action.id}: {printable(action.summary)} · {action.state} · "
                f"{plural(action.images, 'image')} · {printable(action.actor)} · {when(action.at)}"
            )
        )

    async def _read_more_events(self) -> None:
        action, after = self._shown, self._events[-1].image
        if action is None:
            return
        found = await self.pixshelf.dataset.read(
            lambda repo: repo.history.events(action, limit=_EVENTS_PAGE, after=after)
        )
        if action == self._shown and found:
            self._events += found
            self.query_one("#events", RowList).grow(len(self._events))

    def on_row_list_near_end(self, event: RowList.NearEnd) -> None:
        if event.rows.id == "actions":
            if self._before is not None and not self._is_reading:
                self._is_reading = True
                self.start(self._read_more(), group="more")
        elif self._events and len(self._events) % _EVENTS_PAGE == 0:
            self.start(self._read_more_events(), group="more-events")

    def _draw_action(self, at: int, width: int) -> list[Content]:
        return [action_line(self._actions[at], width, self._now)]

    def _draw_event(self, at: int, width: int) -> list[Content]:
        return [event_line(self._events[at], width)]

    # --- what can be done

    def on_row_list_chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Open the images of the action in the library, up to 500 of them; from the list of what
        it did, the image under the cursor by itself."""
        events = self.query_one("#events", RowList)
        action = self.current()
        if events.has_focus:
            if events.count:
                self.pixshelf.open_image([each.image for each in self._events], events.cursor)
        elif action is not None:
            self.start(self._open(action), group="open")

    async def _open(self, action: Action) -> None:
        found = await self.pixshelf.dataset.read(
            lambda repo: repo.history.events(action.id, limit=MAX_VALUES + 1)
        )
        if not found:
            self.notify(f"'{printable(action.summary)}' has no images that are there", markup=False)
            return
        if len(found) > MAX_VALUES:
            self.notify(f"the first {MAX_VALUES} of {plural(action.images, 'image')}")
        self.pixshelf.open_library(_images_query(action, found[:MAX_VALUES]))

    def action_travel(self) -> None:
        """Undo down to the action under the cursor, or do again up to it, once that is agreed."""
        action = self.current()
        if action is not None:
            self.start(self._travel(action), group="travel")

    async def _travel(self, action: Action) -> None:
        journey = await self.pixshelf.dataset.survey(lambda repo: journey_to(repo, action.id))
        do = "Undo" if journey.way == "undo" else "Redo"
        if journey.steps > 1 or (journey.others and self.pixshelf.settings.confirm):
            answer = await self.pixshelf.push_screen_wait(_question(do, journey, action))
            if answer != do:
                return
        gone = await self.pixshelf.dataset.edit(lambda repo: go_to(repo, journey))
        word = "undone" if journey.way == "undo" else "done again"
        self.notify(f"{plural(len(gone), 'action')} {word}")
        self.pixshelf.changes.publish(Change("undo"))

    def action_filter(self) -> None:
        """Ask for the words of the filter."""
        line = self.query_one("#filter", Input)
        line.display = True
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._set_filter(event.value)

    def on_input_submitted(self) -> None:
        self._list.focus()

    def action_back(self) -> None:
        """Leave the line of the filter, or take the filter away."""
        line = self.query_one("#filter", Input)
        line.value = ""
        line.display = False
        self._list.focus()
        self._set_filter("")

    def _set_filter(self, text: str) -> None:
        if text.strip() != self._filter:
            self._filter = text.strip()
            self._list.cursor = 0
            self.refresh_data()

    def action_next(self) -> None:
        self._list.action_move(1)

    def action_previous(self) -> None:
        self._list.action_move(-1)

    def commands(self) -> list[tuple[str, str]]:
        line = self.pixshelf.command_line
        found = [("list the history", line("history"))]
        action = self.current()
        if action is None:
            return found
        found.append(("show this action", line("history", "show", str(action.id))))
        if action.state == "done" and not self._filter:
            steps = sum(each.state == "done" and each.id >= action.id for each in self._actions)
            found.append((f"undo down to '{printable(action.summary)}'", line("undo", str(steps))))
        if action.id == self._shown and self._events:
            query = _images_query(action, self._events[:MAX_VALUES])
            found.append(("list its images", line("ls", *query.split())))
        return found


class _Head(Widget):
    """The columns' names, over the columns of the list below, whatever room that has."""

    def render(self) -> Content:
        """One line."""
        rows = self.screen.query_one("#actions", RowList)
        return Content(heading(max(0, rows.scrollable_content_region.width - 1)))


def _images_query(action: Action, found: list[Event]) -> str:
    """A query for the images of an action; those that it put into the trash are there."""
    ids = f"id:{','.join(str(event.image) for event in found)}"
    gone = (action.kind == "delete") == (action.state == "done")
    return f"{ids} is:deleted" if action.kind in ("delete", "restore") and gone else ids


def _question(do: str, journey: Journey, action: Action) -> Question:
    others = f" Some are by {printable(', '.join(journey.others))}." if journey.others else ""
    return Question(
        f"{do} {plural(journey.steps, 'action')}, the last being '{printable(action.summary)}'? "
        f"They change {plural(journey.images, 'image')} in all.{others}",
        (do, "Leave"),
        hint="What is undone can be done again, until something else is done.",
    )
