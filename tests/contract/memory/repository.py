"""MemoryRepository: a dataset in plain dictionaries, gone with the process. It is what the backends
are compared with, so it is as plain as it can be and no faster than tests need.
"""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.choices import SPLITS
from storage.errors import NotFound, PixshelfError, UsageError
from storage.ordering import natural_key
from storage.records import Action, DatasetInfo, Event, Problem, Stats
from storage.repository import (
    History,
    Images,
    Labels,
    Measurements,
    Models,
    Predictions,
    Rows,
    Runs,
    Tags,
)
from tests.contract.memory import edits
from tests.contract.memory.images import MemoryImages, MemoryMeasurements
from tests.contract.memory.runs import MemoryModels, MemoryPredictions, MemoryRuns
from tests.contract.memory.store import Store


class MemoryRepository:
    """A store, open; any number may be open on one. See storage.repository for the promises.

    `sql` and `backup` raise UsageError: there is no SQL and no file."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.images: Images = MemoryImages(store)
        self.measurements: Measurements = MemoryMeasurements(store)
        self.labels: Labels = MemoryLabels(store)
        self.tags: Tags = MemoryTags(store)
        self.runs: Runs = MemoryRuns(store)
        self.models: Models = MemoryModels(store)
        self.predictions: Predictions = MemoryPredictions(store)
        self.history: History = MemoryHistory(store)

    @property
    def url(self) -> str:
        return f"memory:{id(self._store)}"

    def stats(self) -> Stats:
        shown = [image for image in self._store.images.values() if not image.deleted]
        formats = Counter(image.facts.format for image in shown)
        sizes = Counter((image.facts.width, image.facts.height) for image in shown)
        splits = Counter(str(image.facts.split or "none") for image in shown)
        return Stats(
            images=len(shown),
            unlabelled=sum(image.facts.label is None for image in shown),
            bytes=sum(image.bytes for image in shown),
            labels={label: count for label, count in self.labels.counts().items() if count},
            splits={split: splits[split] for split in (*SPLITS, "none") if splits[split]},
            formats=dict(sorted(formats.items(), key=lambda one: (-one[1], one[0]))),
            sizes={
                f"{width}x{height}": count
                for (width, height), count in sorted(
                    sizes.items(), key=lambda one: (-one[1], one[0])
                )
            },
        )

    def info(self) -> DatasetInfo:
        store = self._store
        deleted = sum(image.deleted for image in store.images.values())
        return DatasetInfo(
            url=self.url,
            backend="memory",
            library=f"Python {platform.python_version()}",
            schema_version=0,
            bytes=sum(image.bytes for image in store.images.values()),
            images=len(store.images) - deleted,
            models=len(store.models),
            runs=len(store.runs),
            predictions=len(store.predictions),
            details={"images in the trash": str(deleted)},
        )

    def check(self, *, deep: bool = True) -> Iterator[Problem]:
        for image_id, image in self._store.images.items():
            data = image.facts.data
            if len(data) != image.bytes:
                yield Problem(f"has {len(data)} bytes where {image.bytes} are noted", image_id)
            elif deep and hashlib.sha256(data).digest() != image.facts.sha256:
                yield Problem("the bytes are not those that were stored (sha256)", image_id)
        for model in self._store.models if deep else ():
            for read in (self.models.weights, self.models.litert):
                try:
                    read(model)
                except PixshelfError as error:
                    yield Problem(error.message)

    def backup(self, target: Path) -> None:
        raise UsageError("a dataset in memory has no file to copy")

    def vacuum(self) -> int:
        store = self._store
        gone = {image_id for image_id, image in store.images.items() if image.deleted}
        for action_id, done in list(store.actions.items()):
            left = {image: event for image, event in done.events.items() if image not in gone}
            if done.events and not left:
                del store.actions[action_id]
            done.events = left
        for key in [key for key in store.predictions if key[1] in gone]:
            del store.predictions[key]
        for image_id in gone:
            del store.images[image_id]
            store.measures.pop(image_id, None)
        return len(gone)

    def sql(self, text: str, *, timeout: float = 10.0, limit: int | None = None) -> Rows:
        raise UsageError("a dataset in memory has no SQL")

    def close(self) -> None:
        """There is nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class MemoryLabels:
    """See storage.repository.Labels."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def names(self) -> list[str]:
        return sorted(self._store.labels, key=natural_key)

    def counts(self) -> dict[str, int]:
        shown = [image.facts.label for image in self._store.images.values() if not image.deleted]
        return {name: shown.count(name) for name in self.names()}

    def rename(self, old: str, new: str, *, actor: str) -> Action:
        return edits.rename(self._store, "label", old, new, actor=actor)

    def merge(self, source: str, target: str, *, actor: str) -> Action:
        return edits.merge_label(self._store, source, target, actor=actor)

    def remove(self, name: str, *, actor: str) -> Action:
        return edits.remove_label(self._store, name, actor=actor)


class MemoryTags:
    """See storage.repository.Tags."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def counts(self) -> dict[str, int]:
        shown = [image.facts.tags for image in self._store.images.values() if not image.deleted]
        return {
            name: sum(name in tags for tags in shown)
            for name in sorted(self._store.tags, key=natural_key)
        }

    def rename(self, old: str, new: str, *, actor: str) -> Action:
        return edits.rename(self._store, "tag", old, new, actor=actor)

    def remove(self, name: str, *, actor: str) -> Action:
        return edits.remove_tag_everywhere(self._store, name, actor=actor)


class MemoryHistory:
    """See storage.repository.History."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def actions(self, *, limit: int = 100, before: int | None = None) -> list[Action]:
        newest = sorted(self._store.actions, reverse=True)
        ids = [action_id for action_id in newest if before is None or action_id < before]
        return [self.get(action_id) for action_id in ids[:limit]]

    def get(self, action_id: int) -> Action:
        if action_id not in self._store.actions:
            raise NotFound(f"there is no action {action_id}", hint="See 'pixshelf history'.")
        return self._store.actions[action_id].action

    def events(self, action_id: int, *, limit: int = 100, after: int = 0) -> list[Event]:
        self.get(action_id)
        events = self._store.actions[action_id].events
        return [events[image] for image in sorted(events) if image > after][:limit]

    def of_image(self, image_id: int) -> list[tuple[Action, Event]]:
        newest = sorted(self._store.actions.items(), reverse=True)
        return [
            (done.action, done.events[image_id]) for _, done in newest if image_id in done.events
        ]

    def undo(self, count: int = 1, *, expected: Sequence[int] | None = None) -> list[Action]:
        return edits.undo(self._store, count, expected)

    def redo(self, count: int = 1, *, expected: Sequence[int] | None = None) -> list[Action]:
        return edits.redo(self._store, count, expected)
