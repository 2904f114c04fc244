"""Repository: the one interface between the program and a dataset, whichever backend holds it.

It is a set of small protocols grouped by noun. A method that writes is one transaction: when it
returns, what it says is durable and whole; when it raises, nothing of it is there. Every backend
is held to the same contract suite (tests/contract). A Repository belongs to the thread that
opened it; any number may be open on one dataset, in any number of processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from storage.query import Query
from storage.records import (
    Action,
    Added,
    Checkpoint,
    DatasetInfo,
    EpochMetrics,
    Event,
    Example,
    Fingerprint,
    ImageRecord,
    Measures,
    ModelRecord,
    NewImage,
    NewModel,
    NewPrediction,
    NewRun,
    Page,
    Prediction,
    Problem,
    RunRecord,
    RunStatus,
    Split,
    SqlValue,
    Stats,
)


class Images(Protocol):
    """The images, their bytes, and the labels, splits and tags on them."""

    def begin_import(self, location: str, settings: Mapping[str, Any]) -> int:
        """Note that an import from `location` begins; gives the id that `add` wants."""
        ...

    def add(self, images: Sequence[NewImage], *, import_id: int) -> list[Added]:
        """Store a batch whole. An image whose sha256 is already there is not stored again, and
        its label, split and tags stay as they are. Answers in the order given."""
        ...

    def known(self, sha256s: Iterable[bytes]) -> set[bytes]:
        """Those of the given hashes that the dataset already holds."""
        ...

    def find(self, sha256s: Iterable[bytes]) -> dict[bytes, int]:
        """The ids of those of the given hashes that the dataset holds, the trash included."""
        ...

    def stored(self, image_ids: Sequence[int]) -> Iterator[tuple[int, NewImage]]:
        """(id, image) for each id, in the order given: everything that `add` was given, as it is
        now, so that another dataset can take it. Reads ahead as `iter_data` does. Raises NotFound
        at an id that is gone."""
        ...

    def get(self, image_id: int, *, model: int | None = None) -> ImageRecord:
        """One image, with the prediction of `model` (by default the newest model that has
        predictions). Raises NotFound."""
        ...

    def page(self, query: Query, *, limit: int = 100, after: str | None = None) -> Page:
        """Up to `limit` images in the query's order, after the place that an earlier Page's
        `next` named. Costs the same wherever in the order the page lies."""
        ...

    def count(self, query: Query) -> int:
        """How many images match."""
        ...

    def ids(self, query: Query) -> list[int]:
        """The ids of every match, in the query's order."""
        ...

    def examples(self, query: Query) -> Iterator[Example]:
        """Every match, in id order, with what training selects by."""
        ...

    def data(self, image_id: int) -> bytes:
        """The bytes as they were given. Raises NotFound."""
        ...

    def iter_data(self, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """(id, bytes) for each id, in the order given; ascending ids are fastest. Reads ahead no
        more than 16 MiB or one image. Raises NotFound at an id that is gone."""
        ...

    def thumbnail(self, image_id: int) -> bytes | None:
        """A small encoded copy, for images that have one."""
        ...

    def thumbnails(self) -> Iterator[tuple[int, bytes]]:
        """(id, bytes) of every thumbnail, in id order."""
        ...

    def without_thumbnail(self, *, pixels: int) -> list[int]:
        """The images of so many pixels and more that have no thumbnail, in id order; those in the
        trash too."""
        ...

    def set_thumbnails(self, thumbnails: Mapping[int, bytes | None]) -> None:
        """Give each image the thumbnail, or take it away. Raises NotFound."""
        ...

    def set_label(self, image_ids: Sequence[int], label: str | None, *, actor: str) -> Action:
        """Give the images a label, or take it away; one action in the history. Where nothing
        needs to change, nothing is recorded and the answer has id 0 (so for all such edits).
        Raises NotFound (and changes nothing) if an id is gone, RefusedInput for a bad label."""
        ...

    def set_labels(
        self, assignments: Mapping[int, str | None], *, actor: str, summary: str
    ) -> Action:
        """Give each image its own label, or take it away; one action in the history. Raises as
        `set_label` does."""
        ...

    def set_split(
        self, assignments: Mapping[int, Split | None], *, actor: str, summary: str
    ) -> Action:
        """Put each image into its split; one action in the history. Raises NotFound."""
        ...

    def add_tag(self, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
        """Put a tag on the images; one action in the history. Raises NotFound, RefusedInput."""
        ...

    def remove_tag(self, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
        """Take a tag off the images; one action in the history. Raises NotFound."""
        ...

    def delete(self, image_ids: Sequence[int], *, actor: str) -> Action:
        """Put the images into the trash; one action in the history. They are in no count, page or
        selection, but for `is:deleted`, and keep all they have. Raises NotFound."""
        ...

    def restore(self, image_ids: Sequence[int], *, actor: str) -> Action:
        """Take the images out of the trash; one action in the history. Raises NotFound."""
        ...


class Measurements(Protocol):
    """What was measured of images: hashes at their import, and how they look, when asked for."""

    def fingerprints(self, query: Query) -> Iterator[Fingerprint]:
        """Every match, in id order, with what tells copies apart."""
        ...

    def missing(self, query: Query, *, version: int) -> list[int]:
        """The ids of every match that has no measures of this version, ascending."""
        ...

    def count_missing(self, query: Query, *, version: int) -> int:
        """How many images `missing` would give."""
        ...

    def save(self, measures: Mapping[int, Measures], *, version: int) -> None:
        """Store measures by image, in place of older ones. An id that is gone is passed over.
        Raises RefusedInput for a number that is not finite."""
        ...

    def get(self, image_id: int) -> Measures | None:
        """What was measured of one image last, if anything was."""
        ...


class Labels(Protocol):
    """The vocabulary of labels: those that an image or a model has."""

    def names(self) -> list[str]:
        """Every label, in natural order ('2' before '10')."""
        ...

    def counts(self) -> dict[str, int]:
        """How many images each label has, in natural order."""
        ...

    def rename(self, old: str, new: str, *, actor: str) -> Action:
        """Give a label another name, for images, models and predictions alike. Raises NotFound,
        RefusedInput (a bad name, or one that another label has)."""
        ...

    def merge(self, source: str, target: str, *, actor: str) -> Action:
        """Give every image of one label the other. Models keep telling `source` apart. Raises
        NotFound."""
        ...

    def remove(self, name: str, *, actor: str) -> Action:
        """Take a label off every image. Raises NotFound."""
        ...


class Tags(Protocol):
    """The vocabulary of tags."""

    def counts(self) -> dict[str, int]:
        """How many images each tag is on, in natural order."""
        ...

    def rename(self, old: str, new: str, *, actor: str) -> Action:
        """Give a tag another name. Raises NotFound, RefusedInput as for labels."""
        ...

    def remove(self, name: str, *, actor: str) -> Action:
        """Take a tag off every image. Raises NotFound."""
        ...


class Runs(Protocol):
    """Trainings, the metrics of their epochs, and the checkpoints to go on from."""

    def create(self, run: NewRun) -> int:
        """Store a run with status 'running'; gives its id."""
        ...

    def hold(self, run_id: int) -> AbstractContextManager[None]:
        """While the block lasts, this process works on the run and no other may. Given back at
        its end, and by itself if the process dies. Raises NotFound, and DatasetBusy at once where
        another holds the run."""
        ...

    def is_held(self, run_id: int) -> bool:
        """Whether any process works on the run. One that is 'running' and not held was
        interrupted: its process died. False for a run that is not there."""
        ...

    def reopen(self, run_id: int, pid: int) -> None:
        """Make a run 'running' again, in the process `pid`, without an end or an error. Raises
        NotFound."""
        ...

    def revise(
        self,
        run_id: int,
        *,
        settings: Mapping[str, Any],
        total_epochs: int,
        total_steps: int,
        last: Checkpoint | None = None,
    ) -> None:
        """Put other settings and another length in the place of a run's own, and, where given,
        another 'last' checkpoint: all in one transaction. Raises NotFound."""
        ...

    def record_epoch(
        self,
        run_id: int,
        metrics: EpochMetrics,
        *,
        last: Checkpoint,
        best: Checkpoint | None = None,
    ) -> None:
        """Store a finished epoch, its checkpoint, and, where it is the best so far, that one too:
        all in one transaction. Raises NotFound, and RefusedInput for a number that is not
        finite."""
        ...

    def save_checkpoint(
        self, run_id: int, last: Checkpoint, *, best: Checkpoint | None = None
    ) -> None:
        """Store a 'last' checkpoint from within an epoch in place of the one before, and, where
        given, another 'best' one with it, in one transaction. A killed process takes nothing of
        it; a power cut may take the last few. Raises NotFound."""
        ...

    def checkpoint(self, run_id: int, kind: str) -> Checkpoint | None:
        """The 'last' or the 'best' checkpoint, if there is one."""
        ...

    def finish(self, run_id: int, status: RunStatus, *, error: str | None = None) -> None:
        """Say how a run ended. One that is 'done' needs no checkpoints any more: they are dropped,
        and their room is used again. Raises NotFound."""
        ...

    def remove(self, run_id: int) -> None:
        """Delete a run with its epochs and checkpoints. Its model stays. Raises NotFound, and
        DatasetBusy where a process works on it."""
        ...

    def get(self, run_id: int) -> RunRecord:
        """One run with its epochs. Raises NotFound."""
        ...

    def all(self) -> list[RunRecord]:
        """Every run, newest first, with its epochs."""
        ...


class Models(Protocol):
    """Weights that can predict."""

    def add(self, model: NewModel) -> int:
        """Store a model; gives its id. Raises RefusedInput for a number that is not finite."""
        ...

    def get(self, model_id: int) -> ModelRecord:
        """One model. Raises NotFound."""
        ...

    def find(self, name_or_id: str | None) -> ModelRecord:
        """The model of that id or name; None means the newest. Raises NotReady when there is no
        model at all, NotFound when there is none of that name."""
        ...

    def all(self) -> list[ModelRecord]:
        """Every model, newest first."""
        ...

    def weights(self, model_id: int) -> bytes:
        """Its safetensors bytes, checked against their sha256. Raises NotFound, DatasetError."""
        ...

    def litert(self, model_id: int) -> bytes:
        """Its LiteRT bytes, checked against their sha256. Raises NotFound, DatasetError."""
        ...

    def rename(self, model_id: int, name: str) -> None:
        """Give a model another name. Raises NotFound, RefusedInput (a bad name, or one that
        another model has)."""
        ...

    def remove(self, model_id: int) -> None:
        """Delete a model with its predictions. Its run stays. Raises NotFound."""
        ...


class Predictions(Protocol):
    """What models said of images."""

    def save(self, model_id: int, predictions: Sequence[NewPrediction]) -> None:
        """Store a batch whole, in place of what the model said of these images before. The truth
        is taken from the image's label at this moment. Raises NotFound."""
        ...

    def of_image(self, image_id: int) -> list[Prediction]:
        """Every model's answer for one image, newest model first."""
        ...

    def of_model(self, model_id: int, query: Query) -> Iterator[Prediction]:
        """A model's stored answers for the images that match, in id order."""
        ...


class History(Protocol):
    """What users did to labels, splits, tags and the trash, and the way back."""

    def actions(self, *, limit: int = 100, before: int | None = None) -> list[Action]:
        """The newest actions first; `before` continues a list below that id."""
        ...

    def get(self, action_id: int) -> Action:
        """One action. Raises NotFound."""
        ...

    def events(self, action_id: int, *, limit: int = 100, after: int = 0) -> list[Event]:
        """What an action did, in the order of the images, to those with ids above `after`.
        Raises NotFound."""
        ...

    def of_image(self, image_id: int) -> list[tuple[Action, Event]]:
        """What was done to one image, the newest first."""
        ...

    def undo(self, count: int = 1, *, expected: Sequence[int] | None = None) -> list[Action]:
        """Take back the newest `count` actions that are done, whoever did them, newest first, all
        in one transaction; gives those taken back, fewer than `count` where there are no more.
        Where ids are `expected`, it takes back these in this order or, if others are the newest by
        now, raises NotReady. Raises RefusedInput where a renaming cannot be taken back."""
        ...

    def redo(self, count: int = 1, *, expected: Sequence[int] | None = None) -> list[Action]:
        """Do again what was undone last, in order; all else is as with `undo`. A new action drops
        what could be redone."""
        ...


class Rows(Protocol):
    """What a statement gives, row by row. Reading it may raise what `Repository.sql` raises.
    Iterate once, then `close`; reading to the end closes too."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, each once: a second `n` is called `n:1`."""
        ...

    def __iter__(self) -> Iterator[tuple[SqlValue, ...]]: ...

    def close(self) -> None:
        """Stop reading and give everything back. Safe to call twice."""
        ...


class Repository(Protocol):
    """A dataset, open. Use it as a context manager, or `close` it."""

    images: Images
    measurements: Measurements
    labels: Labels
    tags: Tags
    runs: Runs
    models: Models
    predictions: Predictions
    history: History

    @property
    def url(self) -> str:
        """What `open_repository` needs to open the same dataset again, also in another process."""
        ...

    def stats(self) -> Stats:
        """Counts over the whole dataset."""
        ...

    def info(self) -> DatasetInfo:
        """What the dataset itself is."""
        ...

    def check(self, *, deep: bool = True) -> Iterator[Problem]:
        """Everything that is wrong with the dataset: structure, references, counts, and, with
        `deep`, every image's and model's bytes against their sha256 and every index against its
        table. Empty when all is well."""
        ...

    def backup(self, target: Path) -> None:
        """Copy the dataset to a new file, as of one moment, also while others write.
        Raises RefusedInput if `target` exists."""
        ...

    def vacuum(self) -> int:
        """Empty the trash for good, with what the history says of it, and give unused room back to
        the disk. Gives the number of images removed."""
        ...

    def sql(self, text: str, *, timeout: float = 10.0, limit: int | None = None) -> Rows:
        """The rows of one statement in the backend's own SQL, at most `limit` of them. It can
        read and do nothing else. `timeout` is in seconds and counts the time that the dataset
        works, not the time between rows. Raises UsageError for a statement that is not
        understood or not allowed, TimedOut, DatasetError."""
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
