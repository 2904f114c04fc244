"""A log of every edit that was asked for and of what the dataset then held, and the law on it.

The law: an edit does to each image what the screens show at once, and nothing to any other; what
is undone and done again leads back to where it was; nothing else changes a label, tag or split.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from storage.query import parse
from storage.records import ImageRecord
from storage.repository import Repository
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.edits import Edit

Result = TypeVar("Result")
Known = Mapping[int, ImageRecord]
"""The images by their ids."""

_MOST = 10_000


@dataclass(eq=False)
class Asked:
    """A job that the app gave to be written, and the edit that it published with it."""

    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One job that was carried out: what was there before it and after it. `actions_before` and
    `actions_after` are the ids of the actions that are done."""

    asked: Asked
    before: Known
    after: Known
    actions_before: tuple[int, ...]
    actions_after: tuple[int, ...]
    failed: bool


@dataclass(eq=False)
class LabelLog:
    """What the app published and what was stored, each in its order."""

    first: Known = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    ended: list[tuple[str, Edit]] = field(default_factory=list)

    def hear(self, change: Change) -> None:
        """For the app's signal of changes."""
        if change.edit is not None and change.what == "edit":
            assert self.asked[-1].edit is None
            self.asked[-1].edit = change.edit
        elif change.edit is not None:
            self.ended.append((change.what, change.edit))

    def check(self, last: Known, *, whole: bool) -> None:
        """Raises AssertionError where the law is broken. `last` is what the dataset holds; `whole`
        says that the app was there until every edit was told of."""
        assert [entry.asked for entry in self.entries] == self.asked
        if whole:
            self._check_ends()
        now = dict(self.first)
        seen: dict[tuple[int, ...], Known] = {}
        for entry in self.entries:
            now = _with_new(now, entry.before)
            _same(entry.before, now, "changed without an edit")
            seen.setdefault(entry.actions_before, now)
            edit = entry.asked.edit
            if entry.failed:
                expected = now
            elif edit is not None:
                expected = _edited(now, edit)
            else:
                # Halfway through what was one edit and two actions nothing was seen yet.
                expected = _with_new(seen.get(entry.actions_after, entry.after), entry.before)
            expected = _with_new(expected, entry.after)
            _same(entry.after, expected, "undo, redo" if edit is None else edit.summary)
            now = dict(expected)
            seen.setdefault(entry.actions_after, now)
        _same(last, _with_new(now, last), "changed after the last edit")

    def _check_ends(self) -> None:
        """Each edit was told of again when it was stored or refused, in its order."""
        expected = [
            ("refused" if entry.failed else "stored", entry.asked.edit)
            for entry in self.entries
            if entry.asked.edit is not None
        ]
        assert self.ended == expected


class LoggedDataset(Dataset):
    """A dataset that notes what every job that writes found and left, in its thread."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        with self.open() as repo:
            self.log = LabelLog(all_images(repo))

    def edit(self, job: Callable[[Repository], Result], **options: Any) -> Awaitable[Result]:
        asked = Asked()
        self.log.asked.append(asked)

        def logged(repo: Repository) -> Result:
            before, done_before = all_images(repo), done_actions(repo)
            failed = True
            try:
                result = job(repo)
                failed = False
            finally:
                after, done_after = all_images(repo), done_actions(repo)
                entry = Entry(asked, before, after, done_before, done_after, failed)
                self.log.entries.append(entry)
            return result

        return super().edit(logged, **options)


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


def _same(found: Known, expected: Known, what: str) -> None:
    """Raises AssertionError with what differs."""
    assert found.keys() == expected.keys(), what
    wrong = [
        (image, facts_of(record), facts_of(expected[image]))
        for image, record in found.items()
        if facts_of(record) != facts_of(expected[image])
    ]
    assert not wrong, (what, wrong[:5])


def _with_new(known: Known, found: Known) -> dict[int, ImageRecord]:
    """With the images that came by an import meanwhile."""
    return {**found, **known}


def _edited(known: Known, edit: Edit) -> dict[int, ImageRecord]:
    touched = {image: edit.apply(known[image]) for image in edit.images if image in known}
    return {**known, **touched}
