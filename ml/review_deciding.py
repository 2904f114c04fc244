"""Carrying out what a review decided: labels, tags and the trash, and the tag `reviewed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml.review_items import Suggestion
from ml.review_queue import REVIEWED

if TYPE_CHECKING:
    from storage.records import Action
    from storage.repository import Repository


def carry_out(
    repo: Repository, suggestions: Sequence[Suggestion], *, actor: str, summary: str = "review"
) -> list[Action]:
    """Do what the suggestions say, each kind of it as one action of the history, and tag as
    `reviewed` what got a label or a tag, last. Gives the actions in order, those with id 0 too,
    which had nothing to change. What was done before an error stays done, and doing it again does
    the rest. Raises NotFound, RefusedInput."""
    labels: dict[int, str | None] = {}
    tags: dict[str, list[int]] = {}
    trash: list[int] = []
    for each in suggestions:
        match each.what, each.name:
            case "label", name:
                labels.update(dict.fromkeys(each.images, name))
            case "tag", str(name):
                tags.setdefault(name, []).extend(each.images)
            case _:
                trash.extend(each.images)
    actions: list[Action] = []
    if labels and len(set(labels.values())) == 1:
        actions.append(repo.images.set_label(list(labels), *set(labels.values()), actor=actor))
    elif labels:
        actions.append(repo.images.set_labels(labels, actor=actor, summary=summary))
    actions += [repo.images.add_tag(images, tag, actor=actor) for tag, images in tags.items()]
    if trash:
        actions.append(repo.images.delete(trash, actor=actor))
    gone = set(trash)
    seen = [image for image in reviewed_by(suggestions) if image not in gone]
    if seen:
        actions.append(repo.images.add_tag(seen, REVIEWED, actor=actor))
    return actions


def reviewed_by(suggestions: Sequence[Suggestion]) -> list[int]:
    """The images that bear the tag `reviewed` once the suggestions are carried out. The trash
    needs no such mark, and those that stay beside a copy may have others yet."""
    return [image for each in suggestions if each.what != "trash" for image in each.images]
