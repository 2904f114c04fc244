"""The way from a source into a dataset.

Files are read and hashed first, the dataset is asked which it knows, and only the others are
decoded, in a few processes beside this one. Images are added in the source's order, in batches that
are each one transaction, so an import that was cut off can be run again and ends as if it had not
been.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from storage.errors import RefusedInput
from storage.importing.decoder import Answer
from storage.importing.decoding import Decoders
from storage.importing.measuring import Loaded, SplitChoice, image_of, load
from storage.importing.recognise import open_source
from storage.importing.sources import Entry, Format, Refusal
from storage.labels import clean_label, clean_tags
from storage.records import NewImage
from storage.repository import Repository

BATCH_IMAGES = 1_000
BATCH_BYTES = 16 * 1024 * 1024
REFUSALS_KEPT = 1_000

_CHUNK_IMAGES = 256
_CHUNK_BYTES = 2 * 1024 * 1024
_FLIGHT_PIECES = 16
_FLIGHT_BYTES = 32 * 1024 * 1024

Progress = Callable[[int, "int | None", int, int, int], None]
"""Called with (done, total or None, added, duplicates, refused) after every batch and chunk."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of an import. `refused` counts every refusal, `refusals` holds the first 1,000.

    `duplicates` counts the pictures whose very bytes were in the dataset already. `stopped` says
    that `should_stop` ended it early; what was added by then stays.
    """

    format: Format
    added: int
    duplicates: int
    refused: int
    seconds: float
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    stopped: bool = False


def import_source(
    repo: Repository,
    source: Path,
    *,
    format: str | None = None,  # noqa: A002 - the word that users know it by
    location: str | None = None,
    split: SplitChoice = None,
    label: str | None = None,
    tags: Sequence[str] = (),
    seed: int = 0,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ImportReport:
    """Import everything in `source`, which may be a folder, a picture, a zip or tar archive, an IDX
    file or folder of them, an .npz, a CSV or JSON Lines manifest, or an imagefolder; `format` (one
    of sources.FORMATS) says which where a look does not. `location` is noted as where it came from
    in place of the path.

    `label` goes on every picture in place of what the source says, `tags` in addition. `split` is a
    split for every picture, 'auto' for one by a hash of the content and `seed`, or None for the
    source's own word ('none' is one) and 'auto' where it has none.

    A picture that is refused does not end the import. Raises RefusedInput for a source that is
    missing, empty, damaged or of an unknown format, and for a bad label or tag; UsageError for a
    format that there is not. On KeyboardInterrupt the batches added so far stay.
    """
    began = time.monotonic()
    label = None if label is None else clean_label(label)
    opened = open_source(source, format)
    settings: dict[str, object] = {
        "format": opened.format,
        "split": split,
        "label": label,
        "tags": list(clean_tags(tuple(tags))),
        "seed": seed,
    }
    work = _Import(
        repo,
        str(source) if location is None else location,
        settings,
        split,
        seed,
        opened.count() if progress else None,
        progress,
    )
    extra = _Extra(label, clean_tags(tuple(tags)))
    with Decoders() as decoders:
        stopped = work.run(map(extra.on, opened.entries()), decoders, should_stop)
    if not (work.done or stopped):
        raise RefusedInput(f"there are no pictures in {source}", hint="Check the path.")
    return ImportReport(
        format=opened.format,
        added=work.added,
        duplicates=work.duplicates,
        refused=work.refused,
        seconds=time.monotonic() - began,
        refusals=tuple(work.refusals),
        notes=opened.notes,
        stopped=stopped,
    )


@dataclass(frozen=True, slots=True)
class _Extra:
    """What the user puts on every picture."""

    label: str | None
    tags: tuple[str, ...]

    def on(self, entry: Entry | Refusal) -> Entry | Refusal:
        if isinstance(entry, Refusal) or (self.label is None and not self.tags):
            return entry
        tags = tuple(dict.fromkeys((*entry.tags, *self.tags)))
        return entry._replace(label=self.label or entry.label, tags=tags)


Chunk = list[Loaded | Refusal]
Flight = tuple[list[Loaded], int, Future[list[Answer]]]


@dataclass(slots=True)
class _Import:
    """The counts of an import under way, and the batch that is being filled."""

    repo: Repository
    location: str
    settings: dict[str, object]
    split: SplitChoice
    seed: int
    total: int | None
    progress: Progress | None
    import_id: int | None = None
    done: int = 0
    added: int = 0
    duplicates: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    batch: list[NewImage] = field(default_factory=list)
    batch_bytes: int = 0

    def run(
        self,
        entries: Iterator[Entry | Refusal],
        decoders: Decoders,
        should_stop: Callable[[], bool] | None,
    ) -> bool:
        """Import the entries; says whether `should_stop` ended it."""
        flight: deque[Flight] = deque()
        in_flight = 0
        stopped = False
        for chunk in _chunks(entries):
            new, size = self._unknown(chunk)
            flight.append((new, size, decoders.submit([item.data for item in new])))
            in_flight += size
            while flight and (flight[0][2].done() or _too_much(len(flight), in_flight)):
                landed = flight.popleft()
                self._take(landed)
                in_flight -= landed[1]
                del landed
            # What is stored is let go before more is read.
            del chunk, new
            self._tell()
            if should_stop is not None and should_stop():
                stopped = True
                break
        for landed in flight:
            self._take(landed)
        self._flush()
        return stopped

    def _unknown(self, chunk: Chunk) -> tuple[list[Loaded], int]:
        """Of a chunk, what the dataset does not have yet, and its bytes."""
        loaded = []
        for item in chunk:
            if isinstance(item, Refusal):
                self._refuse(item)
            else:
                loaded.append(item)
        known = self.repo.images.known([item.sha256 for item in loaded])
        new = [item for item in loaded if item.sha256 not in known]
        self.duplicates += len(loaded) - len(new)
        self.done += len(loaded) - len(new)
        return new, sum(len(item.data) for item in new)

    def _take(self, landed: Flight) -> None:
        chunk, _, future = landed
        for loaded, answer in zip(chunk, future.result(), strict=True):
            image = image_of(loaded, answer, self.split, self.seed)
            if isinstance(image, Refusal):
                self._refuse(image)
                continue
            self.batch.append(image)
            self.batch_bytes += len(image.data)
            if len(self.batch) >= BATCH_IMAGES or self.batch_bytes >= BATCH_BYTES:
                self._flush()

    def _refuse(self, refusal: Refusal) -> None:
        self.done += 1
        self.refused += 1
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(refusal)

    def _flush(self) -> None:
        if self.batch:
            if self.import_id is None:
                self.import_id = self.repo.images.begin_import(self.location, self.settings)
            stored = self.repo.images.add(self.batch, import_id=self.import_id)
            new = sum(one.new for one in stored)
            self.added += new
            self.duplicates += len(stored) - new
            self.done += len(stored)
            self.batch = []
            self.batch_bytes = 0
        self._tell()

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(self.done, self.total, self.added, self.duplicates, self.refused)


def _too_much(pieces: int, size: int) -> bool:
    return pieces > _FLIGHT_PIECES or size > _FLIGHT_BYTES


def _chunks(entries: Iterator[Entry | Refusal]) -> Iterator[Chunk]:
    """The entries with their bytes, in pieces of bounded count and size."""
    chunk: Chunk = []
    size = 0
    for entry in entries:
        if isinstance(entry, Refusal):
            chunk.append(entry)
        else:
            try:
                loaded = load(entry)
            except RefusedInput as error:
                chunk.append(Refusal(entry.source, error.message))
            else:
                chunk.append(loaded)
                size += len(loaded.data)
                del loaded
        del entry
        if len(chunk) >= _CHUNK_IMAGES or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
