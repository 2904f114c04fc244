"""A log of every edit that was asked for and of what the dataset then held, and the law on it.

The law: an edit does to each image what the screens show at once, and nothing to any other; what
is undone and done again leads back to where it was; nothing else changes a label, tag or split.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from storage.query import parse
from storage.records import ImageRecord
from storage.repository import Repository
from tui.changes import Change
from tui.dataset import Dataset
from tui.edits import Edit

Result = TypeVar("Result")
Known = Mapping[int, ImageRecord]
"""The images by their ids."""

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One job that writes: what was there before it and after it. `actions_before` and
    `actions_after` are the ids of the actions that are done."""

    job: Callable[[Repository], Any]
    before: Known
    after: Known
    actions_before: tuple[int, ...]
    actions_after: tuple[int, ...]
    failed: bool


@dataclass
class LabelLog:
    """What the app published and what was stored, each in its order."""

    first: Known = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    published: list[Edit] = field(default_factory=list)
    ended: list[tuple[str, Edit]] = field(default_factory=list)

    def hear(self, change: Change) -> None:
        """For the app's signal of changes."""
        if change.edit is not None and change.what == "edit":
            self.published.append(change.edit)
        elif change.edit is not None:
            self.ended.append((change.what, change.edit))

    def check(self, last: Known, *, whole: bool) -> None:
        """Raises AssertionError where the law is broken. `last` is what the dataset holds; `whole`
        says that the app was there until every edit was told of."""
        edits = {id(edit.store): edit for edit in self.published}
        stored = [entry for entry in self.entries if id(entry.job) in edits]
        assert [id(entry.job) for entry in stored] == [id(edit.store) for edit in self.published]
        if whole:
            self._check_ends(stored)
        now = dict(self.first)
        seen: dict[tuple[int, ...], Known] = {}
        for entry in self.entries:
            now = _with_new(now, entry.before)
            assert _facts(entry.before) == _facts(now), "something changed without an edit"
            seen.setdefault(entry.actions_before, now)
            edit = edits.get(id(entry.job))
            if entry.failed:
                expected = now
            elif edit is not None:
                expected = _edited(now, edit)
            else:
                # Halfway through what was one edit and two actions nothing was seen yet.
                expected = _with_new(seen.get(entry.actions_after, entry.after), entry.before)
            expected = _with_new(expected, entry.after)
            assert _facts(entry.after) == _facts(expected), edit and edit.summary
            now = dict(expected)
            seen.setdefault(entry.actions_after, now)
        assert _facts(last) == _facts(_with_new(now, last))

    def _check_ends(self, stored: list[Entry]) -> None:
        """Each edit was told of again when it was stored or refused, in its order."""
        failed = {id(entry.job) for entry in stored if entry.failed}
        expected = [
            ("refused" if id(edit.store) in failed else "stored", id(edit.store))
            for edit in self.published
        ]
        assert [(what, id(edit.store)) for what, edit in self.ended] == expected


class LoggedDataset(Dataset):
    """A dataset that notes what every job that writes found and left, in its thread."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        with self.open() as repo:
            self.log = LabelLog(all_images(repo))

    def edit(self, job: Callable[[Repository], Result]) -> Awaitable[Result]:
        assert threading.current_thread() is threading.main_thread()

        def logged(repo: Repository) -> Result:
            before, done_before = all_images(repo), done_actions(repo)
            failed = True
            try:
                result = job(repo)
                failed = False
            finally:
                after, done_after = all_images(repo), done_actions(repo)
                entry = Entry(job, before, after, done_before, done_after, failed)
                self.log.entries.append(entry)
            return result

        return super().edit(logged)


def all_images(repo: Repository) -> dict[int, ImageRecord]:
    """Every image, those in the trash among them."""
    return {
        record.id: record
        for text in ("", "is:deleted")
        for record in repo.images.page(parse(text), limit=_MOST).images
    }


def done_actions(repo: Repository) -> tuple[int, ...]:
    """The ids of the actions that are done and not undone."""
    found = repo.history.actions(limit=_MOST)
    return tuple(action.id for action in found if action.state == "done")


def facts_of(record: ImageRecord) -> tuple[str | None, str | None, frozenset[str], bool]:
    """What a person said of an image: its label, split, tags, and whether it is in the trash."""
    return record.label, record.split, frozenset(record.tags), record.deleted


def _facts(known: Known) -> dict[int, object]:
    return {image: facts_of(record) for image, record in known.items()}


def _with_new(known: Known, found: Known) -> dict[int, ImageRecord]:
    """With the images that came by an import meanwhile."""
    return {**found, **known}


def _edited(known: Known, edit: Edit) -> dict[int, ImageRecord]:
    touched = {image: edit.apply(known[image]) for image in edit.images if image in known}
    return {**known, **touched}
