"""A log of every edit that was asked for and of what the dataset then held, and the law on it.

The law: an edit does to each image what the screens show at once, and nothing to any other; what
is undone and done again leads back to where it was; nothing else changes a label, tag or split.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from storage.query import parse
from storage.records import Action, ImageRecord
from storage.repository import Repository
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.edits import Edit

Result = TypeVar("Result")
Known = Mapping[int, ImageRecord]
"""The images by their ids."""

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One job that was carried out: what was there before it and after it. `actions_before` and
    `actions_after` are the ids of the actions that are done. `number` counts the jobs as they were
    asked for; `stored` says that it was an edit, which gives its action."""

    number: int
    before: Known
    after: Known
    actions_before: tuple[int, ...]
    actions_after: tuple[int, ...]
    stored: bool
    failed: bool


@dataclass(eq=False)
class LabelLog:
    """What the app published and what was stored, each in its order."""

    first: Known = field(default_factory=dict)
    asked: int = 0
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
        assert [entry.number for entry in self.entries] == list(range(self.asked))
        edits = self._edits() if whole else {}
        now = dict(self.first)
        seen: dict[tuple[int, ...], Known] = {}
        for entry in self.entries:
            now = _with_new(now, entry.before)
            _same(entry.before, now, "changed without an edit")
            seen.setdefault(entry.actions_before, now)
            edit = edits.get(entry.number)
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

    def _edits(self) -> dict[int, Edit]:
        """The published edit that each job was. They were carried out in the order in which they
        were published, and each was told of again when it was stored or refused."""
        refused = [edit for what, edit in self.ended if what == "refused"]
        edits: dict[int, Edit] = {}
        left = list(self.published)
        for entry in self.entries:
            if entry.stored or (entry.failed and left and left[0] in refused):
                edits[entry.number] = left.pop(0)
        assert not left
        told = [
            ("refused" if entry.failed else "stored", edits[entry.number])
            for entry in self.entries
            if entry.number in edits
        ]
        assert self.ended == told
        return edits


class LoggedDataset(Dataset):
    """A dataset that notes what every job that writes found and left, in its thread."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        with self.open() as repo:
            self.log = LabelLog(all_images(repo))

    def edit(self, job: Callable[[Repository], Result], **options: Any) -> Awaitable[Result]:
        number = self.log.asked
        self.log.asked += 1

        def logged(repo: Repository) -> Result:
            before, done_before = all_images(repo), done_actions(repo)
            result: Result | None = None
            failed = True
            try:
                result = job(repo)
                failed = False
            finally:
                after, done_after = all_images(repo), done_actions(repo)
                stored = isinstance(result, Action)
                self.log.entries.append(
                    Entry(number, before, after, done_before, done_after, stored, failed)
                )
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
