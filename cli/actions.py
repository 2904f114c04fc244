"""Actions of the history as rows, and the two ways through them: `undo` and `redo`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from cli.output import Column, line, note, write_json
from cli.session import Session
from cli.text import plural, printable, when
from storage.errors import NotReady, PixshelfError
from storage.records import Action

FIELDS = ("id", "at", "actor", "kind", "summary", "images", "state")
COLUMNS = (
    Column("id", lambda row: str(row["id"]), right=True),
    Column("when", lambda row: row["at"]),
    Column("who", lambda row: row["actor"]),
    Column("what", lambda row: row["summary"]),
    Column("images", lambda row: f"{row['images']:,}", right=True),
    Column("state", lambda row: row["state"]),
)


def action_json(action: Action) -> dict[str, Any]:
    """An action as `history`, `undo` and `redo` print it."""
    return {
        "id": action.id,
        "at": when(action.at),
        "actor": action.actor,
        "kind": action.kind,
        "summary": action.summary,
        "images": action.images,
        "state": action.state,
    }


def go(state: Session, way: Literal["undo", "redo"], count: int, *, json: bool) -> None:
    """Undo or redo up to `count` actions, one by one, and print each. Raises NotReady where there
    is none, and whatever stopped it after some."""
    gone: list[Action] = []
    stopped: PixshelfError | None = None
    with state.open() as repo:
        step: Callable[[], list[Action]] = getattr(repo.history, way)
        while len(gone) < count and stopped is None:
            try:
                found = step()
            except PixshelfError as error:
                stopped = error
                break
            if not found:
                break
            gone += found
    if not gone:
        raise stopped or NotReady(
            f"there is nothing to {way}",
            hint="`pixshelf history` lists what was done"
            if way == "undo"
            else "only what was undone last, with no edit since, can be done again",
        )
    if json:
        write_json([action_json(action) for action in gone])
    else:
        for action in gone:
            what = f"action {action.id}, {printable(action.summary)}"
            line(f"{'undone' if way == 'undo' else 'redone'}: {what} ({_images(action)})")
    if stopped is not None:
        raise stopped
    if len(gone) < count:
        note(f"there were no more than {len(gone):,} to {way}", quiet=state.quiet)
    elif not json:
        back = "redo does it again" if way == "undo" else "undo takes it back"
        note(f"pixshelf {back}", quiet=state.quiet)


def _images(action: Action) -> str:
    return plural(action.images, "image")
