"""Pictures and what was said of them into the dataset, by the door's one writer.

Requests that come together share a transaction. An answer is given when the dataset has all of
it: what was acknowledged is there. The same picture is one image, however often it comes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cli.serve.lanes import Lane, Open
from cli.serve.predicting import Said
from ml.predicting import as_predictions
from storage.errors import PixshelfError
from storage.records import Added, NewImage, NewPrediction
from storage.repository import Repository

LOCATION = "http"
_IMPORT_SECONDS = 60.0
"""How long one import goes on: its beginning is the time that its images bear."""
_MOST = 64


@dataclass(frozen=True, slots=True)
class Store:
    """An image to store with what a model said of it."""

    image: NewImage
    said: Said


class Storing:
    """The writer. `start` it, and `close` it in the end."""

    def __init__(self, open_: Open, *, waiting: int) -> None:
        self._lane: Lane[Store, Added] = Lane(
            "store", open_, self._store, most=_MOST, waiting=waiting
        )
        self._import: int | None = None
        self._import_at = 0.0

    def start(self) -> None:
        """Begin. Raises DatasetError where the dataset cannot be opened."""
        self._lane.start()

    def close(self) -> None:
        """Store what waits, then end."""
        self._lane.close()

    async def ask(self, store: Store) -> Added:
        """Where the image is, once it is durable. Raises DatasetError, StorageFull, NotFound
        where the model is gone, and a Problem where too much waits."""
        return await self._lane.ask(store)

    def _store(self, repo: Repository, batch: Sequence[Store]) -> Sequence[Added | Exception]:
        now = time.monotonic()
        if self._import is None or now - self._import_at > _IMPORT_SECONDS:
            self._import = repo.images.begin_import(LOCATION, {})
            self._import_at = now
        try:
            added = repo.images.add([store.image for store in batch], import_id=self._import)
        except PixshelfError:
            # The next one begins anew, whatever the dataset is then.
            self._import = None
            raise
        results: list[Added | Exception] = list(added)
        groups: dict[int, list[int]] = {}
        for at, store in enumerate(batch):
            groups.setdefault(store.said.model.id, []).append(at)
        for model, places in groups.items():
            # The last answer counts where one picture came twice.
            saved: dict[int, NewPrediction] = {}
            for at in places:
                said = batch[at].said
                saved.update(
                    (each.image, each)
                    for each in as_predictions(
                        [added[at].id], said.model.labels, said.probabilities[None, :]
                    )
                )
            try:
                repo.predictions.save(model, list(saved.values()))
            except PixshelfError as error:
                for at in places:
                    results[at] = error
        return results
