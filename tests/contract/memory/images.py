"""The images of a dataset in memory, and what was measured of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from storage.bounds import refuse_infinite
from storage.cursors import read_cursor, write_cursor
from storage.labels import clean_label, clean_tags
from storage.query import Query
from storage.records import (
    Action,
    Added,
    Example,
    Fingerprint,
    ImagePrediction,
    ImageRecord,
    Measures,
    NewImage,
    Page,
    Split,
)
from tests.contract.memory import edits
from tests.contract.memory.asking import matches, predicting_model, sort_key
from tests.contract.memory.store import Image, Store, next_id


class MemoryImages:
    """See storage.repository.Images."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin_import(self, location: str, settings: Mapping[str, Any]) -> int:
        import_id = next_id(self._store.imports)
        self._store.imports[import_id] = int(time.time())
        return import_id

    def add(self, images: Sequence[NewImage], *, import_id: int) -> list[Added]:
        ids = self.find(image.sha256 for image in images)
        first = next_id(self._store.images)
        new: dict[int, NewImage] = {}
        added = []
        for image in images:
            known = image.sha256 in ids
            if not known:
                ids[image.sha256] = first + len(new)
                new[first + len(new)] = _clean(image)  # raises before anything is stored
            added.append(Added(ids[image.sha256], new=not known))
        for image_id, image in new.items():
            self._store.labels |= {image.label} if image.label is not None else set()
            self._store.tags |= set(image.tags)
            self._store.images[image_id] = Image(
                image, len(image.data), self._store.imports[import_id]
            )
        return added

    def known(self, sha256s: Iterable[bytes]) -> set[bytes]:
        return set(self.find(sha256s))

    def find(self, sha256s: Iterable[bytes]) -> dict[bytes, int]:
        ids = {image.facts.sha256: image_id for image_id, image in self._store.images.items()}
        return {sha256: ids[sha256] for sha256 in sha256s if sha256 in ids}

    def stored(self, image_ids: Sequence[int]) -> Iterator[tuple[int, NewImage]]:
        for image_id in image_ids:
            yield image_id, self._store.image(image_id).facts

    def get(self, image_id: int, *, model: int | None = None) -> ImageRecord:
        if model is None:
            model = predicting_model(self._store, None)
        image = self._store.image(image_id)
        facts = image.facts
        return ImageRecord(
            id=image_id,
            sha256=facts.sha256,
            label=facts.label,
            split=facts.split,
            tags=facts.tags,
            width=facts.width,
            height=facts.height,
            channels=facts.channels,
            format=facts.format,
            bytes=image.bytes,
            source=facts.source,
            added_at=image.added_at,
            prediction=None if model is None else self._prediction(model, image_id),
            deleted=image.deleted,
        )

    def _prediction(self, model: int, image_id: int) -> ImagePrediction | None:
        stored = self._store.predictions.get((model, image_id))
        if stored is None:
            return None
        label = self._store.image(image_id).facts.label
        wrong = None if label is None else stored.label != label
        return ImagePrediction(model, stored.label, stored.confidence, wrong)

    def page(self, query: Query, *, limit: int = 100, after: str | None = None) -> Page:
        ids = matches(self._store, query)
        model = predicting_model(self._store, query.model)
        if after is not None:
            place = read_cursor(after, query.sort)
            ids = [image_id for image_id in ids if self._is_after(place, query, image_id)]
        images = tuple(self.get(image_id, model=model) for image_id in ids[:limit])
        if len(ids) <= limit:
            return Page(images, None)
        last = ids[limit - 1]
        return Page(images, write_cursor(query.sort, sort_key(self._store, query, last), last))

    def _is_after(self, place: tuple[float, int], query: Query, image_id: int) -> bool:
        here = (sort_key(self._store, query, image_id), image_id)
        return here < place if query.sort.descending else here > place

    def count(self, query: Query) -> int:
        return len(matches(self._store, query))

    def ids(self, query: Query) -> list[int]:
        return matches(self._store, query)

    def examples(self, query: Query) -> Iterator[Example]:
        for image_id in matches(self._store, query.by_id()):
            one = self._store.image(image_id).facts
            yield Example(
                image_id,
                one.sha256,
                one.pixel_hash,
                one.label,
                one.split,
                one.width,
                one.height,
                one.channels,
            )

    def data(self, image_id: int) -> bytes:
        return self._store.image(image_id).facts.data

    def iter_data(self, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for image_id in image_ids:
            yield image_id, self.data(image_id)

    def thumbnail(self, image_id: int) -> bytes | None:
        image = self._store.images.get(image_id)
        return None if image is None else image.facts.thumbnail

    def thumbnails(self) -> Iterator[tuple[int, bytes]]:
        for image_id, image in sorted(self._store.images.items()):
            if image.facts.thumbnail is not None:
                yield image_id, image.facts.thumbnail

    def without_thumbnail(self, *, pixels: int) -> list[int]:
        return sorted(
            image_id
            for image_id, image in self._store.images.items()
            if image.facts.width * image.facts.height >= pixels and image.facts.thumbnail is None
        )

    def set_thumbnails(self, thumbnails: Mapping[int, bytes | None]) -> None:
        images = {image_id: self._store.image(image_id) for image_id in thumbnails}
        for image_id, image in images.items():
            image.facts = replace(image.facts, thumbnail=thumbnails[image_id])

    def set_label(self, image_ids: Sequence[int], label: str | None, *, actor: str) -> Action:
        return edits.set_label(self._store, image_ids, label, actor=actor)

    def set_labels(
        self, assignments: Mapping[int, str | None], *, actor: str, summary: str
    ) -> Action:
        return edits.set_labels(self._store, assignments, actor=actor, summary=summary)

    def set_split(
        self, assignments: Mapping[int, Split | None], *, actor: str, summary: str
    ) -> Action:
        return edits.set_split(self._store, assignments, actor=actor, summary=summary)

    def add_tag(self, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
        return edits.add_tag(self._store, image_ids, tag, actor=actor)

    def remove_tag(self, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
        return edits.remove_tag(self._store, image_ids, tag, actor=actor)

    def delete(self, image_ids: Sequence[int], *, actor: str) -> Action:
        return edits.delete(self._store, image_ids, actor=actor)

    def restore(self, image_ids: Sequence[int], *, actor: str) -> Action:
        return edits.restore(self._store, image_ids, actor=actor)


class MemoryMeasurements:
    """See storage.repository.Measurements."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def fingerprints(self, query: Query) -> Iterator[Fingerprint]:
        for image_id in matches(self._store, query.by_id()):
            image = self._store.image(image_id)
            one = image.facts
            yield Fingerprint(
                image_id, one.pixel_hash, one.dhash, one.split, one.width, one.height, image.bytes
            )

    def missing(self, query: Query, *, version: int) -> list[int]:
        return [
            image_id
            for image_id in matches(self._store, query.by_id())
            if self._store.measures.get(image_id, (None, None))[0] != version
        ]

    def count_missing(self, query: Query, *, version: int) -> int:
        return len(self.missing(query, version=version))

    def save(self, measures: Mapping[int, Measures], *, version: int) -> None:
        for image_id, one in measures.items():
            refuse_infinite(one, f"what was measured of image {image_id}")
        for image_id, one in measures.items():
            if image_id in self._store.images:
                self._store.measures[image_id] = (version, one)

    def get(self, image_id: int) -> Measures | None:
        return self._store.measures.get(image_id, (0, None))[1]


def _clean(image: NewImage) -> NewImage:
    """The image with its label and its tags as they are stored. Raises RefusedInput."""
    label = None if image.label is None else clean_label(image.label)
    return replace(image, label=label, tags=tuple(sorted(clean_tags(image.tags))))
