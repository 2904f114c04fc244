"""Edits of a dataset in memory, and their history: what an edit changes is an event, undo gives
every image what it had before, and redo what it had after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace

from storage.errors import NotFound, NotReady, RefusedInput
from storage.labels import clean_label, clean_tag
from storage.records import Action, ActionState, Event, Split
from tests.contract.memory.store import Done, Image, Store, Vocabulary, next_id

Change = tuple[str | None, str | None]
"""What an image had and has: its label, its split, or a tag or 'deleted' that is on it."""


def set_label(store: Store, image_ids: Sequence[int], label: str | None, *, actor: str) -> Action:
    """See Images.set_label."""
    name = None if label is None else clean_label(label)
    summary = "label cleared" if name is None else f"label '{name}'"
    _all_there(store, image_ids)
    if name is not None:
        store.labels.add(name)
    changes = {i: (store.images[i].facts.label, name) for i in image_ids}
    return _record(store, "label", summary, actor, changes)


def set_labels(
    store: Store, assignments: Mapping[int, str | None], *, actor: str, summary: str
) -> Action:
    """See Images.set_labels."""
    wanted = {i: None if name is None else clean_label(name) for i, name in assignments.items()}
    _all_there(store, wanted)
    store.labels |= {name for name in wanted.values() if name is not None}
    changes = {i: (store.images[i].facts.label, name) for i, name in wanted.items()}
    return _record(store, "label", summary, actor, changes)


def set_split(
    store: Store, assignments: Mapping[int, Split | None], *, actor: str, summary: str
) -> Action:
    """See Images.set_split."""
    _all_there(store, assignments)
    changes = {i: (store.images[i].facts.split, split) for i, split in assignments.items()}
    return _record(store, "split", summary, actor, changes)


def add_tag(store: Store, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
    """See Images.add_tag."""
    name = clean_tag(tag)
    _all_there(store, image_ids)
    store.tags.add(name)
    changes = {i: (_tag(store.images[i], name), name) for i in image_ids}
    return _record(store, "tag", f"tag '{name}'", actor, changes)


def remove_tag(store: Store, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
    """See Images.remove_tag."""
    name = clean_tag(tag)
    _all_there(store, image_ids)
    changes = {i: (_tag(store.images[i], name), None) for i in image_ids}
    return _record(store, "untag", f"tag '{name}' removed", actor, changes)


def delete(store: Store, image_ids: Sequence[int], *, actor: str) -> Action:
    """See Images.delete."""
    _all_there(store, image_ids)
    changes = {i: (_deleted(store.images[i]), "deleted") for i in image_ids}
    return _record(store, "delete", "moved to the trash", actor, changes)


def restore(store: Store, image_ids: Sequence[int], *, actor: str) -> Action:
    """See Images.restore."""
    _all_there(store, image_ids)
    changes = {i: (_deleted(store.images[i]), None) for i in image_ids}
    return _record(store, "restore", "restored from the trash", actor, changes)


def merge_label(store: Store, source: str, target: str, *, actor: str) -> Action:
    """See Labels.merge."""
    name = clean_label(target)
    _known(store, "label", source)
    store.labels.add(name)
    summary = f"label '{source}' merged into '{name}'"
    action = _record(store, "label", summary, actor, _of_label(store, source, name))
    store.drop_unused("label", source)
    return action


def remove_label(store: Store, name: str, *, actor: str) -> Action:
    """See Labels.remove."""
    _known(store, "label", name)
    action = _record(store, "label", f"label '{name}' removed", actor, _of_label(store, name, None))
    store.drop_unused("label", name)
    return action


def remove_tag_everywhere(store: Store, name: str, *, actor: str) -> Action:
    """See Tags.remove."""
    _known(store, "tag", name)
    changes: dict[int, Change] = {i: (_tag(one, name), None) for i, one in store.images.items()}
    action = _record(store, "untag", f"tag '{name}' removed everywhere", actor, changes)
    store.drop_unused("tag", name)
    return action


def rename(store: Store, vocabulary: Vocabulary, old: str, new: str, *, actor: str) -> Action:
    """See Labels.rename and Tags.rename."""
    name = clean_label(new) if vocabulary == "label" else clean_tag(new)
    kind, summary = f"rename-{vocabulary}", f"{vocabulary} '{old}' renamed '{name}'"
    _known(store, vocabulary, old)
    if name == old:
        return Action(0, int(time.time()), actor, kind, summary, images=0)
    if name in store.names(vocabulary):
        raise RefusedInput(f"there is a {vocabulary} '{name}' already")
    store.rename(vocabulary, old, name)
    images = sum(
        name == one.facts.label if vocabulary == "label" else name in one.facts.tags
        for one in store.images.values()
    )
    return _append(store, kind, summary, actor, images, Done(_UNMADE, renamed=(old, name)))


def undo(store: Store, count: int, expected: Sequence[int] | None) -> list[Action]:
    """See History.undo."""
    done = sorted(store.in_state("done"), reverse=True)[: max(count, 0)]
    return _go(store, done, expected, "undone", _back)


def redo(store: Store, count: int, expected: Sequence[int] | None) -> list[Action]:
    """See History.redo."""
    undone = sorted(store.in_state("undone"))[: max(count, 0)]
    return _go(store, undone, expected, "done", _again)


_UNMADE = Action(0, 0, "", "", "", images=0)


def _record(
    store: Store, kind: str, summary: str, actor: str, changes: Mapping[int, Change]
) -> Action:
    """Make the changes that are any, as one action."""
    events = {
        image: Event(image, before, after)
        for image, (before, after) in changes.items()
        if before != after
    }
    if not events:
        return Action(0, int(time.time()), actor, kind, summary, images=0)
    for event in events.values():
        _write(store, kind, event.image, event.before, event.after)
    return _append(store, kind, summary, actor, len(events), Done(_UNMADE, events))


def _append(store: Store, kind: str, summary: str, actor: str, images: int, done: Done) -> Action:
    """Put an action at the end of the history; what could be redone no longer can."""
    for earlier in store.actions.values():
        if earlier.action.state == "undone":
            earlier.action = replace(earlier.action, state="dropped")
    action_id = next_id(store.actions)
    done.action = Action(action_id, int(time.time()), actor, kind, summary, images)
    store.actions[action_id] = done
    return done.action


def _go(
    store: Store,
    action_ids: Sequence[int],
    expected: Sequence[int] | None,
    state: ActionState,
    change: Callable[[Store, Done], None],
) -> list[Action]:
    """All of it, or, where one of them is refused, nothing."""
    if expected is not None and list(action_ids) != list(expected):
        raise NotReady("the history has changed meanwhile")
    kept = deepcopy(store)
    gone = []
    try:
        for action_id in action_ids:
            done = store.actions[action_id]
            change(store, done)
            done.action = replace(done.action, state=state)
            gone.append(done.action)
    except RefusedInput:
        store.become(kept)
        raise
    return gone


def _back(store: Store, done: Done) -> None:
    if done.renamed is not None:
        _rename_again(store, done, *reversed(done.renamed))
    for event in done.events.values():
        _write(store, done.action.kind, event.image, event.after, event.before)


def _again(store: Store, done: Done) -> None:
    if done.renamed is not None:
        _rename_again(store, done, *done.renamed)
    for event in done.events.values():
        _write(store, done.action.kind, event.image, event.before, event.after)


def _rename_again(store: Store, done: Done, old: str, new: str) -> None:
    vocabulary: Vocabulary = "label" if done.action.kind == "rename-label" else "tag"
    store.drop_unused(vocabulary, new)
    if new in store.names(vocabulary):
        raise RefusedInput(
            f"'{old}' cannot be called '{new}' again: images imported since have a {vocabulary} of "
            "that name"
        )
    store.rename(vocabulary, old, new)


def _write(store: Store, kind: str, image_id: int, was: str | None, now: str | None) -> None:
    """Give an image what an action of this kind is about."""
    image = store.images[image_id]
    match kind:
        case "label":
            if now is not None:
                store.labels.add(now)
            image.facts = replace(image.facts, label=now)
        case "split":
            image.facts = replace(image.facts, split=now)  # type: ignore[arg-type]  # it was one
        case "tag" | "untag":
            if now is not None:
                store.tags.add(now)
            tags = ({*image.facts.tags} - {was}) | ({now} - {None})
            image.facts = replace(image.facts, tags=tuple(sorted(tag for tag in tags if tag)))
        case _:
            image.deleted = now is not None


def _tag(image: Image, name: str) -> str | None:
    return name if name in image.facts.tags else None


def _deleted(image: Image) -> str | None:
    return "deleted" if image.deleted else None


def _of_label(store: Store, name: str, new: str | None) -> dict[int, Change]:
    return {i: (name, new) for i, one in store.images.items() if one.facts.label == name}


def _known(store: Store, vocabulary: Vocabulary, name: str) -> None:
    if name not in store.names(vocabulary):
        raise NotFound(f"there is no {vocabulary} '{name}'")


def _all_there(store: Store, image_ids: Iterable[int]) -> None:
    for image_id in image_ids:
        store.image(image_id)
