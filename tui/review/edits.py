"""The decisions of a review as edits.

A decision may be more than one action of the history (a label and the tag `reviewed`); its edit
notes which, so that all of it is taken back at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ml.review_deciding import carry_out, reviewed_by
from ml.review_items import Suggestion
from ml.review_queue import REVIEWED
from storage.records import ImageRecord
from tui.frame.edits import Edit, actor, ids_word, label_edit, tag_edit, trash_edit

if TYPE_CHECKING:
    from storage.records import Action
    from storage.repository import Repository

Outcome = Literal["accepted", "kept", "changed"]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What was decided about the items that begin with the images `items`, and how it is stored.
    `actions` are the ids that the history gave it, filled in when it is stored, 0 for one that
    changed nothing."""

    outcome: Outcome
    items: tuple[int, ...]
    edit: Edit
    actions: list[int]

    @property
    def stored(self) -> tuple[int, ...]:
        """The actions that are in the history, the oldest first."""
        return tuple(action for action in self.actions if action)

    @property
    def changed_nothing(self) -> bool:
        """Whether it is stored, and there was nothing to change."""
        return bool(self.actions) and not any(self.actions)


def accept_edit(
    suggestions: Sequence[Suggestion], *, queue: tuple[str, ...], actions: list[int]
) -> Edit:
    """Do what is suggested. `queue` are the words of the command that lists the queue, its kind
    second; the ids of the actions go into `actions`."""
    images = tuple(image for each in suggestions for image in each.images)
    first = suggestions[0]
    one = all((each.what, each.name) == (first.what, first.name) for each in suggestions)
    parts = {image: _shown(each) for each in suggestions for image in each.images}
    seen = set(reviewed_by(suggestions))
    seen_edit = tag_edit(images, REVIEWED, on=True)

    def store(repo: Repository) -> Action:
        done = carry_out(repo, suggestions, actor=actor(), summary=f"review {queue[1]}")
        actions.extend(action.id for action in done)
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
        lambda: _words(replace(first, images=images) if one else None, images, queue),
    )


def _words(
    one: Suggestion | None, images: tuple[int, ...], queue: tuple[str, ...]
) -> tuple[str, ...]:
    """The command that does what is suggested for the images, for all of them the same or not."""
    if one is not None and one.what == "trash":
        return _shown(one).words()
    if one is not None and one.what == "label":
        command, *rest = _shown(one).words()
        return (command, "--reviewed", *rest)
    return (*queue, f"id:{ids_word(images)}", "--accept")


def keep_edit(images: tuple[int, ...], *, actions: list[int]) -> Edit:
    """Leave the images as they are, and remember it."""
    return noting(tag_edit(images, REVIEWED, on=True), actions)


def noting(edit: Edit, actions: list[int]) -> Edit:
    """The same edit, whose action's id goes into `actions`."""

    def store(repo: Repository) -> Action:
        action = edit.store(repo)
        actions.append(action.id)
        return action

    return replace(edit, store=store)


def _shown(suggestion: Suggestion) -> Edit:
    """The edit that one suggestion is, without the tag."""
    match suggestion.what, suggestion.name:
        case "label", name:
            return label_edit(suggestion.images, name)
        case "tag", str(name):
            return tag_edit(suggestion.images, name, on=True)
        case _:
            return trash_edit(suggestion.images, away=True)
