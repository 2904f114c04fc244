"""The decisions of a review as edits, and the way back from them.

A decision may be more than one action of the history (a label and the tag `reviewed`); its edit
notes which, so that all of it is taken back at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ml.review_deciding import carry_out, reviewed_by
from ml.review_items import Item, Suggestion
from ml.review_queue import REVIEWED
from storage.records import ImageRecord
from tui.edits import Edit, actor, ids_word, label_edit, tag_edit, trash_edit

if TYPE_CHECKING:
    from storage.records import Action
    from storage.repository import Repository

Outcome = Literal["accepted", "kept", "changed"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about the items at `places`, and how it is stored. `actions` are the ids
    that the history gave it, filled in when it is stored; `before` the items as they were."""

    outcome: Outcome
    places: tuple[int, ...]
    edit: Edit
    actions: list[int]
    before: dict[int, Item] = field(default_factory=dict)


def accept_edit(suggestions: Sequence[Suggestion], *, kind: str, actions: list[int]) -> Edit:
    """Do what is suggested. `kind` is the queue's; the ids of the actions go into `actions`."""
    images = tuple(image for each in suggestions for image in each.images)
    first = suggestions[0]
    one = all((each.what, each.name) == (first.what, first.name) for each in suggestions)
    parts = {image: _shown(each) for each in suggestions for image in each.images}
    seen = set(reviewed_by(suggestions))
    seen_edit = tag_edit(images, REVIEWED, on=True)

    def store(repo: Repository) -> Action:
        done = carry_out(repo, suggestions, actor=actor(), summary=f"review {kind}")
        actions.extend(action.id for action in done if action.id)
        return done[-1]

    def apply(record: ImageRecord) -> ImageRecord:
        part = parts.get(record.id)
        changed = record if part is None else part.apply(record)
        return seen_edit.apply(changed) if record.id in seen else changed

    return Edit(
        _shown(first).summary if one else f"accept {len(suggestions)} suggestions",
        images,
        store,
        apply,
        (lambda: _shown(replace(first, images=images)).words())
        if one
        else (lambda: ("review", kind, f"id:{ids_word(images)}", "--accept")),
    )


def keep_edit(images: tuple[int, ...], *, actions: list[int]) -> Edit:
    """Leave the images as they are, and remember it."""
    return noting(tag_edit(images, REVIEWED, on=True), actions)


def noting(edit: Edit, actions: list[int]) -> Edit:
    """The same edit, whose action's id goes into `actions`."""

    def store(repo: Repository) -> Action:
        action = edit.store(repo)
        if action.id:
            actions.append(action.id)
        return action

    return replace(edit, store=store)


def take_back(repo: Repository, actions: Sequence[int]) -> list[Action] | None:
    """Undo just these actions, where they are the newest that are done; None where they are not,
    and nothing is undone then."""
    if not actions:
        return []
    newest = _newest(repo, "done")
    if newest is None or newest.id != actions[-1]:
        return None
    return repo.history.undo(len(actions))


def do_again(repo: Repository, actions: Sequence[int]) -> list[Action] | None:
    """Redo just these actions, where they are what would be redone first; None where not."""
    if not actions:
        return []
    if repo.history.get(actions[0]).state != "undone":
        return None
    newest = _newest(repo, "done")
    if newest is not None and newest.id > actions[0]:
        return None
    return repo.history.redo(len(actions))


def _newest(repo: Repository, state: str) -> Action | None:
    before: int | None = None
    while page := repo.history.actions(limit=100, before=before):
        for action in page:
            if action.state == state:
                return action
        before = page[-1].id
    return None


def _shown(suggestion: Suggestion) -> Edit:
    """The edit that one suggestion is, without the tag."""
    match suggestion.what, suggestion.name:
        case "label", name:
            return label_edit(suggestion.images, name)
        case "tag", str(name):
            return tag_edit(suggestion.images, name, on=True)
        case _:
            return trash_edit(suggestion.images, away=True)
