"""Actions of the history as rows, and the two ways through them: `undo` and `redo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.output import Column, line, note, write_json
from cli.session import Session
from cli.text import plural, printable, when
from storage.actors import others_name
from storage.errors import NotReady
from storage.records import Action
from storage.ways import ahead

if TYPE_CHECKING:
    from storage.ways import Direction

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


def go(state: Session, way: Direction, count: int, *, json: bool) -> None:
    """Undo or redo up to `count` actions, those that are there when it begins or none, and print
    each. Raises NotReady where there is none, or where others came between."""
    with state.open() as repo:
        expected = [action.id for action in ahead(repo.history, way, count)]
        go_on = repo.history.undo if way == "undo" else repo.history.redo
        gone = go_on(len(expected), expected=expected) if expected else []
    if not gone:
        raise NotReady(
            f"there is nothing to {way}",
            hint="`pixshelf history` lists what was done"
            if way == "undo"
            else "only what was undone last, with no edit since, can be done again",
        )
    if json:
        write_json([action_json(action) for action in gone])
    else:
        for action in gone:
            name = others_name(action.actor)
            whose = f"{printable(name)}'s " if name else ""
            what = f"action {action.id}, {whose}{printable(action.summary)}"
            line(f"{'undone' if way == 'undo' else 'redone'}: {what} ({_images(action)})")
    if len(gone) < count:
        note(f"there were no more than {len(gone):,} to {way}", quiet=state.quiet)
    elif not json:
        back = "redo does it again" if way == "undo" else "undo takes it back"
        note(f"pixshelf {back}", quiet=state.quiet)


def _images(action: Action) -> str:
    return plural(action.images, "image")
