"""Edits as values: what to store, and how the images they touch look from now on.

The screen shows an edit at once by `apply`, while `store` is carried out in another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from storage.actors import actor_of

if TYPE_CHECKING:
    from storage.records import Action, ImagePrediction, ImageRecord, Split
    from storage.repository import Repository


@dataclass(frozen=True, slots=True)
class Edit:
    """One user action on some images. `words` gives the command line that does the same. `kind`
    says what it changes, and `name` is the label or tag that it puts on them."""

    summary: str
    images: Sequence[int]
    store: Callable[[Repository], Action]
    apply: Callable[[ImageRecord], ImageRecord]
    words: Callable[[], tuple[str, ...]]
    kind: Literal["label", "tag", "split", "trash", "many"] = "many"
    name: str | None = None


@cache
def actor() -> str:
    """Who the history names for what is done in the app."""
    return actor_of("tui")


def label_edit(images: Sequence[int], label: str | None) -> Edit:
    """Give the images a label; None takes it away."""
    return Edit(
        f"label {label}" if label is not None else "clear label",
        images,
        lambda repo: repo.images.set_label(images, label, actor=actor()),
        lambda record: replace(record, label=label, prediction=_judged(record, label)),
        lambda: (
            ("label", "--clear", ids_word(images))
            if label is None
            else ("label", *named(ids_word(images), label))
        ),
        "label",
        label,
    )


def tag_edit(images: Sequence[int], tag: str, *, on: bool) -> Edit:
    """Put a tag on the images, or take it off."""

    def apply(record: ImageRecord) -> ImageRecord:
        others = tuple(each for each in record.tags if each != tag)
        return replace(record, tags=(*others, tag) if on else others)

    return Edit(
        f"tag {tag}" if on else f"remove tag {tag}",
        images,
        lambda repo: (
            repo.images.add_tag(images, tag, actor=actor())
            if on
            else repo.images.remove_tag(images, tag, actor=actor())
        ),
        apply,
        lambda: ("tag", "add" if on else "rm", *named(tag, ids_word(images))),
        "tag",
        tag if on else None,
    )


def split_edit(images: Sequence[int], split: Split | None) -> Edit:
    """Put the images into a split; None takes them out of theirs."""
    summary = f"move to {split}" if split is not None else "take out of their split"
    return Edit(
        summary,
        images,
        lambda repo: repo.images.set_split(
            dict.fromkeys(images, split), actor=actor(), summary=summary
        ),
        lambda record: replace(record, split=split),
        lambda: ("split", "--to", split or "none", f"id:{ids_word(images)}"),
        "split",
    )


def trash_edit(images: Sequence[int], *, away: bool) -> Edit:
    """Put the images into the trash, or take them out of it."""
    return Edit(
        "move to the trash" if away else "restore",
        images,
        lambda repo: (
            repo.images.delete(images, actor=actor())
            if away
            else repo.images.restore(images, actor=actor())
        ),
        lambda record: replace(record, deleted=away),
        lambda: ("rm" if away else "restore", ids_word(images)),
        "trash",
    )


def ids_word(images: Sequence[int]) -> str:
    """The images as the command line takes them."""
    return ",".join(map(str, images))


def named(*words: str) -> tuple[str, ...]:
    """Words of a command line that are no options, also where one of them begins with '-'."""
    return ("--", *words) if any(word.startswith("-") for word in words) else words


def _judged(record: ImageRecord, label: str | None) -> ImagePrediction | None:
    found = record.prediction
    if found is None:
        return None
    return replace(found, wrong=None if label is None else found.label != label)
