"""The thread that reads what a grid shows: records, and pictures brought to its size.

It has a connection of its own. Only the newest wish counts: one that comes while it works takes
the place of what is left of the last, so work for images that have gone by is never queued.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.errors import NotFound
from storage.query import Query, Term
from tui.grid.paint import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.records import ImageRecord
    from storage.repository import Repository

    Picture = NDArray[np.int32] | None

RECORDS_AT_ONCE = 500
FILES_AT_ONCE = 128
DECODED_AT_ONCE = 8
TELL_AFTER = 0.04
"""After so many seconds of work what is there is told, though it is not all."""
AHEAD_AFTER = 0.04
"""So many seconds after what is seen, what is likely to be next is read."""
_MOST_KNOWN = 100_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What a grid wants: the pictures and records that are seen, the first first, then those that
    are likely to be next. `epoch` is given back with what is read for it."""

    box: Box
    pictures: tuple[int, ...] = ()
    records: tuple[int, ...] = ()
    ahead: tuple[int, ...] = ()
    ahead_records: tuple[int, ...] = ()
    model: str | None = None
    epoch: int = 0


@dataclass(slots=True)
class Read:
    """What was read for a wish, or for its first part. A picture of None cannot be decoded, or is
    gone; a record of None is gone."""

    wish: Wish
    pictures: dict[int, Picture] = field(default_factory=dict)
    records: dict[int, ImageRecord | None] = field(default_factory=dict)


class Reader:
    """The thread. `tell` is called in it with what was read, or with the error that came."""

    def __init__(
        self,
        open_dataset: Callable[[], Repository],
        tell: Callable[[Read | Exception], None],
        identity: Callable[[], object] = lambda: None,
    ) -> None:
        """`identity` tells the dataset that is there now from one that took its place; the next
        wish is read from that one."""
        self._open = open_dataset
        self._identity = identity
        self._tell = tell
        self._wake = threading.Condition()
        self._wish: Wish | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._large: dict[int, bool] = {}

    def want(self, wish: Wish) -> None:
        """Read this, and nothing any more of what was wanted before. Never waits."""
        with self._wake:
            self._wish = wish
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="pixshelf-grid", daemon=True)
                self._thread.start()
            self._wake.notify()

    def close(self) -> None:
        """End the thread, soon; does not wait for it."""
        with self._wake:
            self._closed = True
            self._wake.notify()

    def _run(self) -> None:
        repo: Repository | None = None
        opened: object = None
        workers = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "pixshelf-decoding")
        try:
            while (wish := self._next()) is not None:
                try:
                    now = self._identity()
                    if repo is not None and now != opened:
                        repo.close()
                        repo = None
                    if repo is None:
                        repo, opened = self._open(), now
                        self._large.clear()
                    self._fulfil(repo, wish, workers)
                except Exception as error:
                    # Also a fault of the program: without the thread the grid would stay empty
                    # and nobody would know why.
                    if repo is not None:
                        repo.close()
                    repo = None
                    self._tell(error)
        finally:
            workers.shutdown(cancel_futures=True)
            if repo is not None:
                repo.close()

    def _next(self) -> Wish | None:
        with self._wake:
            while self._wish is None and not self._closed:
                self._wake.wait()
            wish, self._wish = self._wish, None
            return None if self._closed else wish

    def _gone_by(self) -> bool:
        return self._wish is not None or self._closed

    def _fulfil(self, repo: Repository, wish: Wish, workers: ThreadPoolExecutor) -> None:
        for pictures, records in ((wish.pictures, wish.records), (wish.ahead, wish.ahead_records)):
            read, since = Read(wish), time.monotonic()
            for step in self._steps(repo, wish, pictures, records, workers):
                read.records.update(step.records)
                read.pictures.update(step.pictures)
                if self._gone_by():
                    break
                if time.monotonic() - since > TELL_AFTER:
                    self._tell(read)
                    read, since = Read(wish), time.monotonic()
            if read.pictures or read.records:
                self._tell(read)
            with self._wake:
                # The frame with what was told is painted in this time, undisturbed.
                if self._wake.wait_for(self._gone_by, AHEAD_AFTER):
                    return

    def _steps(
        self,
        repo: Repository,
        wish: Wish,
        pictures: Sequence[int],
        records: Sequence[int],
        workers: ThreadPoolExecutor,
    ) -> Iterator[Read]:
        """The work in small parts, so that a newer wish is seen between them."""
        unknown = [image for image in pictures if image not in self._large]
        needed = list(dict.fromkeys([*records, *unknown]))
        for start in range(0, len(needed), RECORDS_AT_ONCE):
            found = records_of(repo, needed[start : start + RECORDS_AT_ONCE], wish.model)
            self._learn(found)
            yield Read(wish, records=found)
        if not pictures:
            return
        # With numpy and the decoders, which nothing needs before there is a picture to show.
        from tui.grid.fitting import fit_any, fit_plain, in_chunks

        for chunk in in_chunks(pictures, FILES_AT_ONCE):
            files, missing = self._files(repo, chunk, wish.box)
            fitted, left = fit_plain(files, wish.box)
            yield Read(wish, {**dict.fromkeys(missing), **fitted})
            for start in range(0, len(left), DECODED_AT_ONCE):
                part = left[start : start + DECODED_AT_ONCE]
                done = workers.map(lambda file: fit_any(file[1], wish.box), part)
                yield Read(wish, dict(zip((image for image, _ in part), done, strict=True)))

    def _learn(self, found: dict[int, ImageRecord | None]) -> None:
        from storage.pictures import THUMBNAIL_FROM

        if len(self._large) > _MOST_KNOWN:
            self._large.clear()
        for image, record in found.items():
            self._large[image] = (
                record is not None and record.width * record.height >= THUMBNAIL_FROM
            )

    def _files(
        self, repo: Repository, images: Sequence[int], box: Box
    ) -> tuple[list[tuple[int, bytes]], list[int]]:
        """The bytes to decode for each image, the small copy where that is enough, and the images
        that are gone."""
        from storage.pictures import THUMBNAIL_SIDE

        files: list[tuple[int, bytes]] = []
        whole: list[int] = []
        for image in images:
            small = None
            if self._large.get(image) and min(box) <= THUMBNAIL_SIDE:
                small = repo.images.thumbnail(image)
            if small is None:
                whole.append(image)
            else:
                files.append((image, small))
        found, missing = _data(repo, whole)
        return files + found, missing


def records_of(
    repo: Repository, images: Sequence[int], model: str | None
) -> dict[int, ImageRecord | None]:
    """The records of at most 500 images, those in the trash too; None for one that is gone.
    Raises PixshelfError as `Images.page` does."""
    found: dict[int, ImageRecord | None] = dict.fromkeys(images)
    words = Term("id", ":", tuple(images))
    for terms in ((words,), (words, Term("is", ":", ("deleted",)))):
        page = repo.images.page(Query(terms, model=model), limit=len(images))
        found.update((record.id, record) for record in page.images)
        if all(record is not None for record in found.values()):
            break
    return found


def _data(repo: Repository, images: Sequence[int]) -> tuple[list[tuple[int, bytes]], list[int]]:
    """The bytes of the images, and those of them that are gone."""
    found: list[tuple[int, bytes]] = []
    try:
        found.extend(repo.images.iter_data(images))
    except NotFound:
        missing = []
        for image in images[len(found) :]:
            try:
                found.append((image, repo.images.data(image)))
            except NotFound:
                missing.append(image)
        return found, missing
    return found, []
